//! The nouns that every other room speaks: names, time, series, readings, evaluations.
//!
//! Values only. Nothing here reads a clock, a file or a network, and nothing here knows TOML,
//! SQL or a vendor. Read in this order: `name`, `time`, `calendar`, `series`, `observation`,
//! `evaluation`, `baseline`, `mark`, `setting`, `bridge`, `matcher`, `diagnostic`, `fingerprint`.

mod baseline;
mod bridge;
mod calendar;
mod diagnostic;
mod evaluation;
mod fingerprint;
mod mark;
mod matcher;
mod name;
mod observation;
mod period;
mod schedule;
mod series;
pub mod setting;
mod time;
mod times;

pub use baseline::{Baseline, LeftOut, Omission, Trouble};
pub use bridge::{Bridge, Ground, Part, PartKind};
pub use calendar::{Calendar, CalendarError, DailyHours};
pub use diagnostic::{Code, Diagnostic, Fix, Level, Note, Span};
pub use evaluation::{
    Amount, Evaluation, Explained, Finding, Gap, Held, Outcome, Reference, SegmentShare, Shape,
    Status, Strike, Unit,
};
pub use fingerprint::{Digest, Fingerprint};
pub use mark::{Mark, MarkKind};
pub use matcher::{Facts, Matcher};
pub use name::{MAX_NAME, Name, NameError, masked_value, masked_words};
pub use observation::{AsOf, Flag, Observation, Quality, Reading};
pub use period::Period;
pub use schedule::{Schedule, ScheduleError};
pub use series::{
    Filter, Mapping, Measure, Question, Rule, Segment, SeriesKey, Subject, Term, Value,
};
pub use time::{Bucket, Grain, Timestamp, Window};
pub use times::Times;
