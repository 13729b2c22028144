//! `[conversion.*]` and `[funnel.*]`: which events the business lives by, and their order.

use chrono::TimeDelta;

use crate::config::{Reader, human};
use crate::model::{Code, Diagnostic, Filter, Name, Span};

use super::resolve::Resolver;
use super::{Event, filter};

/// `[conversion.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// Plan name; may equal the event's.
    pub name: Name,
    /// What it is.
    pub about: Option<String>,
    /// The event.
    pub event: Name,
    /// Which of its events count.
    pub filter: Filter,
    /// Whether the business lives by it.
    pub primary: bool,
    /// What one is worth.
    pub worth: Option<Worth>,
    /// `rules/leads.toml:60`
    pub origin: String,
}

/// What one conversion is worth.
#[derive(Debug, Clone, PartialEq)]
pub enum Worth {
    /// A fixed amount and its currency.
    Fixed(f64, String),
    /// The mean amount of the last 28 days.
    Average,
}

/// `[funnel.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct Funnel {
    /// Plan name.
    pub name: Name,
    /// Events in order, at least two.
    pub steps: Vec<Name>,
    /// Dimensions in which a culprit is sought.
    pub by: Vec<Name>,
    /// Younger cohorts are provisional.
    pub settle: TimeDelta,
    /// Time from first to last step.
    pub within: Option<TimeDelta>,
    /// Where it was written.
    pub origin: String,
}

/// Names of events with their places, for references.
pub(super) fn places(events: &[Event]) -> Vec<(Name, Span)> {
    events
        .iter()
        .map(|event| (event.name.clone(), event.span))
        .collect()
}

/// A `where`, with its complaint.
pub(super) fn condition(reader: &mut Reader<'_>, key: &str) -> Filter {
    let Some(text) = reader.text(key) else {
        return Filter::default();
    };
    filter::parse(&text).unwrap_or_else(|why| {
        let at = reader.place(key);
        reader.complain(
            Diagnostic::error(Code(210), why)
                .at(at, "cannot be read")
                .help("write it like: where = \"company_size != '1-10' and amount >= 5\""),
        );
        Filter::default()
    })
}

/// `[conversion.*]`
pub(super) fn conversions(resolver: &mut Resolver<'_>, events: &[Event]) -> Vec<Conversion> {
    let known = places(events);
    let mut found = Vec::new();
    for (name, span, section) in resolver.family("conversion") {
        let origin = resolver.origin(span);
        let mut event = None;
        let own = name.clone();
        let mut conversion = resolver.read_section(section, |reader| {
            event = reader.name("event");
            Conversion {
                about: reader.text("about"),
                event: own.clone(),
                filter: condition(reader, "where"),
                primary: reader.flag("primary").unwrap_or(false),
                worth: worth(reader),
                name: own,
                origin,
            }
        });
        let (wanted, at) = event.unwrap_or((name, span));
        if resolver.refer(201, "event", &wanted, at, &known) {
            conversion.event = wanted;
            found.push(conversion);
        }
    }
    found
}

fn worth(reader: &mut Reader<'_>) -> Option<Worth> {
    let text = reader.text("worth")?;
    if text == "average" {
        return Some(Worth::Average);
    }
    match human::money(&text) {
        Ok((amount, currency)) => Some(Worth::Fixed(amount, currency)),
        Err(why) => {
            let at = reader.place("worth");
            reader.complain(
                Diagnostic::error(Code(105), why)
                    .at(at, "cannot be read")
                    .help("or worth = \"average\""),
            );
            None
        }
    }
}

/// Younger cohorts of a funnel are provisional unless it says otherwise.
const SETTLE: TimeDelta = TimeDelta::days(2);

/// `[funnel.*]`
pub(super) fn funnels(resolver: &mut Resolver<'_>, events: &[Event]) -> Vec<Funnel> {
    let known = places(events);
    let mut found = Vec::new();
    for (name, span, section) in resolver.family("funnel") {
        let origin = resolver.origin(span);
        let mut steps = Vec::new();
        let mut funnel = resolver.read_section(section, |reader| {
            steps = reader.names("steps").unwrap_or_default();
            if steps.len() < 2 {
                let at = reader.place("steps");
                reader.complain(
                    Diagnostic::error(Code(206), "a funnel needs at least two steps")
                        .at(at, "too short"),
                );
            }
            for (index, (step, at)) in steps.iter().enumerate() {
                if steps[..index].iter().any(|(earlier, _)| earlier == step) {
                    let message = format!("`{step}` is a step twice");
                    reader.complain(Diagnostic::error(Code(209), message).at(*at, "again here"));
                }
            }
            let by = reader.names("by").unwrap_or_default();
            Funnel {
                name,
                steps: Vec::new(),
                by: by.into_iter().map(|(name, _)| name).collect(),
                settle: reader.duration("settle").unwrap_or(SETTLE),
                within: reader.duration("within"),
                origin,
            }
        });
        let fine = steps
            .iter()
            .filter(|(step, at)| resolver.refer(201, "event", step, *at, &known))
            .count();
        if fine == steps.len() && fine >= 2 {
            funnel.steps = steps.into_iter().map(|(step, _)| step).collect();
            found.push(funnel);
        }
    }
    found
}
