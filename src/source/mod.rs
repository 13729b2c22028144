//! PLUG: systems that know counts; one file per kind.
//!
//! A source answers questions for a window. A row that is absent inside what it *covered* is zero;
//! outside of it, it is unknown. Any failure is *no data*, never zero.

mod demo;
mod files;
mod ga4;
mod http;
mod hubspot;
mod line;
pub mod push;
mod sql;
mod zeros;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::model::{Bucket, Calendar, Observation, Question, Segment, Timestamp, Window};
use crate::net::Net;
use crate::plan::Kind;
use crate::secret::Secrets;
use line::{When, shown};

/// All kinds, in the order of the documentation.
pub const KINDS: &[&Kind<dyn Source>] = &[
    &files::KIND,
    &sql::KIND,
    &http::KIND,
    &push::KIND,
    &ga4::KIND,
    &hubspot::KIND,
    &demo::KIND,
];

/// Kinds that know visits and where they come from, and a purchase by its `transaction_id`.
pub const ANALYTICS: &[&str] = &["ga4"];

/// Kinds that `validate` knows and this release does not have yet: name, and whether events have
/// names of their own there.
pub const PLANNED: &[(&str, bool)] = &[
    ("salesforce", false),
    ("google_ads", false),
    ("meta_ads", false),
    ("linkedin_ads", false),
    ("microsoft_ads", false),
    ("tiktok_ads", false),
    ("mixpanel", true),
    ("amplitude", true),
    ("posthog", true),
    ("matomo", true),
    ("plausible", true),
    ("umami", true),
    ("snowplow", true),
    ("segment", true),
    ("stripe", false),
    ("shopify", false),
    ("woocommerce", false),
    ("klaviyo", true),
    ("bigquery", true),
    ("snowflake", false),
    ("clickhouse", false),
    ("databricks", false),
];

/// What is wanted in one pull.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The questions, without repeats.
    pub questions: Vec<Question>,
    /// For which time; whole buckets of the project's calendar.
    pub window: Window,
    /// The project's calendar: a source that can cut anywhere cuts here.
    pub calendar: Calendar,
    /// The time of the pull; becomes `seen_at`.
    pub now: Timestamp,
}

/// What came back.
#[derive(Debug, Clone, Default)]
pub struct Pulled {
    /// One per bucket and segment with a row; zeros inside `covered` are written by
    /// [`Pulled::fill_zeros`], not by the source.
    pub observations: Vec<Observation>,
    /// For which windows each question was fully answered.
    pub covered: Vec<(Question, Window)>,
    /// What could not be answered, and why: *not judged*.
    pub unanswerable: Vec<(Question, String)>,
    /// Remarks for people: quota left, limits reached.
    pub notes: Vec<String>,
    /// The zone in which the source cut its days, when it is not the project's.
    pub zone: Option<chrono_tz::Tz>,
    /// Settings that were read along the way (time zone, currency, version), for drift.
    pub settings: Vec<(String, String)>,
}

impl Pulled {
    /// Writes the zeros: a bucket that is absent inside what was covered had none. Buckets that may
    /// not have arrived yet are left unknown; of a breakdown only values that were seen are filled.
    pub fn fill_zeros(&mut self, ask: &Ask, arrives: TimeDelta) {
        let calendar = self
            .zone
            .map_or_else(|| ask.calendar.clone(), Calendar::new);
        let known = zeros::Known::new(&self.covered, &self.observations);
        let added = known.absent(&calendar, ask.now, arrives);
        self.observations.extend(added);
    }
}

/// Keeps the largest values of a breakdown and sums the rest as `(rest)` (decision 26). Only for
/// measures that add up.
pub(crate) fn top_values(
    question: &Question,
    sums: BTreeMap<(Bucket, Segment), f64>,
) -> BTreeMap<(Bucket, Segment), f64> {
    if question.by.is_empty() {
        return sums;
    }
    let mut totals: BTreeMap<Segment, f64> = BTreeMap::new();
    for ((_, segment), value) in &sums {
        *totals.entry(segment.clone()).or_default() += value.abs();
    }
    let mut ranked: Vec<(&Segment, &f64)> = totals.iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(a.1).then_with(|| a.0.cmp(b.0)));
    let kept: BTreeSet<Segment> = ranked
        .iter()
        .take(usize::from(question.top))
        .map(|(segment, _)| (*segment).clone())
        .collect();
    let rest: Segment = question
        .by
        .iter()
        .map(|name| (name.clone(), "(rest)".to_owned()))
        .collect();
    let mut found = BTreeMap::new();
    for ((bucket, segment), value) in sums {
        let segment = if kept.contains(&segment) {
            segment
        } else {
            rest.clone()
        };
        *found.entry((bucket, segment)).or_default() += value;
    }
    found
}

/// Why there is no data. A variant is a reaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Try again later: busy, limited, unreachable.
    #[error("{why}")]
    Wait {
        /// After this long, if the source said so.
        after: Option<TimeDelta>,
        /// What happened, redacted.
        why: String,
    },
    /// A person must act: credentials, permissions, settings.
    #[error("{why}")]
    Refused {
        /// What happened, with the remedy.
        why: String,
    },
    /// The answer makes no sense: HTML, a truncated page, a negative count.
    #[error("{why}")]
    Odd {
        /// What was odd.
        why: String,
    },
}

/// What a source may use.
#[derive(Clone)]
pub struct Means {
    /// The door to other hosts.
    pub net: Net,
    /// Secret texts.
    pub secrets: Arc<dyn Secrets>,
    /// Relative files are sought here.
    pub folder: std::path::PathBuf,
    /// Counts that were posted to us, for the kind `push`.
    pub pushed: Arc<dyn Pushed>,
}

/// What was posted to the daemon for a push source.
#[async_trait]
pub trait Pushed: Send + Sync {
    /// Observations of the source's questions in the window, as posted.
    async fn counts(&self, ask: &Ask) -> Result<Pulled, SourceError>;
}

/// Result of one test of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What was found, such as `property readable, 184 of 200,000 daily tokens used`.
    pub found: String,
    /// Worth a remark, though it works.
    pub remarks: Vec<String>,
}

/// What a pull will cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Calls.
    pub requests: u32,
    /// Quota units of the source, where it has any.
    pub units: u32,
}

/// A system that knows counts.
#[async_trait]
pub trait Source: Send + Sync {
    /// When first values are usually visible after the end of a bucket.
    fn arrives(&self) -> TimeDelta;

    /// When values are final after the end of a bucket; the window that every pull reads again.
    fn settles(&self) -> TimeDelta;

    /// Whether hours can be asked for.
    fn has_hours(&self) -> bool;

    /// Why a question cannot be answered by this kind at all; `None` when it can.
    fn refuses(&self, question: &Question) -> Option<String>;

    /// Whether each question costs calls of its own: then its answer is kept before the next one is
    /// asked, and an interrupted pull goes on where it was (docs/adr/006).
    fn by_question(&self) -> bool {
        false
    }

    /// What an ask will cost.
    fn cost(&self, ask: &Ask) -> Cost;

    /// Asks.
    async fn pull(&self, ask: &Ask, means: &Means) -> Result<Pulled, SourceError>;

    /// One cheap call that proves credentials and permissions.
    async fn probe(&self, means: &Means) -> Result<Probe, SourceError>;
}
