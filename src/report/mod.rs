//! The weekly audit as data: pure, from stored facts alone.
//!
//! Every figure of the week stands beside last week's; what is not known says why.

mod business;
mod quality;
mod weekly;

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::incident::Incident;
use crate::model::{Evaluation, Mark, Name, Timestamp, Window};

pub use weekly::weekly;

/// One pull, as far as the audit cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullFact {
    /// The source.
    pub source: Name,
    /// When it ended.
    pub at: Timestamp,
    /// Why it failed.
    pub failure: Option<String>,
}

/// Counts of an event in its home; `None` where a day of the week is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct CountFact {
    /// The event.
    pub name: Name,
    /// Its home.
    pub source: Name,
    /// In the week.
    pub this_week: Option<f64>,
    /// In the week before.
    pub last_week: Option<f64>,
    /// In the same days 52 weeks before.
    pub last_year: Option<f64>,
}

/// What the audit is made of.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// When it is made.
    pub now: Timestamp,
    /// Evaluations of days in the week.
    pub this_week: Vec<Evaluation>,
    /// Evaluations of days in the week before.
    pub last_week: Vec<Evaluation>,
    /// The newest evaluation of each check.
    pub latest: Vec<Evaluation>,
    /// Incidents that were on in either week.
    pub incidents: Vec<Incident>,
    /// Pulls of the week.
    pub pulls: Vec<PullFact>,
    /// Marks of either week.
    pub marks: Vec<Mark>,
    /// Counts of each event in its home.
    pub counts: Vec<CountFact>,
    /// When each planned event was first seen.
    pub first_seen: Vec<(Name, Option<Timestamp>)>,
}

/// What a target is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// 0 to 1.
    Share,
    /// Defects per release, or per week.
    Rate,
    /// Days.
    Days,
}

/// One figure of workflow health.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The word by which `include` names it.
    pub word: &'static str,
    /// Such as `Events with complete parameters`.
    pub name: &'static str,
    /// How it is measured, one sentence.
    pub how: &'static str,
    /// What it is measured in.
    pub measure: Measure,
    /// This week; `None` with a reason in `why`.
    pub this_week: Option<f64>,
    /// The week before.
    pub last_week: Option<f64>,
    /// The goal.
    pub goal: f64,
    /// Whether more is better.
    pub more_is_better: bool,
    /// Why there is no figure, or what it rests on.
    pub why: String,
}

impl Target {
    /// Met, missed, or not known.
    pub fn met(&self) -> Option<bool> {
        self.this_week.map(|value| {
            if self.more_is_better {
                value >= self.goal
            } else {
                value <= self.goal
            }
        })
    }
}

/// Counts of a conversion or event, this week and last.
#[derive(Debug, Clone, PartialEq)]
pub struct CountLine {
    /// Event or conversion.
    pub name: Name,
    /// Source.
    pub source: Name,
    /// This week.
    pub this_week: f64,
    /// Last week, when whole.
    pub last_week: Option<f64>,
    /// The same week last year, when whole.
    pub last_year: Option<f64>,
    /// The numbers of incidents that make this week's count unreliable.
    pub doubts: Vec<u32>,
}

/// One step of a funnel.
#[derive(Debug, Clone, PartialEq)]
pub struct FunnelLine {
    /// The funnel.
    pub funnel: Name,
    /// The step before.
    pub from: Name,
    /// The step.
    pub to: Name,
    /// How many of the step before reached it, 0 to 1 (may exceed 1 over the edge of a week).
    pub this_week: Option<f64>,
    /// The week before.
    pub last_week: Option<f64>,
    /// Younger than the funnel settles.
    pub provisional: bool,
    /// The numbers of incidents that make it unreliable.
    pub doubts: Vec<u32>,
}

/// A share of complete or conforming events that moved.
#[derive(Debug, Clone, PartialEq)]
pub struct PayloadLine {
    /// Such as `purchase.completeness`.
    pub check: Name,
    /// 0 to 1.
    pub this_week: f64,
    /// The week before.
    pub last_week: f64,
}

/// Median times of the week's incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Speed {
    /// From the end of the first bad bucket to the opening.
    pub notice: Option<TimeDelta>,
    /// From the opening to the acknowledgement.
    pub acknowledge: Option<TimeDelta>,
    /// From the opening to the end.
    pub mend: Option<TimeDelta>,
}

