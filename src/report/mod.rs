//! The audit of a week or a month as data: pure, from stored facts alone.
//!
//! Every figure stands beside that of the period before; what is not known says why.

mod business;
mod compose;
mod depth;
mod line;
mod plan;
mod quality;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::incident::Incident;
use crate::model::{Evaluation, Mark, Name, Period, Question, Timestamp, Window};

pub use business::channel_questions;
pub use compose::audit;
pub use line::{
    ChannelLine, Chart, CountLine, Coverage, Depth, FunnelLine, GapLine, Gist, MappingLine,
    Measure, PayloadLine, PlanChangeLine, RepeatLine, SourceLine, Speed, Target, Task, Trend,
};
pub use quality::Shares;

/// Weeks of a trend.
pub const TREND: usize = 13;

/// One pull, as far as the audit cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullFact {
    /// The source.
    pub source: Name,
    /// When it ended.
    pub at: Timestamp,
    /// Why it failed.
    pub failure: Option<String>,
    /// Remarks, such as what is left of the quota.
    pub notes: Vec<String>,
}

/// Counts of an event in its home; `None` where a day of the period is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct CountFact {
    /// The event.
    pub name: Name,
    /// Its home.
    pub source: Name,
    /// In the period.
    pub current: Option<f64>,
    /// In the period before.
    pub previous: Option<f64>,
    /// In the same period last year.
    pub last_year: Option<f64>,
}

/// Counts of one value of a breakdown; `None` where a day of the period is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelFact {
    /// What was asked.
    pub question: Question,
    /// The value.
    pub value: String,
    /// In the period.
    pub current: Option<f64>,
    /// In the period before.
    pub previous: Option<f64>,
    /// In the same period last year.
    pub last_year: Option<f64>,
}

/// The days of an event in a system.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemFact {
    /// The event.
    pub event: Name,
    /// The system.
    pub source: Name,
    /// Counts by local day.
    pub days: BTreeMap<NaiveDate, f64>,
}

/// What was known of one of the last weeks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WeekFact {
    /// Counts of each event in its home, in the order of `Facts::counts`.
    pub counts: Vec<Option<f64>>,
    /// Shares of quality.
    pub shares: Shares,
}

/// What the audit is made of.
#[derive(Debug, Clone)]
pub struct Facts {
    /// When it is made.
    pub now: Timestamp,
    /// Week or month.
    pub period: Period,
    /// Evaluations of days in the period.
    pub current: Vec<Evaluation>,
    /// Evaluations of days in the period before.
    pub previous: Vec<Evaluation>,
    /// The newest evaluation of each check.
    pub latest: Vec<Evaluation>,
    /// Incidents that were on in either period.
    pub incidents: Vec<Incident>,
    /// Pulls of the period.
    pub pulls: Vec<PullFact>,
    /// Marks of either period.
    pub marks: Vec<Mark>,
    /// Counts of each event in its home.
    pub counts: Vec<CountFact>,
    /// Conversions by channel.
    pub channels: Vec<ChannelFact>,
    /// Days of every event in every system that knows it.
    pub systems: Vec<SystemFact>,
    /// The last weeks, the newest last; empty in the audit of a week.
    pub weeks: Vec<WeekFact>,
    /// When each planned event was first seen.
    pub first_seen: Vec<(Name, Option<Timestamp>)>,
}

/// A part of the audit that `include` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The six figures.
    Quality,
    /// Incidents.
    Incidents,
    /// Counts of the period.
    Counts,
    /// Conversions by channel.
    Channels,
    /// From one system's count to another's.
    Gaps,
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
    pub const ALL: [Self; 9] = [
        Self::Quality,
        Self::Incidents,
        Self::Counts,
        Self::Channels,
        Self::Gaps,
        Self::Funnel,
        Self::Payload,
        Self::Plan,
        Self::Sources,
    ];
}

/// The audit of a week or a month.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// As people call it.
    pub project: String,
    /// Address of the dashboard.
    pub url: Option<String>,
    /// Week or month.
    pub period: Period,
    /// From its first instant to its last.
    pub window: Window,
    /// The period before.
    pub before: Window,
    /// `2026-W43` or `2026-10`.
    pub label: String,
    /// The table of the plan that asks for it, such as `weekly`; `None` when it was made by hand.
    pub asked_by: Option<Name>,
    /// Zone of all days.
    pub zone: chrono_tz::Tz,
    /// When it was made.
    pub made_at: Timestamp,
    /// One line.
    pub headline: String,
    /// What the two sentences below it say.
    pub gist: Gist,
    /// The six figures.
    pub targets: Vec<Target>,
    /// Conversions and events.
    pub counts: Vec<CountLine>,
    /// Conversions by channel.
    pub channels: Vec<ChannelLine>,
    /// The way from one system's count to another's.
    pub gaps: Vec<GapLine>,
    /// What only a month holds.
    pub depth: Depth,
    /// Steps of funnels.
    pub funnels: Vec<FunnelLine>,
    /// Completeness and conformance that moved.
    pub payload: Vec<PayloadLine>,
    /// How fast trouble was noticed and mended.
    pub speed: Speed,
    /// What is shown; head, figures that are named, and tasks always are.
    pub parts: BTreeSet<Part>,
    /// Both periods of the check that leads each open incident, and of the primary conversion.
    pub charts: Vec<Chart>,
    /// Incidents of the period, open ones first.
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
    /// The same as a table of the plan asks for it.
    #[must_use]
    pub fn asked_by(self, table: &crate::plan::Report) -> Self {
        let mut mine = self.including(&table.include);
        mine.asked_by = Some(table.name.clone());
        mine
    }

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
            Part::Channels => named("channels"),
            Part::Gaps => named("gaps"),
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
