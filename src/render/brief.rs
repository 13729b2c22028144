//! What a short message says, once for all media: a first line that is enough on a locked screen,
//! rows of facts in the fixed order, and where to look.

use crate::incident::Incident;
use crate::model::Status;
use crate::notify::{Notification, Reason};
use crate::plan::Plan;

use super::slack::preface;
use super::{IncidentText, describe, words};

/// Most incidents that a digest lists by name.
const LISTED: usize = 15;

/// How serious a message is, for media that have a color, a priority or a severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It is over, or nothing is wrong.
    Good,
    /// A warning.
    Warning,
    /// Failing.
    Failing,
    /// Failing, and a primary conversion is concerned.
    Critical,
}

/// A message in words, not yet in the form of any medium and not escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// How serious.
    pub tone: Tone,
    /// One line with its mark: `◆ Purchase 61% below expected`.
    pub head: String,
    /// One sentence that is complete by itself, for notifications and screen readers.
    pub short: String,
    /// What must be read before the facts, such as a limit that was reached; empty mostly.
    pub remark: String,
    /// `Real loss, not a tracking fault: …`; none for digests and tests.
    pub verdict: Option<String>,
    /// Titles with what stands beside them, in the order of every medium.
    pub rows: Vec<(&'static str, String)>,
    /// Lines of a digest: one incident each.
    pub list: Vec<String>,
    /// The incident's page: it shows, and asks before it changes anything.
    pub link: Option<String>,
    /// Whose numbers these are, and the rule that says so.
    pub foot: String,
}

impl Brief {
    /// Puts a notification into words.
    pub fn of(plan: &Plan, notification: &Notification) -> Self {
        match (notification.reason, notification.incidents.as_slice()) {
            (Reason::Trouble | Reason::Recovered, _) => Self::ourselves(plan, notification),
            (Reason::Test, _) | (_, []) => Self::test(plan),
            (reason, [one]) if reason != Reason::Digest => Self::one(plan, notification, one),
            (_, many) => Self::digest(plan, notification, many),
        }
    }

    fn test(plan: &Plan) -> Self {
        Self {
            tone: Tone::Good,
            head: "● Test message from Truecount".to_owned(),
            short: format!(
                "Test: {} can reach this channel. This is a sample, nothing is wrong.",
                plan.project.name
            ),
            remark: String::new(),
            verdict: None,
            rows: Vec::new(),
            list: Vec::new(),
            link: None,
            foot: plan.project.name.to_string(),
        }
    }

    /// What Truecount says of itself.
    fn ourselves(plan: &Plan, notification: &Notification) -> Self {
        let trouble = notification.reason == Reason::Trouble;
        Self {
            tone: if trouble { Tone::Critical } else { Tone::Good },
            head: ourselves(notification.reason).to_owned(),
            short: words::capital(&notification.remark),
            ..Self::test(plan)
        }
    }

    fn one(plan: &Plan, notification: &Notification, incident: &Incident) -> Self {
        let text = describe(plan, incident, notification.at);
        let over = matches!(notification.reason, Reason::Resolved | Reason::Past);
        let lead = preface(notification.reason).map_or(String::new(), |words| format!("{words}: "));
        let mark = if over { "●" } else { text.mark };
        let rule = text
            .rule
            .as_ref()
            .map_or(String::new(), |rule| format!(" · rule {rule}"));
        Self {
            tone: if over { Tone::Good } else { tone(incident) },
            head: format!("{mark} {lead}{}", text.head),
            short: short(&text, &lead, over),
            remark: words::capital(&notification.remark),
            rows: rows(&text),
            list: Vec::new(),
            link: text.link,
            verdict: text.verdict,
            foot: format!("{}{rule}", plan.project.name),
        }
    }

    fn digest(plan: &Plan, notification: &Notification, many: &[Incident]) -> Self {
        let head = digest_head(many.len());
        let mut list: Vec<String> = many
            .iter()
            .take(LISTED)
            .map(|one| {
                let text = describe(plan, one, notification.at);
                let mark = if one.over_at().is_some() {
                    "●"
                } else {
                    text.mark
                };
                format!("{mark} {}", text.head)
            })
            .collect();
        if many.len() > LISTED {
            list.push(format!("and {} more", many.len() - LISTED));
        }
        let worst = many
            .iter()
            .filter(|one| one.is_on())
            .map(tone)
            .max_by_key(|tone| *tone as u8);
        Self {
            tone: worst.unwrap_or(Tone::Good),
            short: match list.first() {
                Some(first) => format!("{head}. First: {first}"),
                None => head.clone(),
            },
            head: format!("▲ {head}"),
            remark: words::capital(&notification.remark),
            verdict: None,
            rows: Vec::new(),
            list,
            link: plan.project.url.as_ref().map(ToString::to_string),
            foot: plan.project.name.to_string(),
        }
    }

    /// Everything as plain lines, for media that have only text: the remark, the verdict, the rows
    /// as `Title: value`, the list, the foot.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.remark.is_empty() {
            lines.push(format!("{}.", self.remark));
        }
        if self.rows.is_empty() && self.list.is_empty() {
            lines.push(self.short.clone());
        }
        lines.extend(self.verdict.clone());
        lines.extend(
            self.rows
                .iter()
                .map(|(title, value)| format!("{title}: {value}")),
        );
        lines.extend(self.list.iter().cloned());
        lines
    }
}

/// The head of a message about Truecount itself.
pub fn ourselves(reason: Reason) -> &'static str {
    if reason == Reason::Trouble {
        "◆ Truecount itself is in trouble"
    } else {
        "● Truecount itself works again"
    }
}

/// The head of a message that carries several incidents.
pub fn digest_head(count: usize) -> String {
    format!("{count} incidents in one message")
}

fn tone(incident: &Incident) -> Tone {
    match (incident.status, incident.primary) {
        (Status::Failing, true) => Tone::Critical,
        (Status::Failing, false) => Tone::Failing,
        (Status::Warning | Status::Ok, _) => Tone::Warning,
    }
}

fn short(text: &IncidentText, lead: &str, over: bool) -> String {
    let state = if over { "" } else { text.status };
    let first = match (lead, state) {
        ("", state) => format!("{state}: "),
        (lead, _) => lead.to_owned(),
    };
    let now = text.now.as_ref().filter(|_| !over);
    let now = now.map_or(String::new(), |now| format!(" Now {now}."));
    let owner = text.owner.as_ref();
    let owner = owner.map_or(String::new(), |owner| format!(" Owner: {owner}"));
    format!("{first}{} since {}.{now}{owner}", text.head, text.since)
}

fn rows(text: &IncidentText) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let mut add = |title, value: Option<&String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            rows.push((title, value.clone()));
        }
    };
    add("Now", text.now.as_ref());
    add("Since", Some(&text.since));
    add("Where", text.place.as_ref());
    add("Certainty", Some(&text.certainty));
    add("Just before", text.likely.as_ref());
    add("Impact", text.impact.as_ref());
    add("Owner", text.owner.as_ref());
    if text.members.len() > 1 {
        rows.push(("Checks", checks(text)));
    }
    rows
}

/// The first checks by name and how many more there are.
pub fn checks(text: &IncidentText) -> String {
    const NAMED: usize = 8;
    let shown: Vec<&str> = text
        .members
        .iter()
        .take(NAMED)
        .map(String::as_str)
        .collect();
    let more = text.members.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{more}", shown.join(", "))
}

/// At most so many characters, with an ellipsis.
pub fn limited(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// At most so many bytes, cut between characters, with an ellipsis.
pub fn limited_bytes(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}
