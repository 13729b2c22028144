//! The audit as a message: multipart/alternative of text and of HTML with its pictures.

use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};

use crate::model::{Fingerprint, Timestamp};
use crate::render::mail::{one_line, raw_header};

use super::AuditMail;

/// The frozen bytes.
pub fn message(
    mail: &AuditMail,
    from: &str,
    to: &[String],
    id: Fingerprint,
    at: Timestamp,
) -> Result<Vec<u8>, String> {
    let mailbox = |text: &str| -> Result<Mailbox, String> {
        one_line(text)
            .parse()
            .map_err(|why| format!("`{}` is not an address: {why}", one_line(text)))
    };
    let sender = mailbox(from)?;
    let domain = sender.email.domain().to_owned();
    let seconds = u64::try_from(at.timestamp()).unwrap_or(0);
    let mut builder = lettre::Message::builder()
        .from(sender)
        .subject(one_line(&mail.subject))
        .message_id(Some(format!("<{id}@{domain}>")))
        .date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
        .raw_header(raw_header("Auto-Submitted", "auto-generated".to_owned()))
        .raw_header(raw_header(
            "List-Id",
            format!("Truecount weekly audit <audit.{domain}>"),
        ))
        .raw_header(raw_header(
            "List-Unsubscribe",
            format!("<mailto:unsubscribe@{domain}>"),
        ));
    for address in to {
        builder = builder.to(mailbox(address)?);
    }
    let text = SinglePart::builder()
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text.clone());
    let html = SinglePart::builder()
        .header(ContentType::TEXT_HTML)
        .body(mail.html.clone());
    let mut related = MultiPart::related().singlepart(html);
    for (cid, png) in &mail.pictures {
        let kind = ContentType::parse("image/png").map_err(|why| why.to_string())?;
        related = related.singlepart(Attachment::new_inline(cid.clone()).body(png.clone(), kind));
    }
    let body = MultiPart::alternative().singlepart(text).multipart(related);
    let message = builder
        .multipart(body)
        .map_err(|why| format!("the mail cannot be made: {why}"))?;
    Ok(message.formatted())
}
