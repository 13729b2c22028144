//! What is noticed along the way, for whoever watches: calls, quota left, the other side's clock.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta};

use crate::model::Timestamp;

use super::Reply;

/// Shared by everything that uses the door.
#[derive(Debug, Default)]
pub struct Gauge {
    calls: AtomicU64,
    answered: AtomicU64,
    answers: AtomicU64,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    quota: Option<String>,
    skew: Option<(String, TimeDelta)>,
}

impl Gauge {
    /// Forgets calls and quota: another source begins.
    pub fn begin(&self) {
        self.calls.store(0, Ordering::Relaxed);
        self.answered.store(0, Ordering::Relaxed);
        if let Ok(mut told) = self.told.lock() {
            told.quota = None;
        }
    }

    /// A call goes out.
    pub fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything that was asked at once is answered.
    pub fn answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.calls.store(0, Ordering::Relaxed);
    }

    /// How many asks were ever answered.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// How many asks are answered, and calls since the last of them.
    pub fn reached(&self) -> (u64, u64) {
        (
            self.answered.load(Ordering::Relaxed),
            self.calls.load(Ordering::Relaxed),
        )
    }

    /// The source said what is left of its quota.
    pub fn left(&self, quota: Option<String>) {
        if let (Some(quota), Ok(mut told)) = (quota, self.told.lock()) {
            told.quota = Some(quota);
        }
    }

    /// What is left of the quota, in the source's words.
    pub fn quota(&self) -> Option<String> {
        self.told.lock().ok()?.quota.clone()
    }

    /// Who said what time it is, and how far our clock is ahead of theirs.
    pub fn skew(&self) -> Option<(String, TimeDelta)> {
        self.told.lock().ok()?.skew.clone()
    }

    /// Reads the `Date` of an answer (RFC 9110, whole seconds) that came between two looks at our
    /// clock.
    pub(super) fn compare(&self, host: &str, reply: &Reply, before: Timestamp, after: Timestamp) {
        let date = reply.header("date").map(str::trim);
        let Some(theirs) = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok()) else {
            return;
        };
        // The answer was cached somewhere: its date says nothing of now.
        if reply.header("age").is_some_and(|age| age.trim() != "0") {
            return;
        }
        let ours = before + (after - before) / 2;
        let skew = ours - (theirs.to_utc() + TimeDelta::milliseconds(500));
        if let Ok(mut told) = self.told.lock() {
            told.skew = Some((host.to_owned(), skew));
        }
    }
}
