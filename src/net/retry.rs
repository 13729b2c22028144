//! Calling again: by rule, with jitter, never against the word of the other side.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use chrono::{DateTime, TimeDelta};

use crate::model::Timestamp;

use super::{Net, NetError, Reply, Request};

/// How often and how long apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Before the second try.
    pub first: Duration,
    /// Never longer, also when the other side asks for more: then the pull ends.
    pub most: Duration,
    /// Tries in all.
    pub tries: usize,
}

impl Backoff {
    /// For reads: three tries within a minute.
    pub const READ: Self = Self {
        first: Duration::from_millis(500),
        most: Duration::from_mins(1),
        tries: 3,
    };

    /// For calls that must not be repeated here.
    pub const ONCE: Self = Self {
        first: Duration::ZERO,
        most: Duration::ZERO,
        tries: 1,
    };
}

pub(super) async fn fetch(
    net: &Net,
    request: &Request,
    backoff: &Backoff,
    ends: &(dyn Fn(&Reply) -> bool + Sync),
) -> Result<Reply, NetError> {
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(backoff.first)
        .with_max_delay(backoff.most)
        .with_max_times(backoff.tries.saturating_sub(1))
        .with_jitter()
        .build();
    if let Err(until) = net.calm.enter(request, net.clock.now()) {
        return Err(NetError::Unreachable {
            host: request.host(),
            why: format!(
                "it failed again and again and is left alone until {} UTC",
                until.format("%H:%M:%S")
            ),
        });
    }
    loop {
        let outcome = net.call(request).await;
        let failed = match &outcome {
            Ok(reply) => reply.status >= 500,
            Err(why) => matches!(why, NetError::Unreachable { .. }),
        };
        if net.calm.note(request, failed, net.clock.now()) {
            return outcome;
        }
        let asked = match &outcome {
            Ok(reply) if !is_temporary(reply.status) || ends(reply) => return outcome,
            Ok(reply) => retry_after(reply, net.clock.now()),
            Err(NetError::Unreachable { .. }) => None,
            Err(_) => return outcome,
        };
        let Some(pause) = pauses.next() else {
            return outcome;
        };
        if !net.calm.may_retry(request) {
            return outcome;
        }
        let pause = match asked {
            None => pause,
            Some(asked) => match asked.to_std() {
                Ok(asked) if asked <= backoff.most => asked,
                // Longer than this pull may wait: the caller passes the wish on.
                _ => return outcome,
            },
        };
        let wait = TimeDelta::from_std(pause).unwrap_or(TimeDelta::seconds(60));
        net.clock.sleep_until(net.clock.now() + wait).await;
    }
}

/// Worth another try: the other side is busy or in trouble.
fn is_temporary(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// `Retry-After` as seconds or as an HTTP date.
pub fn retry_after(reply: &Reply, now: Timestamp) -> Option<TimeDelta> {
    let text = reply.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(TimeDelta::seconds(i64::from(seconds)));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some((at.to_utc() - now).max(TimeDelta::zero()))
}
