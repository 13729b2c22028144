//! `[check.*]`: rules of one's own, and other settings for made checks.

use chrono::TimeDelta;

use crate::config::{Reader, suggest};
use crate::model::{Code, Diagnostic, Name, Span, Status};

use super::resolve::Resolver;
use super::{Conversion, Event, conversion};

/// `[check.X]`: a rule of its own, or other settings for a made check.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckDecl {
    /// Plan name.
    pub name: Name,
    /// What it is for.
    pub about: Option<String>,
    /// The check kind it makes or changes; `rate` when `rate` is given.
    pub kind: Option<String>,
    /// The event or conversion it concerns.
    pub event: Option<Name>,
    /// From and to event of a rate.
    pub rate: Option<(Name, Name)>,
    /// Fires below this share or count.
    pub below: Option<f64>,
    /// Fires above this share or count.
    pub above: Option<f64>,
    /// How long it must hold (`for`).
    pub hold: Option<TimeDelta>,
    /// What it becomes when it fires.
    pub level: Status,
    /// quiet, normal or strict.
    pub sensitivity: Option<String>,
    /// false switches a made check off.
    pub enabled: bool,
    /// Who answers for it.
    pub owner: Option<Name>,
    /// Where it was written.
    pub origin: String,
}

/// `[check.*]`
#[expect(clippy::too_many_lines, reason = "one table, key by key")]
pub(super) fn rules(
    resolver: &mut Resolver<'_>,
    events: &[Event],
    conversions: &[Conversion],
) -> Vec<CheckDecl> {
    let mut known = conversion::places(events);
    for (key, at, _) in resolver.document.family("conversion") {
        if let Some(one) = conversions.iter().find(|one| one.name.as_str() == key) {
            known.push((one.name.clone(), at));
        }
    }
    let kinds: Vec<&str> = resolver
        .known
        .checks
        .iter()
        .map(|facts| facts.name)
        .collect();
    let mut found = Vec::new();
    for (name, span, section) in resolver.family("check") {
        let origin = resolver.origin(span);
        let mut mentioned: Vec<(Name, Span)> = Vec::new();
        let rule = resolver.read_section(section, |reader| {
            let rate = reader.names("rate").unwrap_or_default();
            let event = reader.name("event");
            mentioned.extend(rate.iter().cloned().chain(event.clone()));
            if !rate.is_empty() && rate.len() != 2 {
                let at = reader.place("rate");
                reader.complain(
                    Diagnostic::error(Code(105), "a rate has two events: from and to")
                        .at(at, "cannot be read")
                        .help("write it like rate = [\"begin_checkout\", \"purchase\"]"),
                );
            }
            let kind = reader.text("kind");
            check_kind(reader, kind.as_deref(), &kinds);
            let mut pair = rate.into_iter().map(|(name, _)| name);
            let rate = pair.next().zip(pair.next());
            let level = reader
                .has("level")
                .then(|| reader.one_of("level", &["warning", "failing"]));
            CheckDecl {
                about: reader.text("about"),
                kind: kind.or_else(|| rate.is_some().then(|| "rate".to_owned())),
                event: event.map(|(name, _)| name),
                rate,
                below: reader.share("below"),
                above: reader.share("above"),
                hold: reader.duration("for"),
                level: level
                    .flatten()
                    .and_then(|word| Status::parse(&word))
                    .unwrap_or(Status::Warning),
                sensitivity: reader
                    .has("sensitivity")
                    .then(|| reader.one_of("sensitivity", &["quiet", "normal", "strict"]))
                    .flatten(),
                enabled: reader.flag("enabled").unwrap_or(true),
                owner: reader.name("owner").map(|(owner, _)| owner),
                name,
                origin,
            }
        });
        let fine = mentioned
            .iter()
            .filter(|(event, at)| resolver.refer(201, "event", event, *at, &known))
            .count();
        if rule.kind.is_none() {
            resolver.complaints.push(
                Diagnostic::error(Code(104), format!("[check.{}] does not say what it checks", rule.name))
                    .at(span, "in this table")
                    .help("give it `rate = [\"from\", \"to\"]`, or `kind` and `event` to change a made check"),
            );
        } else if fine == mentioned.len() {
            found.push(rule);
        }
    }
    found
}

fn check_kind(reader: &mut Reader<'_>, kind: Option<&str>, kinds: &[&str]) {
    let Some(word) = kind.filter(|word| !kinds.contains(word)) else {
        return;
    };
    let at = reader.place("kind");
    let message = format!("there is no check kind `{word}`");
    let complaint = Diagnostic::error(Code(204), message).at(at, "not known");
    reader.complain(match suggest(word, kinds) {
        Some(near) => complaint.fix(at, format!("\"{near}\""), true),
        None => complaint.help(format!("known kinds: {}", kinds.join(", "))),
    });
}
