//! PLUG: evidence in, evaluation out; one file per kind of check.
//!
//! A check never asks for data itself: it states its needs, gets evidence and returns
//! evaluations. It never fails: missing data is an outcome. Each kind says which checks a plan
//! implies, so that a new kind is one file and one line in [`KINDS`].

mod baseline;
mod beside;
mod bridge;
mod budget;
mod compare;
mod completeness;
mod conformance;
mod coverage;
mod duplicates;
mod freshness;
mod grid;
mod history;
mod holiday;
mod judge;
mod naming;
mod question;
mod rate;
mod rehearse;
mod settings;
mod shape;
mod share;
mod sibling;
mod special;
mod traffic;
mod unplanned;
mod utm;
mod value;
mod volume;
mod young;

use std::collections::BTreeMap;

use crate::model::{
    Baseline, Calendar, Evaluation, Mark, Name, Question, Reading, Segment, Timestamp, Trouble,
    Window,
};
use crate::plan::{Form, KindFacts, Plan, Setting};

pub use budget::{Allowed, Hold, Level, Promise, budget, holds, share, tests};
pub use coverage::{Coverage, coverage};
pub use history::Changes;
pub use rehearse::{Rehearsed, rehearse};

pub use crate::stats::power::Sight;
pub use volume::averages;

/// A family of checks.
pub struct Kind {
    /// Such as `volume`.
    pub name: &'static str,
    /// Markdown under fixed headings: What it does, When it fires, When it stays silent, Settings,
    /// Example. Printed by `explain` and the page under `docs/checks/`.
    pub about: &'static str,
    /// Keys that `[check.X]` may carry for this kind.
    pub settings: &'static [Setting],
    /// The checks of this kind that a plan implies, in plan order.
    pub checks: fn(&Plan) -> Vec<Box<dyn Check>>,
}

impl Kind {
    /// What `plan` must know of it.
    pub fn facts(&self) -> KindFacts {
        KindFacts {
            name: self.name,
            settings: self.settings,
            mapping: &[],
            event_named: false,
            analytics: false,
            built: true,
        }
    }
}

/// All kinds, in the order of the documentation.
pub const KINDS: &[&Kind] = &[
    &volume::KIND,
    &completeness::KIND,
    &conformance::KIND,
    &duplicates::KIND,
    &rate::KIND,
    &compare::KIND,
    &traffic::KIND,
    &utm::KIND,
    &naming::KIND,
    &unplanned::KIND,
    &freshness::KIND,
    &history::KIND,
    &settings::KIND,
];

const fn setting(key: &'static str, about: &'static str, form: Form) -> Setting {
    Setting {
        key,
        about,
        form,
        required: false,
        default: "",
    }
}

const SENSITIVITY: Setting = Setting {
    default: "normal",
    ..setting(
        "sensitivity",
        "How readily it alarms",
        Form::OneOf(&["quiet", "normal", "strict"]),
    )
};
const ENABLED: Setting = setting("enabled", "false switches it off", Form::Flag);
const OWNER: Setting = setting("owner", "Who answers for it", Form::Text);

/// What `[check.X]` may say about a check that is made for each event.
const PER_EVENT: &[Setting] = &[SENSITIVITY, ENABLED, OWNER];

/// What `[check.X]` says about a rate of one's own.
const OF_A_RATE: &[Setting] = &[
    setting("rate", "From and to event", Form::Texts),
    setting("below", "Fires below this share", Form::Share),
    setting("above", "Fires above this share", Form::Share),
    setting(
        "for",
        "How long it must hold; less than a day is judged by the hour",
        Form::Duration,
    ),
    setting(
        "level",
        "What it is when it fires",
        Form::OneOf(&["warning", "failing"]),
    ),
    SENSITIVITY,
    ENABLED,
    OWNER,
];

/// Every check that a plan implies, in the order of [`KINDS`] and the plan.
pub fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    KINDS.iter().flat_map(|kind| (kind.checks)(plan)).collect()
}

/// What a check is about, for lists, routes and `explain`.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Such as `purchase.volume`.
    pub name: Name,
    /// Such as `volume`.
    pub kind: &'static str,
    /// The plan's event or conversion.
    pub event: Option<Name>,
    /// The source whose number is judged.
    pub source: Option<Name>,
    /// Who answers for it.
    pub owner: Option<Name>,
    /// Whether a primary conversion depends on it.
    pub primary: bool,
    /// Only reported weekly, never an alarm (`plan.unplanned`).
    pub report_only: bool,
    /// Settings in force: key, value as a user would write it, and where it was written
    /// (`truecount.toml:6` or `default`).
    pub settings: Vec<(String, String, String)>,
}

