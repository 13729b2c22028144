//! The rules of an incident's life, and what grouping must know of the plan.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::model::Name;
use crate::plan::{Plan, Worth};

/// How fast incidents open, close and come back.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The project, part of every identity.
    pub project: Name,
    /// Strikes that open; one is enough when it is extreme.
    pub strikes: u32,
    /// Clean looks that close.
    pub clean: u32,
    /// The same bucket counts again after this long, with new data.
    pub again: TimeDelta,
    /// An incident that returns within this time keeps its id and number.
    pub reopen: TimeDelta,
    /// Whether findings of one cause become one incident.
    pub group: bool,
}

impl Policy {
    /// The policy of a plan (decisions 6 and 21).
    pub fn of(plan: &Plan) -> Self {
        Self::new(plan.project.id.clone(), plan.noise.group)
    }

    /// The usual numbers.
    pub fn new(project: Name, group: bool) -> Self {
        Self {
            project,
            strikes: 2,
            clean: 2,
            again: TimeDelta::minutes(30),
            reopen: TimeDelta::days(7),
            group,
        }
    }
}

/// What the plan says about how events, sources and conversions hang together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Topology {
    /// Conversions with the event they count.
    pub event_of: BTreeMap<Name, Name>,
    /// Sources that watch visitors, as against systems of record.
    pub analytics: BTreeSet<Name>,
    /// What one event is worth, by event and by conversion: amount and currency.
    pub worth: BTreeMap<Name, (f64, String)>,
}

impl Topology {
    /// The facts of a plan. A source whose events have names of their own watches visitors, unless
    /// a comparison takes it as its baseline.
    pub fn of(plan: &Plan) -> Self {
        let baselines: BTreeSet<&Name> = plan.compares.iter().map(|one| &one.baseline).collect();
        let analytics = plan
            .sources
            .iter()
            .filter(|source| source.event_named && !baselines.contains(&source.decl.name))
            .map(|source| source.decl.name.clone())
            .collect();
        let mut worth = BTreeMap::new();
        for conversion in &plan.conversions {
            if let Some(Worth::Fixed(amount, currency)) = &conversion.worth {
                let value = (*amount, currency.clone());
                if conversion.filter.0.is_empty() {
                    worth.insert(conversion.event.clone(), value.clone());
                }
                worth.insert(conversion.name.clone(), value);
            }
        }
        let event_of = plan
            .conversions
            .iter()
            .map(|one| (one.name.clone(), one.event.clone()))
            .collect();
        Self {
            event_of,
            analytics,
            worth,
        }
    }

    /// The event behind an event or conversion.
    pub fn event<'a>(&'a self, name: &'a Name) -> &'a Name {
        self.event_of.get(name).unwrap_or(name)
    }
}
