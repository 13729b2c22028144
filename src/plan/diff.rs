//! Two plans to a list of changes, breaking or not.

use std::fmt;

use crate::config::Typed;
use crate::model::Name;

use super::{CheckDecl, Compare, Conversion, Event, Funnel, Plan, SourceDecl};

/// What happened to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is new.
    Added,
    /// It is different.
    Changed,
    /// It is gone.
    Removed,
}

/// One change of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanChange {
    /// What happened.
    pub how: How,
    /// `event`, `conversion`, ...
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// What is different, one line each.
    pub details: Vec<String>,
    /// Whether data or people that were fine before may now fail.
    pub breaking: bool,
}

impl fmt::Display for PlanChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.how {
            How::Added => "added",
            How::Changed => "changed",
            How::Removed => "removed",
        };
        write!(f, "{} {} {word}", self.what, self.name)?;
        if !self.details.is_empty() {
            write!(f, " ({})", self.details.join("; "))?;
        }
        Ok(())
    }
}

/// What changed from one plan to another, in plan order: events, conversions, funnels,
/// comparisons, checks, sources.
pub fn diff(before: &Plan, after: &Plan) -> Vec<PlanChange> {
    let mut found = Vec::new();
    family(
        "event",
        &before.events,
        &after.events,
        |one| &one.name,
        event,
        &mut found,
    );
    let conversions = (&before.conversions, &after.conversions);
    family(
        "conversion",
        conversions.0,
        conversions.1,
        |one| &one.name,
        conversion,
        &mut found,
    );
    let funnel = |old: &Funnel, new: &Funnel| {
        (
            settings(old.steps != new.steps || old.by != new.by || old.settle != new.settle),
            false,
        )
    };
    family(
        "funnel",
        &before.funnels,
        &after.funnels,
        |one| &one.name,
        funnel,
        &mut found,
    );
    family(
        "compare",
        &before.compares,
        &after.compares,
        |one| &one.name,
        compare,
        &mut found,
    );
    let rule = |old: &CheckDecl, new: &CheckDecl| {
        let moved = CheckDecl {
            origin: new.origin.clone(),
            ..old.clone()
        };
        (settings(moved != *new), false)
    };
    family(
        "check",
        &before.checks,
        &after.checks,
        |one| &one.name,
        rule,
        &mut found,
    );
    let source = |old: &SourceDecl, new: &SourceDecl| {
        let same = old.schedule == new.schedule && old.decl.kind == new.decl.kind;
        (settings(!same || texts(old) != texts(new)), false)
    };
    family(
        "source",
        &before.sources,
        &after.sources,
        |one| &one.decl.name,
        source,
        &mut found,
    );
    found
}

fn settings(differ: bool) -> Vec<String> {
    if differ {
        vec!["its settings".to_owned()]
    } else {
        Vec::new()
    }
}

/// What a source's table says, without where it says it.
fn texts(source: &SourceDecl) -> Vec<(String, String)> {
    let entries = &source.decl.section.entries;
    entries
        .iter()
        .map(|(key, entry)| (key.clone(), shape(&entry.value)))
        .collect()
}

/// A value without its places.
fn shape(value: &Typed) -> String {
    match value {
        Typed::List(items) => items
            .iter()
            .map(|(_, item)| shape(item))
            .collect::<Vec<_>>()
            .join(","),
        Typed::Table(table) => {
            let inner = table
                .entries
                .iter()
                .map(|(key, entry)| format!("{key}={}", shape(&entry.value)));
            inner.collect::<Vec<_>>().join(";")
        }
        other => format!("{other:?}"),
    }
}

fn conversion(old: &Conversion, new: &Conversion) -> (Vec<String>, bool) {
    let recounted = old.filter != new.filter || old.event != new.event;
    let other = old.primary != new.primary || old.worth != new.worth;
    let mut details = settings(other);
    if recounted {
        details.push("what it counts: its history begins anew".to_owned());
    }
    (details, recounted)
}

fn compare(old: &Compare, new: &Compare) -> (Vec<String>, bool) {
    let moved = Compare {
        origin: new.origin.clone(),
        ..old.clone()
    };
    let tighter = new
        .limit
        .is_some_and(|new| old.limit.is_none_or(|old| new < old));
    if old.limit == new.limit {
        return (settings(moved != *new), false);
    }
    (
        vec![format!(
            "limit {} -> {}",
            percent(old.limit),
            percent(new.limit)
        )],
        tighter,
    )
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "none".to_owned(), |share| format!("{}%", share * 100.0))
}

fn family<T: PartialEq>(
    what: &'static str,
    before: &[T],
    after: &[T],
    name: fn(&T) -> &Name,
    compare: impl Fn(&T, &T) -> (Vec<String>, bool),
    found: &mut Vec<PlanChange>,
) {
    let change = |how, one: &T, details, breaking| PlanChange {
        how,
        what,
        name: name(one).to_string(),
        details,
        breaking,
    };
    for new in after {
        match before.iter().find(|old| name(old) == name(new)) {
            None => found.push(change(How::Added, new, Vec::new(), false)),
            Some(old) => {
                let (details, breaking) = compare(old, new);
                // A table that only moved to another line has not changed.
                if !details.is_empty() {
                    found.push(change(How::Changed, new, details, breaking));
                }
            }
        }
    }
    for old in before
        .iter()
        .filter(|old| after.iter().all(|new| name(new) != name(old)))
    {
        found.push(change(How::Removed, old, Vec::new(), true));
    }
}

fn event(old: &Event, new: &Event) -> (Vec<String>, bool) {
    let mut details = Vec::new();
    let mut breaking = false;
    let required = |event: &Event| {
        let required = event
            .parameters
            .iter()
            .filter(|parameter| parameter.required);
        required
            .map(|parameter| parameter.name.clone())
            .collect::<Vec<_>>()
    };
    for name in required(new)
        .iter()
        .filter(|name| !required(old).contains(name))
    {
        details.push(format!("+ required {name}"));
        breaking = true;
    }
    for name in required(old)
        .iter()
        .filter(|name| !required(new).contains(name))
    {
        details.push(format!("- required {name}"));
    }
    for parameter in &new.parameters {
        let before = old.parameters.iter().find(|one| one.name == parameter.name);
        if before.is_some_and(|before| before.rule != parameter.rule) {
            details.push(format!("~ values of {}", parameter.name));
            breaking = true;
        }
    }
    if old.mappings != new.mappings {
        details.push("where it is counted: its history begins anew there".to_owned());
    }
    if old.owner != new.owner {
        details.push("owner".to_owned());
    }
    (details, breaking)
}
