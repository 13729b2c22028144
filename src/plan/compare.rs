//! `[compare.*]`: systems that must agree.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::config::{Typed, human};
use crate::model::{Code, Diagnostic, Filter, Name, Span};

use super::resolve::Resolver;
use super::{Event, SourceDecl, conversion, filter};

/// `[compare.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    /// Plan name.
    pub name: Name,
    /// The event.
    pub event: Name,
    /// The system of record.
    pub baseline: Name,
    /// The systems held against it.
    pub against: Vec<Name>,
    /// Compare counts, sums or both; `true` for sums.
    pub sums: Vec<bool>,
    /// Warns when the unexplained part passes this share; `None` judges change only.
    pub limit: Option<f64>,
    /// Buckets younger than this wait.
    pub settle: Option<TimeDelta>,
    /// Expected signed gap per system, as shares.
    pub expect: BTreeMap<Name, (f64, f64)>,
    /// Out-of-scope rows of the baseline: a label and a filter (admin orders, test orders).
    pub exclude: Vec<(Name, Filter)>,
    /// Whether the other systems count only visitors who consent, so that refusals explain a part.
    pub consent: bool,
    /// Who answers for it.
    pub owner: Option<Name>,
    /// Where it was written.
    pub origin: String,
}

/// `[compare.*]`
pub(super) fn compares(
    resolver: &mut Resolver<'_>,
    events: &[Event],
    sources: &[SourceDecl],
) -> Vec<Compare> {
    let known = conversion::places(events);
    let places: Vec<(Name, Span)> = sources
        .iter()
        .map(|source| (source.decl.name.clone(), source.decl.span))
        .collect();
    let mut found = Vec::new();
    for (name, span, section) in resolver.family("compare") {
        let origin = resolver.origin(span);
        let mut references = (None, None, Vec::new());
        let compare = resolver.read_section(section, |reader| {
            references = (
                reader.name("event"),
                reader.name("baseline"),
                reader.names("against").unwrap_or_default(),
            );
            let measures = reader.texts("measure").unwrap_or_default();
            let sums: Vec<bool> = measures.iter().map(|(word, _)| word == "sum").collect();
            for (word, at) in measures
                .iter()
                .filter(|(word, _)| word != "sum" && word != "count")
            {
                reader.complain(
                    Diagnostic::error(
                        Code(105),
                        format!("`{word}` is not a measure: use count or sum"),
                    )
                    .at(*at, "not known"),
                );
            }
            Compare {
                event: name.clone(),
                baseline: name.clone(),
                against: Vec::new(),
                sums: if sums.is_empty() { vec![false] } else { sums },
                limit: reader.part("limit"),
                settle: reader.duration("settle"),
                expect: bands(reader),
                exclude: excluded(reader),
                consent: reader.flag("consent").unwrap_or(false),
                owner: reader.name("owner").map(|(owner, _)| owner),
                name,
                origin,
            }
        });
        found.extend(connect(
            resolver, compare, references, span, &known, &places,
        ));
    }
    found
}

type References = (
    Option<(Name, Span)>,
    Option<(Name, Span)>,
    Vec<(Name, Span)>,
);

/// Every reference must lead somewhere, else the comparison is left out.
fn connect(
    resolver: &mut Resolver<'_>,
    mut compare: Compare,
    (event, baseline, against): References,
    span: Span,
    events: &[(Name, Span)],
    sources: &[(Name, Span)],
) -> Option<Compare> {
    let lacks = |what: &str, why: &str| {
        Diagnostic::error(
            Code(104),
            format!("[compare.{}] lacks `{what}`", compare.name),
        )
        .at(span, "in this table")
        .help(why.to_owned())
    };
    let Some((event, event_at)) = event else {
        let complaint = lacks("event", "say which event both systems count");
        resolver.complaints.push(complaint);
        return None;
    };
    let Some((baseline, baseline_at)) = baseline else {
        let complaint = lacks("baseline", "say which system is the system of record");
        resolver.complaints.push(complaint);
        return None;
    };
    let mut fine = resolver.refer(201, "event", &event, event_at, events);
    fine &= resolver.refer(202, "source", &baseline, baseline_at, sources);
    for (other, at) in &against {
        fine &= resolver.refer(202, "source", other, *at, sources);
    }
    if against.is_empty() {
        let complaint = lacks("against", "say which systems are held against it");
        resolver.complaints.push(complaint);
        return None;
    }
    compare.event = event;
    compare.baseline = baseline;
    compare.against = against.into_iter().map(|(other, _)| other).collect();
    fine.then_some(compare)
}

/// `expect.linkedin = "+5%..+25%"`
fn bands(reader: &mut crate::config::Reader<'_>) -> BTreeMap<Name, (f64, f64)> {
    let mut found = BTreeMap::new();
    let Some(table) = reader.table("expect") else {
        return found;
    };
    for (key, entry) in &table.entries {
        let band = match &entry.value {
            Typed::Text(text) => human::band(text),
            other => Err(format!("an expected band is a text, not {}", other.what())),
        };
        match (Name::parse(key), band) {
            (Ok(name), Ok(band)) => {
                found.insert(name, band);
            }
            (_, Err(why)) => {
                reader.complain(Diagnostic::error(Code(105), why).at(entry.at, "cannot be read"));
            }
            (Err(_), Ok(_)) => {}
        }
    }
    found
}

/// `[compare.X.exclude]`: a label and a condition each.
fn excluded(reader: &mut crate::config::Reader<'_>) -> Vec<(Name, Filter)> {
    let mut found = Vec::new();
    let Some(table) = reader.table("exclude") else {
        return found;
    };
    for (key, entry) in &table.entries {
        let condition = match &entry.value {
            Typed::Text(text) => filter::parse(text),
            other => Err(format!("a condition is a text, not {}", other.what())),
        };
        match condition {
            Ok(condition) => found.push((Name::clean(key), condition)),
            Err(why) => {
                reader.complain(Diagnostic::error(Code(210), why).at(entry.at, "cannot be read"));
            }
        }
    }
    found
}
