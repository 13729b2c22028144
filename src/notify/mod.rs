//! Who hears what, and when: compares what is true with what each route was told.

mod decide;

use crate::incident::Incident;
use crate::model::{Fingerprint, Matcher, Name, Timestamp, Window};

pub use decide::{Situation, decide};

/// The key by which a channel of a route is found again: `route/index/kind`.
pub fn channel_key(route: &Name, index: usize, kind: &str) -> Name {
    Name::clean(&format!("{route}/{index}/{kind}"))
}

/// Why somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A new incident.
    Opened,
    /// It became worse.
    Worsened,
    /// It became better, not over.
    Eased,
    /// The diagnosis changed.
    VerdictChanged,
    /// A person took it.
    Acknowledged,
    /// It is over.
    Resolved,
    /// It came back.
    Reopened,
    /// It still lasts.
    Reminder,
    /// Nobody acknowledged it in time.
    Escalated,
    /// The daily cap was reached: the rest in one message.
    Digest,
    /// It flips too often.
    Flapping,
    /// A silence ended while it lasts.
    SilenceEnded,
    /// It began and ended while nobody could be told.
    Past,
    /// A report.
    Report,
    /// A sample.
    Test,
    /// We cannot do our work: told past the outbox, since nothing can be written down.
    Trouble,
    /// We can again.
    Recovered,
}

/// Every reason with its word.
const REASONS: [(Reason, &str); 17] = [
    (Reason::Opened, "opened"),
    (Reason::Worsened, "worsened"),
    (Reason::Eased, "eased"),
    (Reason::VerdictChanged, "verdict_changed"),
    (Reason::Acknowledged, "acknowledged"),
    (Reason::Resolved, "resolved"),
    (Reason::Reopened, "reopened"),
    (Reason::Reminder, "reminder"),
    (Reason::Escalated, "escalated"),
    (Reason::Digest, "digest"),
    (Reason::Flapping, "flapping"),
    (Reason::SilenceEnded, "silence_ended"),
    (Reason::Past, "past"),
    (Reason::Report, "report"),
    (Reason::Test, "test"),
    (Reason::Trouble, "trouble"),
    (Reason::Recovered, "recovered"),
];

impl Reason {
    /// The word of the store, the webhook and the letter id.
    pub fn word(self) -> &'static str {
        REASONS
            .iter()
            .find(|(reason, _)| *reason == self)
            .map_or("", |(_, word)| word)
    }

    /// Reads [`Reason::word`] back.
    pub fn parse(word: &str) -> Option<Self> {
        REASONS
            .iter()
            .find(|(_, known)| *known == word)
            .map(|(reason, _)| *reason)
    }
}

/// A decision to tell a route.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// The route.
    pub route: Name,
    /// The channel of the route: [`channel_key`].
    pub channel: Name,
    /// Why.
    pub reason: Reason,
    /// The nth of this reason for this revision, from 0: reminders count up.
    pub n: u32,
    /// What about; one, or several for a digest; none for a report or test.
    pub incidents: Vec<Incident>,
    /// When it was decided.
    pub at: Timestamp,
    /// In front of the text, such as a silence that ended; empty mostly.
    pub remark: String,
}

/// What a route was last told about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The route.
    pub route: Name,
    /// `route/channel index/kind`: channels of one route are told separately.
    pub channel: Name,
    /// The incident.
    pub incident: Fingerprint,
    /// The revision that was told.
    pub revision: u32,
    /// Why.
    pub reason: Reason,
    /// The nth of this reason.
    pub n: u32,
    /// When the letter was written.
    pub at: Timestamp,
    /// What the receiver answered, such as a Slack timestamp or a message id, once delivered.
    pub receipt: Option<String>,
}

/// A time in which matching incidents are not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// Derived from its content, or from the plan's name.
    pub id: Fingerprint,
    /// What is muted.
    pub matcher: Matcher,
    /// From when to when.
    pub window: Window,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// A frozen text for one receiver: written in the same commit as the change that caused it, and
/// sent unchanged at every attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Derived: version, project, route, channel, receiver, incident, revision, reason, n.
    pub id: Fingerprint,
    /// The route.
    pub route: Name,
    /// `route/index/kind`, the key by which the channel is found again.
    pub channel: Name,
    /// Why.
    pub reason: Reason,
    /// The nth of this reason.
    pub n: u32,
    /// The incident, its revision; `None` for reports, digests and tests.
    pub about: Option<(Fingerprint, u32)>,
    /// Order key: letters of one route, channel and incident leave in this order.
    pub sequence: u64,
    /// The frozen body.
    pub payload: Payload,
    /// When it was written.
    pub written_at: Timestamp,
    /// Not to be sent before (quiet hours are decided before writing; this is for spacing).
    pub not_before: Timestamp,
}

/// A frozen body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// MIME type, such as `application/json` or `message/rfc822`.
    pub content_type: String,
    /// The bytes.
    pub body: Vec<u8>,
    /// Small facts the sender needs beside the body, such as recipients of a mail.
    pub extra: std::collections::BTreeMap<String, String>,
}

impl Notification {
    /// The id of the letter: derived, so that the same decision is written once (decision 7).
    pub fn letter_id(&self, project: &Name) -> Fingerprint {
        let about: Vec<(Fingerprint, u32)> = self
            .incidents
            .iter()
            .map(|incident| (incident.id, incident.revision))
            .collect();
        let at = self.incidents.is_empty().then_some(self.at);
        letter_id(
            project,
            &self.route,
            &self.channel,
            &about,
            self.reason,
            self.n,
            at,
        )
    }

    /// What the route is told by it.
    pub fn told(&self) -> Vec<Told> {
        self.incidents
            .iter()
            .map(|incident| Told {
                route: self.route.clone(),
                channel: self.channel.clone(),
                incident: incident.id,
                revision: incident.revision,
                reason: self.reason,
                n: self.n,
                at: self.at,
                receipt: None,
            })
            .collect()
    }

    /// The frozen letter. `order` sorts letters that are written at the same time.
    pub fn letter(&self, project: &Name, payload: Payload, order: u64) -> Letter {
        let millis = u64::try_from(self.at.timestamp_millis()).unwrap_or(0);
        Letter {
            id: self.letter_id(project),
            route: self.route.clone(),
            channel: self.channel.clone(),
            reason: self.reason,
            n: self.n,
            about: match self.incidents.as_slice() {
                [one] => Some((one.id, one.revision)),
                _ => None,
            },
            sequence: millis * 1_000 + order % 1_000,
            payload,
            written_at: self.at,
            not_before: self.at,
        }
    }
}

impl Told {
    /// The id of the letter by which it was told, for threads.
    pub fn letter_id(&self, project: &Name) -> Fingerprint {
        let about = [(self.incident, self.revision)];
        letter_id(
            project,
            &self.route,
            &self.channel,
            &about,
            self.reason,
            self.n,
            None,
        )
    }
}

fn letter_id(
    project: &Name,
    route: &Name,
    channel: &Name,
    about: &[(Fingerprint, u32)],
    reason: Reason,
    n: u32,
    at: Option<Timestamp>,
) -> Fingerprint {
    let mut digest = crate::model::Digest::new("letter.1");
    digest
        .text(project.as_str())
        .text(route.as_str())
        .text(channel.as_str());
    for (incident, revision) in about {
        digest.bytes(&incident.0).text(&revision.to_string());
    }
    if let Some(at) = at {
        digest.text(&at.to_rfc3339());
    }
    digest.text(reason.word()).text(&n.to_string());
    digest.fingerprint()
}
