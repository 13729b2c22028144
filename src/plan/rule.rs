//! `[check.*]`: rules of one's own, and other settings for made checks.

use chrono::TimeDelta;

use crate::config::{Reader, suggest};
use crate::model::{Code, Diagnostic, Name, Span, Status};

use super::resolve::Resolver;
use super::{Conversion, Event, KindFacts, Plan, conversion};

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

impl Plan {
    /// The same plan with one check at another sensitivity, for rehearsals. `rule` is the name of a rule
    /// of one's own; a made check is known by its kind and event.
    #[must_use]
    pub fn with_sensitivity(
        mut self,
        rule: &Name,
        kind: &str,
        event: Option<&Name>,
        word: &str,
    ) -> Self {
        let made =
            |one: &CheckDecl| one.kind.as_deref() == Some(kind) && one.event.as_ref() == event;
        let own = self.checks.iter().any(|one| one.name == *rule);
        let known = self
            .checks
            .iter_mut()
            .find(|one| if own { one.name == *rule } else { made(one) });
        match known {
            Some(one) => one.sensitivity = Some(word.to_owned()),
            None => self.checks.push(CheckDecl {
                name: rule.clone(),
                about: None,
                kind: Some(kind.to_owned()),
                event: event.cloned(),
                rate: None,
                below: None,
                above: None,
                hold: None,
                level: Status::Failing,
                sensitivity: Some(word.to_owned()),
                enabled: true,
                owner: None,
                origin: "rehearsal".to_owned(),
            }),
        }
        self
    }
}

/// `[check.*]`
pub(super) fn rules(
    resolver: &mut Resolver<'_>,
    events: &[Event],
    conversions: &[Conversion],
) -> Vec<CheckDecl> {
    let known_events = conversion::places(events);
    let mut known = known_events.clone();
    for (key, at, _) in resolver.document.family("conversion") {
        let marks_event = |name: &Name| known_events.iter().any(|(event, _)| event == name);
        let one = conversions.iter().find(|one| one.name.as_str() == key);
        known.extend(
            one.filter(|one| !marks_event(&one.name))
                .map(|one| (one.name.clone(), at)),
        );
    }
    let kinds = resolver.known.checks.clone();
    let mut found = Vec::new();
    for (name, span, section) in resolver.family("check") {
        let origin = resolver.origin(span);
        let mut read = Mentioned::default();
        let rule = resolver.read_section(section, |reader| {
            rule(reader, name, origin, &kinds, &mut read)
        });
        let mut fine = true;
        for (event, at) in &read.rate {
            fine &= resolver.refer(201, "event", event, *at, &known);
        }
        if let Some((event, at)) = &read.event {
            fine &= resolver.refer(201, "event", event, *at, &known_events);
        }
        found.extend(rule.filter(|_| fine));
    }
    found
}

/// Events that a rule mentions, with their places.
#[derive(Default)]
struct Mentioned {
    rate: Vec<(Name, Span)>,
    event: Option<(Name, Span)>,
}

/// A rate of one's own, or other settings for a made check: each kind says which keys it takes.
fn rule(
    reader: &mut Reader<'_>,
    name: Name,
    origin: String,
    kinds: &[KindFacts],
    mentioned: &mut Mentioned,
) -> Option<CheckDecl> {
    let about = reader.text("about");
    let written = reader.text("kind");
    let is_rate = reader.has("rate");
    let kind = written.or_else(|| is_rate.then(|| "rate".to_owned()));
    let Some(kind) = kind else {
        reader.missing(
            "rate",
            "give it rate = [\"from\", \"to\"], or `kind` and `event` to change a made check",
        );
        take_all(reader);
        return None;
    };
    let Some(facts) = kinds.iter().find(|facts| facts.name == kind) else {
        unknown_kind(reader, &kind, kinds);
        take_all(reader);
        return None;
    };
    if facts.settings.is_empty() {
        let at = reader.place("kind");
        let message = format!("checks of the kind `{kind}` take no settings from [check.*]");
        reader.complain(
            Diagnostic::error(Code(204), message)
                .at(at, "cannot be changed here")
                .help(format!(
                    "truecount explain {kind} says where its settings stand"
                )),
        );
        take_all(reader);
        return None;
    }
    let takes = |key: &str| facts.settings.iter().any(|setting| setting.key == key);
    if takes("rate") {
        mentioned.rate = rate(reader);
    } else {
        mentioned.event = reader.name("event");
        if mentioned.event.is_none() {
            reader.missing(
                "event",
                "say which event's check it changes: event = \"purchase\"",
            );
        }
    }
    let mut pair = mentioned.rate.iter().map(|(name, _)| name.clone());
    let rate = pair.next().zip(pair.next());
    let limited = takes("below");
    let level = limited.then(|| reader.one_of("level", &["warning", "failing"]));
    Some(CheckDecl {
        about,
        event: mentioned.event.as_ref().map(|(name, _)| name.clone()),
        rate,
        below: limited.then(|| reader.part("below")).flatten(),
        above: limited.then(|| reader.share("above")).flatten(),
        hold: limited.then(|| reader.duration("for")).flatten(),
        level: level
            .flatten()
            .and_then(|word| Status::parse(&word))
            .unwrap_or(Status::Warning),
        sensitivity: reader.one_of("sensitivity", &["quiet", "normal", "strict"]),
        enabled: reader.flag("enabled").unwrap_or(true),
        owner: reader.name("owner").map(|(owner, _)| owner),
        kind: Some(kind),
        name,
        origin,
    })
}

/// After the one mistake that matters, other keys are not complained of.
fn take_all(reader: &mut Reader<'_>) {
    for key in reader.section().entries.keys() {
        reader.entry(key);
    }
}

fn rate(reader: &mut Reader<'_>) -> Vec<(Name, Span)> {
    let rate = reader.names("rate").unwrap_or_default();
    if rate.len() != 2 {
        let at = reader.place("rate");
        reader.complain(
            Diagnostic::error(Code(105), "a rate has two events: from and to")
                .at(at, "cannot be read")
                .help("write it like rate = [\"begin_checkout\", \"purchase\"]"),
        );
    }
    rate
}

fn unknown_kind(reader: &mut Reader<'_>, kind: &str, kinds: &[KindFacts]) {
    let at = reader.place("kind");
    let names: Vec<&str> = kinds
        .iter()
        .filter(|facts| !facts.settings.is_empty())
        .map(|facts| facts.name)
        .collect();
    let message = format!("there is no check kind `{kind}`");
    let complaint = Diagnostic::error(Code(204), message).at(at, "not known");
    reader.complain(match suggest(kind, &names) {
        Some(near) => complaint
            .help("a similar kind exists")
            .fix(at, format!("\"{near}\""), true),
        None => complaint.help(format!("known kinds: {}", names.join(", "))),
    });
}