/// A part of the audit that `include` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The six figures.
    Quality,
    /// Incidents.
    Incidents,
    /// Counts of the week.
    Counts,
    /// Steps of funnels.
    Funnel,
    /// Shares of complete and conforming events that moved.
    Payload,
    /// The tracking plan.
    Plan,
    /// Sources, and what was not checked.
    Sources,
}

impl Part {
    /// Every part, in the order of the audit.
    pub const ALL: [Self; 7] = [
        Self::Quality,
        Self::Incidents,
        Self::Counts,
        Self::Funnel,
        Self::Payload,
        Self::Plan,
        Self::Sources,
    ];
}

/// How planned events fared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Planned events.
    pub planned: usize,
    /// Of these seen in the week.
    pub seen: usize,
    /// Planned and not seen.
    pub missing: Vec<Name>,
    /// Seen and not planned, most frequent first.
    pub unplanned: Vec<(Name, u64)>,
    /// Planned without an owner.
    pub without_owner: Vec<Name>,
    /// Requested and still not seen.
    pub overdue: Vec<Name>,
}

/// How a source fared.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceLine {
    /// The source.
    pub name: Name,
    /// Pulls of the week.
    pub pulls: usize,
    /// Of these failed.
    pub failed: usize,
    /// The newest failure.
    pub why: Option<String>,
}

/// A check over the week and the one before, to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// The incident; `None` for the primary conversion.
    pub incident: Option<u32>,
    /// The check.
    pub check: Name,
    /// Its judgements, oldest first.
    pub judged: Vec<Evaluation>,
}

/// Something to do, with who should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What.
    pub what: String,
    /// Who.
    pub owner: Option<String>,
    /// The incident, for a link.
    pub incident: Option<u32>,
}

/// The audit of a week.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// As people call it.
    pub project: String,
    /// Address of the dashboard.
    pub url: Option<String>,
    /// The week.
    pub week: Window,
    /// `2026-W43`.
    pub label: String,
    /// Zone of all days.
    pub zone: chrono_tz::Tz,
    /// When it was made.
    pub made_at: Timestamp,
    /// One line.
    pub headline: String,
    /// Two sentences.
    pub summary: String,
    /// The six figures.
    pub targets: Vec<Target>,
    /// Conversions and events.
    pub counts: Vec<CountLine>,
    /// Steps of funnels.
    pub funnels: Vec<FunnelLine>,
    /// Completeness and conformance that moved.
    pub payload: Vec<PayloadLine>,
    /// How fast trouble was noticed and mended.
    pub speed: Speed,
    /// What is shown; head, figures that are named, and tasks always are.
    pub parts: BTreeSet<Part>,
    /// Two weeks of the check that leads each open incident, and of the primary conversion.
    pub charts: Vec<Chart>,
    /// Incidents of the week, open ones first.
    pub incidents: Vec<Incident>,
    /// The tracking plan.
    pub coverage: Coverage,
    /// Sources.
    pub sources: Vec<SourceLine>,
    /// Checks that were not judged, and why.
    pub not_checked: Vec<(Name, crate::model::Gap)>,
    /// At most five.
    pub tasks: Vec<Task>,
}

impl Report {
    /// The same with only what `include` of a report names; everything when it names nothing. A
    /// figure can be named by itself.
    #[must_use]
    pub fn including(mut self, words: &[String]) -> Self {
        if words.is_empty() {
            return self;
        }
        let named = |word: &str| words.iter().any(|one| one == word);
        let part = |part: &Part| match part {
            Part::Quality => true,
            Part::Incidents => named("incidents"),
            Part::Counts => named("counts"),
            Part::Funnel => named("funnel"),
            Part::Payload => named("payload_changes"),
            Part::Plan => named("plan"),
            Part::Sources => named("sources"),
        };
        self.parts = Part::ALL.into_iter().filter(part).collect();
        if !named("quality") {
            self.targets.retain(|target| named(target.word));
        }
        if self.targets.is_empty() {
            self.parts.remove(&Part::Quality);
        }
        self
    }
}

/// Whether an evaluation is a judgement of a day that people are told of.
fn is_daily(one: &Evaluation) -> bool {
    !one.witness && one.segment.is_empty() && one.bucket.grain == crate::model::Grain::Day
}
