//! E-mail by SMTP: frozen messages, one thread per incident.

use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;

use crate::config::Reader;
use crate::model::{Code, Diagnostic, Timestamp};
use crate::net::{MailError, probe_mail, send_mail};
use crate::notify::{Letter, Notification, Payload};
use crate::plan::{Decl, Form, Kind, Mail, Plan, Setting};
use crate::render::mail;

use super::{Channel, Desk, Means, SMTP_VARIABLE, SendError, read};

pub(super) const KIND: Kind<dyn Channel> = Kind {
    name: "email",
    about: include_str!("../../docs/notifications.md"),
    settings: &[Setting {
        key: "to",
        about: "Addresses and owners",
        form: Form::Texts,
        required: true,
        default: "",
    }],
    mapping: &[],
    event_named: false,
    build,
};

struct Email {
    mail: Mail,
    to: Vec<String>,
}

fn build(decl: &Decl, plan: &Plan) -> Result<Box<dyn Channel>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    let mut to = Vec::new();
    for (text, at) in reader.texts("to").unwrap_or_default() {
        match address(&text, plan) {
            Some(address) => to.push(address),
            None => reader.complain(
                Diagnostic::error(
                    Code(205),
                    format!("`{text}` is neither an address nor an owner with one"),
                )
                .at(at, "nobody would get it"),
            ),
        }
    }
    let complaints = reader.finish();
    match &plan.mail {
        Some(mail) if complaints.is_empty() && !to.is_empty() => Ok(Box::new(Email {
            mail: mail.clone(),
            to,
        })),
        // A missing [mail] was said by the plan already.
        _ => Err(complaints),
    }
}

/// An address as written, or that of an owner.
pub fn address(text: &str, plan: &Plan) -> Option<String> {
    if let Some(owner) = plan.owners.get(text) {
        return owner.email.clone();
    }
    text.parse::<lettre::message::Mailbox>()
        .is_ok()
        .then(|| text.to_owned())
}

#[async_trait]
impl Channel for Email {
    fn letter(&self, notification: &Notification, desk: &Desk<'_>) -> Payload {
        let words = mail::write(desk.plan, notification);
        let envelope = mail::Envelope {
            from: &self.mail.from,
            to: &self.to,
            id: desk.id,
            thread: desk.thread,
            at: desk.now,
        };
        // Addresses were parsed when the channel was built; if one still fails the sender says so.
        let body = mail::message(&words, &envelope).unwrap_or_default();
        let extra = [
            ("from".to_owned(), self.mail.from.clone()),
            ("to".to_owned(), self.to.join("\n")),
        ];
        Payload {
            content_type: "message/rfc822".to_owned(),
            body,
            extra: extra.into_iter().collect(),
        }
    }

    async fn send(
        &self,
        letter: &Letter,
        _earlier: &[String],
        _now: Timestamp,
        means: &Means,
    ) -> Result<String, SendError> {
        send(&self.mail, &letter.payload, means).await
    }

    async fn probe(&self, means: &Means) -> Result<String, SendError> {
        let address = smtp(&self.mail, means).await?;
        probe_mail(address.expose_secret())
            .await
            .map_err(SendError::from)
    }

    fn spacing(&self) -> TimeDelta {
        TimeDelta::zero()
    }

    fn receiver(&self) -> String {
        self.to.join(", ")
    }
}

/// The channel of reports: their letters are written by `daemon`, and only sent here.
pub fn mailer(mail: &Mail) -> std::sync::Arc<dyn Channel> {
    std::sync::Arc::new(Email {
        mail: mail.clone(),
        to: Vec::new(),
    })
}

/// 4xx and no connection pass, 5xx stays.
impl From<MailError> for SendError {
    fn from(why: MailError) -> Self {
        match why {
            MailError::Wait(why) => Self::Wait { after: None, why },
            MailError::Refused(why) => Self::Refused { why },
        }
    }
}

/// Where the mail server is.
async fn smtp(mail: &Mail, means: &Means) -> Result<crate::secret::SecretString, SendError> {
    match &mail.smtp {
        Some(at) => read(means, at).await,
        None => crate::secret::variable(SMTP_VARIABLE)
            .inspect(crate::secret::remember)
            .ok_or_else(|| SendError::Wait {
                after: None,
                why: format!("{SMTP_VARIABLE} is not set"),
            }),
    }
}

/// Sends frozen bytes to the recipients that travel beside them.
async fn send(mail: &Mail, payload: &Payload, means: &Means) -> Result<String, SendError> {
    let address = smtp(mail, means).await?;
    let from = payload.extra.get("from").map_or("", String::as_str);
    let to: Vec<&str> = payload
        .extra
        .get("to")
        .map_or("", String::as_str)
        .lines()
        .collect();
    if payload.body.is_empty() || to.is_empty() {
        return Err(SendError::Refused {
            why: "the mail could not be written: an address is wrong".to_owned(),
        });
    }
    send_mail(address.expose_secret(), from, &to, &payload.body)
        .await
        .map_err(SendError::from)
}
