//! Keeps retries from making an outage worse: a budget of retries for each host, and a rest for
//! addresses that fail again and again.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::TimeDelta;

use crate::model::Timestamp;

use super::Request;

/// A fifth of the calls may be retries.
const SHARE: f64 = 0.2;

/// Retries that a host has in hand, at first and at most.
const IN_HAND: f64 = 4.0;
const MOST_IN_HAND: f64 = 10.0;

/// So many failures in a row and an address rests.
const FAILURES: u32 = 5;

/// The first rest; each one that follows is twice as long, up to the longest.
const REST: TimeDelta = TimeDelta::seconds(30);
const LONGEST_REST: TimeDelta = TimeDelta::minutes(5);

/// What is known of hosts and addresses, shared by all sources of a process.
#[derive(Debug, Default)]
pub struct Calm {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    retries: BTreeMap<String, f64>,
    places: BTreeMap<String, Place>,
}

#[derive(Debug, Default)]
struct Place {
    failures: u32,
    rests: u32,
    resting: Option<(Timestamp, Timestamp)>,
}

/// Host and path: one report of a system may fail while the others work. Never the query.
fn place(request: &Request) -> String {
    format!("{}{}", request.host(), request.url.path())
}

impl Calm {
    /// Asks to call. An address that rests is not called, until one call may try whether it works
    /// again. The error is the time until which it rests.
    pub(super) fn enter(&self, request: &Request, now: Timestamp) -> Result<(), Timestamp> {
        let Ok(mut known) = self.known.lock() else {
            return Ok(());
        };
        let credit = known.retries.entry(request.host()).or_insert(IN_HAND);
        *credit = (*credit + SHARE).min(MOST_IN_HAND);
        let Some(place) = known.places.get_mut(&place(request)) else {
            return Ok(());
        };
        match place.resting {
            // A clock that stepped back before the rest began ends it.
            Some((from, until)) if from <= now && now < until => Err(until),
            Some(_) => {
                place.resting = Some((now, now + REST));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Takes note of an answer. True when the address rests now.
    pub(super) fn note(&self, request: &Request, failed: bool, now: Timestamp) -> bool {
        let Ok(mut known) = self.known.lock() else {
            return false;
        };
        let key = place(request);
        if !failed {
            known.places.remove(&key);
            return false;
        }
        let place = known.places.entry(key).or_default();
        place.failures = place.failures.saturating_add(1);
        if place.failures < FAILURES {
            return false;
        }
        let rest = REST * 2_i32.saturating_pow(place.rests.min(8));
        place.rests = place.rests.saturating_add(1);
        place.resting = Some((now, now + rest.min(LONGEST_REST)));
        true
    }

    /// Takes one retry out of the host's budget; false when it is used up.
    pub(super) fn may_retry(&self, request: &Request) -> bool {
        let Ok(mut known) = self.known.lock() else {
            return true;
        };
        let credit = known.retries.entry(request.host()).or_insert(IN_HAND);
        if *credit < 1.0 {
            return false;
        }
        *credit -= 1.0;
        true
    }
}
