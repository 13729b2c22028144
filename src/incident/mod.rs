//! The life of a trouble: opened by evaluations, changed by time and people, closed by recovery.
//!
//! Pure. Knows no check and no statistic: it compares the intervals that findings carry.

mod cause;
mod group;
mod impact;
mod policy;
mod round;
mod step;
mod verdict;

use crate::model::{
    Bucket, Evaluation, Finding, Fingerprint, Gap, Mark, Name, Segment, Status, Timestamp,
};

pub use cause::{causes, certainty};
pub use group::{Group, group};
pub use impact::impact;
pub use policy::{Policy, Topology};
pub use round::{assign_number, round};
pub use step::step;
pub use verdict::diagnose;

/// What findings have in common; the identity of an incident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A source is late, failing, or all its events moved together.
    Source(Name),
    /// All sources moved in one segment.
    Segment(Segment),
    /// A parameter went missing in many events.
    Parameter(Name),
    /// Several checks of one event.
    Event(Name),
    /// A lone check, with the part it concerns.
    Check(Name, Segment),
}

/// Where an incident is in its life. Acknowledgement is a field, not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Seen, not yet often enough to be told.
    Suspected {
        /// How often.
        strikes: u32,
    },
    /// Told, and lasting.
    Open,
    /// Clean, not yet often enough to be over.
    Recovering {
        /// How often.
        clean: u32,
    },
    /// Over.
    Resolved {
        /// Since when.
        at: Timestamp,
    },
}

/// Which kind of trouble it is, from how the other systems moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Analytics and the system of record fell alike: the business lost something.
    RealLoss,
    /// Analytics fell, the system of record held: the numbers are wrong, the business is fine.
    TrackingLoss,
    /// Analytics held, the system of record fell: records do not arrive.
    SyncFault,
    /// Analytics rose, the system of record held.
    Duplication,
    /// Analytics fell with the consent share.
    ConsentShift,
    /// No second system, or its data is not complete yet.
    Unknown,
}

/// How sure, with its ground.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certainty {
    /// `high`, `medium` or `low`.
    pub word: Level,
    /// Such as `outside the range 3 days in a row`.
    pub ground: String,
}

/// Three steps of certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// One look.
    Low,
    /// Two looks or p under 0.001.
    Medium,
    /// Three looks or p under 0.000001.
    High,
}

/// How another system moved in the same buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct Companion {
    /// The system.
    pub source: Name,
    /// Its relative change.
    pub change: f64,
    /// Whether that is outside its own range.
    pub outside: bool,
}

/// What the trouble costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Impact {
    /// Missing (negative) or surplus events since the onset.
    pub count: f64,
    /// Ends of the interval around it.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// Amount and currency by `worth`.
    pub value: Option<(f64, String)>,
}

/// A trouble with a beginning and an end. Its numbers are stored once and printed everywhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Derived from project, cause and the slot of first suspicion.
    pub id: Fingerprint,
    /// What people call it; none while suspected.
    pub number: Option<u32>,
    /// Rises with each turn.
    pub revision: u32,
    /// What the findings share.
    pub cause: Cause,
    /// The check with the worst finding.
    pub check: Name,
    /// Its kind.
    pub kind: Name,
    /// All checks that belong to it, the worst first.
    pub members: Vec<Name>,
    /// The plan's event, if all members share one.
    pub event: Option<Name>,
    /// The source whose number is judged.
    pub source: Option<Name>,
    /// Who answers for it.
    pub owner: Option<Name>,
    /// Whether a primary conversion is concerned.
    pub primary: bool,
    /// Where in its life.
    pub state: State,
    /// The worst status of its members now; kept at its last value when resolved.
    pub status: Status,
    /// First bucket of trouble.
    pub first: Bucket,
    /// Newest bucket of trouble.
    pub last: Bucket,
    /// The numbers; `None` for an incident that is an absence (a late or failing source).
    pub finding: Option<Finding>,
    /// The absence, when it is one.
    pub gap: Option<Gap>,
    /// The diagnosis.
    pub verdict: Verdict,
    /// How sure.
    pub certainty: Certainty,
    /// The other systems.
    pub companions: Vec<Companion>,
    /// Marks near the onset, nearest first.
    pub causes: Vec<Mark>,
    /// What it costs.
    pub impact: Option<Impact>,
    /// When it was first suspected.
    pub suspected_at: Timestamp,
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
    /// Who acknowledged it, and when.
    pub acknowledged: Option<(String, Timestamp)>,
    /// Label given by a person.
    pub label: Option<Label>,
    /// When the newest counting reading was seen: a strike needs newer data (decision 21).
    pub strike_seen_at: Timestamp,
    /// When people last had a reason to look: its newest turn, or a move between states.
    pub changed_at: Timestamp,
    /// The newest turn; it belongs to `revision`. None while it was only suspected.
    pub turn: Option<Turn>,
    /// The incident that it was merged into.
    pub merged_into: Option<Fingerprint>,
}

impl Incident {
    /// Whether people should know of it now: opened and not over.
    pub fn is_on(&self) -> bool {
        matches!(self.state, State::Open | State::Recovering { .. })
    }

    /// When it ended, if it was ever opened and is over.
    pub fn over_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Resolved { at } if self.opened_at.is_some() => Some(at),
            _ => None,
        }
    }
}

/// What a person says of an incident; feeds baselines and the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// It was a true trouble.
    Real,
    /// It was meant to happen.
    Expected,
    /// It was nothing.
    Noise,
}

/// A change people care about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// It is certain enough to be told.
    Opened,
    /// Warning became failing.
    Worsened,
    /// Failing became warning.
    Eased,
    /// The diagnosis changed.
    VerdictChanged,
    /// A person took it.
    Acknowledged,
    /// It is over.
    Resolved,
    /// It came back within 7 days.
    Reopened,
}

/// Something that happens to an incident.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// A check was evaluated.
    Seen(&'a Evaluation),
    /// A person took it.
    Acknowledged {
        /// Who.
        by: &'a str,
    },
    /// A person labelled it.
    Labelled(Label),
    /// A person ended it.
    Ended {
        /// Who.
        by: &'a str,
    },
    /// Its check left the plan.
    Withdrawn,
}

/// An incident after a step, and the turn if people should care.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The incident as it is now.
    pub after: Incident,
    /// What changed for people; `None` for book-keeping.
    pub turn: Option<Turn>,
}
