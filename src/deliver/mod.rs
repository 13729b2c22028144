//! PLUG: ways to tell people, one file per kind, and the worker that empties the outbox.

mod alertmanager;
mod answer;
mod discord;
mod email;
mod google_chat;
mod ntfy;
pub mod outbox;
mod pagerduty;
mod slack;
mod teams;
mod telegram;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::model::{Fingerprint, Timestamp};
use crate::net::Net;
use crate::notify::{Letter, Notification, Payload};
use crate::plan::Kind;
use crate::secret::Secrets;

/// All kinds, in the order of the documentation.
pub const KINDS: &[&Kind<dyn Channel>] = &[
    &slack::KIND,
    &email::KIND,
    &webhook::KIND,
    &teams::KIND,
    &pagerduty::KIND,
    &discord::KIND,
    &google_chat::KIND,
    &telegram::KIND,
    &ntfy::KIND,
    &alertmanager::KIND,
];

/// Keys of mails: where the server is when `[mail]` does not say.
const SMTP_VARIABLE: &str = "TRUECOUNT_SMTP_URL";

/// Whether the environment names a mail server.
pub fn smtp_url_is_set() -> bool {
    crate::secret::variable(SMTP_VARIABLE).is_some()
}

pub use crate::notify::channel_key;
pub use email::{address as mail_address, mailer};

/// Addresses and owners of an e-mail channel, as written.
pub fn mail_receivers(channel: &crate::plan::ChannelDecl) -> Vec<String> {
    let texts = crate::config::Reader::new(&channel.section)
        .texts("to")
        .unwrap_or_default();
    texts.into_iter().map(|(text, _)| text).collect()
}

/// What the writer of a letter knows beside the notification.
#[derive(Debug, Clone)]
pub struct Desk<'a> {
    /// The plan: names, owners, links, currency, zone.
    pub plan: &'a crate::plan::Plan,
    /// The id the letter will have, for message ids.
    pub id: Fingerprint,
    /// The first letter about the same incident by this channel, for threads.
    pub thread: Option<Fingerprint>,
    /// When it is written.
    pub now: Timestamp,
}

/// What a channel may use to send.
#[derive(Clone)]
pub struct Means {
    /// The door to other hosts.
    pub net: Net,
    /// Secret texts.
    pub secrets: Arc<dyn Secrets>,
}

/// Why a letter was not taken. A variant is a reaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Try again: busy, limited, unreachable.
    #[error("{why}")]
    Wait {
        /// After this long, if the receiver said so.
        after: Option<TimeDelta>,
        /// What happened, redacted.
        why: String,
    },
    /// Will never be taken: wrong address, revoked, malformed.
    #[error("{why}")]
    Refused {
        /// What happened, redacted.
        why: String,
    },
}

/// A way to tell people. `letter` is pure and its bytes are kept; `send` repeats them.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Writes the frozen body.
    fn letter(&self, notification: &Notification, desk: &Desk<'_>) -> Payload;

    /// Sends it once. `earlier` are the receipts of letters about the same incident by this
    /// channel, oldest first, so that threads work. The receipt that comes back is kept.
    async fn send(
        &self,
        letter: &Letter,
        earlier: &[String],
        now: Timestamp,
        means: &Means,
    ) -> Result<String, SendError>;

    /// Looks whether it could send, without sending anything, for `doctor`: what was found, or what
    /// is wrong. Not every medium can tell more than that its settings can be read.
    async fn probe(&self, means: &Means) -> Result<String, SendError>;

    /// How often what lasts must be told again, past the outbox, because the receiver forgets it
    /// otherwise. `None` for receivers that remember: all but Alertmanager.
    fn renews(&self) -> Option<TimeDelta> {
        None
    }

    /// Least time between two letters to this receiver.
    fn spacing(&self) -> TimeDelta;

    /// A short name of the receiver without secrets, such as `Slack webhook` or the mail addresses.
    fn receiver(&self) -> String;
}

/// A secret that cannot be read now may be there later: the letter waits.
async fn read(
    means: &Means,
    at: &crate::config::SecretRef,
) -> Result<crate::secret::SecretString, SendError> {
    means.secrets.read(at).await.map_err(|why| SendError::Wait {
        after: None,
        why: why.to_string(),
    })
}

fn address(text: &str, what: &str) -> Result<url::Url, SendError> {
    let parsed = url::Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    parsed.ok_or_else(|| SendError::Refused {
        why: format!("{what} is not an address"),
    })
}

/// An address that may not be reached is a setting to mend; everything else passes.
fn unreached(why: &crate::net::NetError) -> SendError {
    use crate::net::NetError;
    match why {
        NetError::Forbidden { .. } | NetError::Setup { .. } => SendError::Refused {
            why: why.to_string(),
        },
        NetError::Unreachable { .. } | NetError::TooLarge { .. } => SendError::Wait {
            after: None,
            why: why.to_string(),
        },
    }
}
