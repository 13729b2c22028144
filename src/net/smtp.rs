//! SMTP through lettre: STARTTLS where it is offered, TLS where it is asked for, typed refusals.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::http::install_ciphers;

/// Longest time for a mail.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why a mail was not taken. A variant is a reaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// 4xx, no connection, no answer.
    #[error("{0}")]
    Wait(String),
    /// 5xx, or an address that cannot be used.
    #[error("{0}")]
    Refused(String),
}

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// `smtp://` uses STARTTLS when it is offered (`?tls=required` insists, `?tls=none` never does),
/// `smtps://` is TLS from the first byte.
fn transport(address: &str) -> Result<Transport, MailError> {
    install_ciphers();
    let wrong = |why: &str| {
        MailError::Refused(format!(
            "the mail server's address cannot be read ({why}); write it like smtp://user:password@host:587"
        ))
    };
    let url = url::Url::parse(address.trim()).map_err(|_| wrong("not an address"))?;
    let host = url
        .host_str()
        .ok_or_else(|| wrong("no host"))?
        .trim_matches(['[', ']'])
        .to_owned();
    let parameters = || TlsParameters::new(host.clone()).map_err(|_| wrong("TLS cannot be set up"));
    let wish = url
        .query_pairs()
        .find(|(key, _)| key == "tls")
        .map(|(_, value)| value.into_owned());
    let (tls, port) = match (url.scheme(), wish.as_deref()) {
        ("smtps", _) => (Tls::Wrapper(parameters()?), 465),
        ("smtp", Some("required")) => (Tls::Required(parameters()?), 587),
        ("smtp", Some("none")) => (Tls::None, 25),
        ("smtp", None | Some("opportunistic")) => (Tls::Opportunistic(parameters()?), 587),
        ("smtp", Some(_)) => return Err(wrong("tls= is required, opportunistic or none")),
        _ => return Err(wrong("its scheme is smtp or smtps")),
    };
    let mut builder = Transport::builder_dangerous(&host)
        .port(url.port().unwrap_or(port))
        .tls(tls)
        .timeout(Some(TIMEOUT));
    if !url.username().is_empty() {
        let decoded = |text: &str| url_decoded(text).ok_or_else(|| wrong("the user or password"));
        let password = decoded(url.password().unwrap_or(""))?;
        builder = builder.credentials(Credentials::new(decoded(url.username())?, password));
    }
    Ok(builder.build())
}

/// `%40` and its like in user names and passwords.
fn url_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let hex = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = after.get(2..)?;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

fn reaction(why: &lettre::transport::smtp::Error) -> MailError {
    let mut inner: &dyn std::error::Error = why;
    while let Some(deeper) = inner.source() {
        inner = deeper;
    }
    let detail = crate::model::Name::clean(&crate::secret::masked(&inner.to_string())).to_string();
    let own = if detail.contains("certificate") {
        "; a certificate of your own authority is accepted when SSL_CERT_FILE names the authority's file"
    } else {
        ""
    };
    match why.status() {
        Some(code) if why.is_permanent() => {
            MailError::Refused(format!("the mail server refused ({code}): {detail}"))
        }
        Some(code) => MailError::Wait(format!("the mail server asks to wait ({code}): {detail}")),
        None if why.is_client() => {
            MailError::Refused(format!("the mail server and we do not agree: {detail}"))
        }
        None => MailError::Wait(format!("the mail server cannot be reached: {detail}{own}")),
    }
}

/// Sends frozen bytes; the receipt is the server's first line. A server that refuses one address
/// refuses the whole mail: then each address gets its own, so that a wrong one keeps it from nobody
/// else. That is still a refusal, which names who was left out.
pub async fn send_mail(
    address: &str,
    from: &str,
    to: &[&str],
    message: &[u8],
) -> Result<String, MailError> {
    let server = transport(address)?;
    let whole = match send(&server, from, to, message).await {
        Err((why @ MailError::Refused(_), true)) if to.len() > 1 => why,
        outcome => return outcome.map_err(|(why, _)| why),
    };
    let mut left_out = Vec::new();
    for one in to {
        match send(&server, from, &[one], message).await {
            Ok(_) => {}
            Err((MailError::Refused(why), _)) => {
                left_out.push(format!("{}: {why}", crate::model::Name::clean(one)));
            }
            Err((why, _)) => return Err(why),
        }
    }
    match left_out.len() {
        0 => Ok("taken for each address by itself".to_owned()),
        all if all == to.len() => Err(whole),
        some => Err(MailError::Refused(format!(
            "{}; taken for {} other address{}",
            left_out.join("; "),
            to.len() - some,
            if to.len() - some == 1 { "" } else { "es" }
        ))),
    }
}

/// Answers that may concern one recipient alone (RFC 5321, 4.2.3): no such mailbox, not here, full,
/// not allowed, and the word for everything else.
const OF_ONE: std::ops::RangeInclusive<u16> = 550..=554;

/// One mail to these addresses; with a failure whether it may concern one of them alone.
async fn send(
    server: &Transport,
    from: &str,
    to: &[&str],
    message: &[u8],
) -> Result<String, (MailError, bool)> {
    let refused = |why: String| (MailError::Refused(why), false);
    let mailbox = |text: &str| {
        let parsed: Result<Mailbox, _> = text.parse();
        parsed.map(|known| known.email).map_err(|_| {
            refused(format!(
                "`{}` is not an address",
                crate::model::Name::clean(text)
            ))
        })
    };
    let recipients = to
        .iter()
        .map(|one| mailbox(one))
        .collect::<Result<Vec<_>, _>>()?;
    let envelope = Envelope::new(Some(mailbox(from)?), recipients)
        .map_err(|why| refused(format!("the addresses cannot be used: {why}")))?;
    match server.send_raw(&envelope, message).await {
        Ok(answer) => {
            let said = answer.first_line().unwrap_or("taken");
            Ok(crate::model::Name::clean(&crate::secret::masked(said)).to_string())
        }
        Err(why) => {
            let of_one = why
                .status()
                .is_some_and(|code| OF_ONE.contains(&u16::from(code)));
            Err((reaction(&why), of_one))
        }
    }
}

/// Connects and says hello, for `doctor`.
pub async fn probe_mail(address: &str) -> Result<String, MailError> {
    match transport(address)?.test_connection().await {
        Ok(true) => Ok("the mail server answers".to_owned()),
        Ok(false) => Err(MailError::Wait(
            "the mail server does not answer".to_owned(),
        )),
        Err(why) => Err(reaction(&why)),
    }
}
