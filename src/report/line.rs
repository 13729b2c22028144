//! The lines of an audit: figures, counts, steps, gaps, sources, tasks.

use chrono::TimeDelta;

use crate::model::{Bridge, Evaluation, Name, Timestamp};

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
    /// In the period; `None` with a reason in `why`.
    pub current: Option<f64>,
    /// In the period before.
    pub previous: Option<f64>,
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
        self.current.map(|value| self.is_good(value))
    }

    /// Whether it was met in the period before.
    pub fn met_before(&self) -> Option<bool> {
        self.previous.map(|value| self.is_good(value))
    }

    fn is_good(&self, value: f64) -> bool {
        if self.more_is_better {
            value >= self.goal
        } else {
            value <= self.goal
        }
    }
}

/// Counts of a conversion or event, now and before.
#[derive(Debug, Clone, PartialEq)]
pub struct CountLine {
    /// Event or conversion.
    pub name: Name,
    /// Source.
    pub source: Name,
    /// In the period.
    pub current: f64,
    /// In the period before, when whole.
    pub previous: Option<f64>,
    /// The same period last year, when whole.
    pub last_year: Option<f64>,
    /// The numbers of incidents that make its count unreliable.
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
    pub current: Option<f64>,
    /// In the period before.
    pub previous: Option<f64>,
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
    pub current: f64,
    /// In the period before.
    pub previous: f64,
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
    /// What changed in the plan during the period.
    pub changes: Vec<PlanChangeLine>,
}

/// How a source fared.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceLine {
    /// The source.
    pub name: Name,
    /// Pulls of the period.
    pub pulls: usize,
    /// Of these failed.
    pub failed: usize,
    /// The newest failure.
    pub why: Option<String>,
    /// By how much its newest value was at worst older than it may be.
    pub late: Option<TimeDelta>,
    /// What the newest pull said of the quota.
    pub quota: Option<String>,
}

/// A conversion in one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelLine {
    /// The event.
    pub event: Name,
    /// The dimension, such as `channel` or `utm_source`.
    pub dimension: Name,
    /// Its value, such as `Paid search`.
    pub value: String,
    /// In the period.
    pub current: f64,
    /// In the period before, when whole.
    pub previous: Option<f64>,
    /// The same period last year, when whole.
    pub last_year: Option<f64>,
    /// The numbers of incidents that make its count unreliable.
    pub doubts: Vec<u32>,
}

/// The gap between two systems over the period.
#[derive(Debug, Clone, PartialEq)]
pub struct GapLine {
    /// Such as `orders.web`.
    pub check: Name,
    /// From the system of record to the other, in whole numbers that add up.
    pub bridge: Bridge,
    /// Days that were judged, which are those of the numbers.
    pub days: usize,
    /// Days of the period.
    pub of: usize,
    /// The numbers of incidents that make it unreliable.
    pub doubts: Vec<u32>,
}

/// How often an event arrived more than once.
#[derive(Debug, Clone, PartialEq)]
pub struct RepeatLine {
    /// The event.
    pub event: Name,
    /// Repeats in the period.
    pub repeats: f64,
    /// Share of all events, 0 to 1.
    pub current: f64,
    /// In the period before.
    pub previous: Option<f64>,
}

/// How a system of record knows an event.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingLine {
    /// The event.
    pub event: Name,
    /// The system.
    pub source: Name,
    /// As the plan writes it: `object = contacts, date = createdate`.
    pub known_as: String,
    /// What it counted in the period, when whole.
    pub count: Option<f64>,
    /// What the event's home counted.
    pub home: Option<f64>,
}

/// A figure over the last weeks, the newest last.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// What moves.
    pub name: String,
    /// Whether it is a share of 0 to 1; else a count.
    pub is_share: bool,
    /// One value a week; `None` where a week is not known.
    pub weeks: Vec<Option<f64>>,
}

/// What only the audit of a month holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Depth {
    /// Events that arrived more than once.
    pub repeats: Vec<RepeatLine>,
    /// How systems of record know the events.
    pub mappings: Vec<MappingLine>,
    /// Events that no system of record knows.
    pub unmapped: Vec<Name>,
    /// Thirteen weeks.
    pub trends: Vec<Trend>,
}

/// A change of the tracking plan that came with a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanChangeLine {
    /// When.
    pub at: Timestamp,
    /// Such as `added [event.demo_booked]`.
    pub what: Name,
}

/// From what the two sentences at the top are made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gist {
    /// The open incident that matters most.
    pub worst: Option<u32>,
    /// Open incidents beside it.
    pub others: usize,
    /// The missed target that is farthest from its goal, as its place in the list.
    pub farthest: Option<usize>,
    /// Targets that were missed before and are met now.
    pub improved: Vec<usize>,
    /// Incidents that ended in the period.
    pub ended: usize,
    /// Events whose counts can be relied on.
    pub sound: Vec<Name>,
    /// Events whose counts cannot.
    pub doubtful: Vec<Name>,
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
    /// The incident, if it is one.
    pub incident: Option<u32>,
    /// Where to begin, on the dashboard: `/i/12`, `/plan`.
    pub path: String,
}
