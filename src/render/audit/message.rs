//! The audit as a message: multipart/alternative of text and of HTML with its pictures.

use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};

use crate::model::{Fingerprint, Timestamp};
use crate::render::mail::{one_line, raw_header};

use super::AuditMail;

/// A name as a part of an address: letters, digits and dashes.
fn label(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars().take(40).map(plain).collect()
}

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
    let sender_address = sender.email.to_string();
    let seconds = u64::try_from(at.timestamp()).unwrap_or(0);
    let mut builder = lettre::Message::builder()
        .from(sender)
        .subject(one_line(&mail.subject))
        .message_id(Some(format!("<{id}@{domain}>")))
        .date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
        .raw_header(raw_header("Auto-Submitted", "auto-generated".to_owned()))
        .raw_header(raw_header(
            "List-Id",
            format!("{} <{}.audit.{domain}>", mail.list, label(&mail.table)),
        ))
        .raw_header(raw_header(
            "List-Unsubscribe",
            // One click over https (RFC 8058) would need an address that takes people off a list
            // which the plan's files hold: the wish goes to the sender, who keeps those files.
            format!(
                "<mailto:{}?subject=unsubscribe%20{}>",
                sender_address,
                label(&mail.table)
            ),
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