/// Something a check must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What.
    pub question: Question,
    /// For which time.
    pub window: Window,
    /// Only worth asking where the daily count of the same question is large: hours of a rare event
    /// say nothing that its days do not say better (decision 21).
    pub busy_only: bool,
    /// Only whether a bucket held anything matters, of all such needs of a source together: of a
    /// bucket that several questions fill the evidence holds one reading.
    pub filled_only: bool,
    /// Only how numbers changed after they were final matters: the evidence holds [`Changes`], not the
    /// readings.
    pub changes_only: bool,
}

/// The median count of a day from which hours are judged too: twenty an hour.
pub const BUSY: f64 = 480.0;

/// A rule that can be evaluated. Pure.
pub trait Check: Send + Sync {
    /// What it is about.
    fn label(&self) -> &Label;

    /// What it must know to judge at `now`.
    fn needs(&self, now: Timestamp, calendar: &Calendar) -> Vec<Need>;

    /// Judges. One evaluation for the total, and for witnesses and segments their own.
    fn evaluate(&self, evidence: &Evidence<'_>) -> Vec<Evaluation>;

    /// What could be found in its series at all, tried on the series itself; `None` for kinds that no
    /// statistic decides, and while there is too little history.
    fn sight(&self, _evidence: &Evidence<'_>) -> Option<Sight> {
        None
    }

    /// Which buckets its judgement by the day leaves out of what it holds numbers against, and why;
    /// `None` for kinds without a baseline.
    fn baseline(&self, _evidence: &Evidence<'_>) -> Option<Baseline> {
        None
    }

    /// Hours after the end of a bucket from which its number is final, as kept readings show; `None` where
    /// that was not seen often enough.
    fn final_after(&self, _evidence: &Evidence<'_>) -> Option<f64> {
        None
    }

    /// What is borrowed from other series of the source while this one is young, in words.
    fn borrowed(&self, _evidence: &Evidence<'_>) -> Vec<String> {
        Vec::new()
    }

    /// Follow-up questions after a first look that found trouble, such as breakdowns; asked once
    /// in the same round, at most 20.
    fn follow_up(&self, _first: &[Evaluation], _now: Timestamp, _calendar: &Calendar) -> Vec<Need> {
        Vec::new()
    }
}

/// How a source fared, as known at the time of the round.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SourceState {
    /// End of the newest pull that succeeded.
    pub last_success: Option<Timestamp>,
    /// End of the newest pull of any fate.
    pub last_try: Option<Timestamp>,
    /// Why the newest pull failed, redacted; `None` when it succeeded.
    pub failure: Option<String>,
    /// When first values are usually visible, after the end of a bucket.
    pub arrives: chrono::TimeDelta,
    /// When values are final, after the end of a bucket.
    pub settles: chrono::TimeDelta,
    /// The zone in which the source cuts days, when it is not the project's.
    pub zone: Option<chrono_tz::Tz>,
}

/// One segment's readings, oldest bucket first; the newest known reading of each bucket.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    /// The part; empty for the total.
    pub segment: Segment,
    /// One per bucket.
    pub readings: Vec<Reading>,
}

/// What a check gets.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// The time of the round.
    pub now: Timestamp,
    /// Zone and ignored days.
    pub calendar: &'a Calendar,
    /// The newest reading of each bucket, for every question that was needed. A bucket that is
    /// absent was never confirmed: unknown, not zero.
    pub history: &'a BTreeMap<Question, Vec<Line>>,
    /// All readings of each bucket, oldest first within a bucket, for the newest 90 days: vintages.
    pub vintages: &'a BTreeMap<Question, Vec<Line>>,
    /// How final numbers changed, of questions for which only that was needed.
    pub changes: &'a BTreeMap<Question, Changes>,
    /// What the sources could not answer, and why: *not judged*.
    pub unanswerable: &'a BTreeMap<Question, String>,
    /// How each source fared.
    pub sources: &'a BTreeMap<Name, SourceState>,
    /// Releases and other marks.
    pub marks: &'a [Mark],
    /// Confirmed incidents, per check name: their buckets teach nothing unless they were put back.
    pub troubled: &'a BTreeMap<Name, Vec<Trouble>>,
}

impl Evidence<'_> {
    /// The total line of a question; empty when nothing is known.
    pub fn total(&self, question: &Question) -> &[Reading] {
        self.lines(question)
            .iter()
            .find(|line| line.segment.is_empty())
            .map_or(&[], |line| line.readings.as_slice())
    }

    /// All lines of a question.
    pub fn lines(&self, question: &Question) -> &[Line] {
        self.history.get(question).map_or(&[], Vec::as_slice)
    }
}
