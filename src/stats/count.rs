//! Is this count what its own past leads one to expect?
//!
//! The method is written up in `docs/statistics.md`; here is how to call it. [`judge`] and [`sweep`] run
//! the same pass, so that a backtest shows what the daemon would have said.

use super::engine::Engine;
use super::input::Verdict;
use super::rare;
use super::watch::{Point, Watch};
use super::{Expected, Judgement, Scored, Sensitivity, Series, TooFew};

/// Events that must have been seen before anything is said of a series.
const EVENTS: u32 = 5;
/// The relative deviation of single days, beyond chance, that is believed of a count at first.
pub const USUAL: f64 = 0.1;
/// The least that is believed on the word of like series, which differ.
pub const STEADIEST: f64 = 0.75 * USUAL;
/// Buckets that must have taught before a series can tell others its noise.
const LENDS: u32 = 40;
/// A wait is judged by the law of waiting times once it is longer than the longest window.
const LONG_WAIT: usize = 28;

/// Judges bucket `at` from buckets `0..=at`; the sums are events.
pub fn judge(
    series: &Series<'_>,
    at: usize,
    sensitivity: Sensitivity,
) -> Result<Judgement, TooFew> {
    judge_believing(series, at, sensitivity, None)
}

/// As [`judge`]; where the series is young, like series may have shown a noise: their relative
/// deviation beyond chance ([`noise`]).
pub fn judge_believing(
    series: &Series<'_>,
    at: usize,
    sensitivity: Sensitivity,
    noise: Option<f64>,
) -> Result<Judgement, TooFew> {
    if !series.values.get(at).is_some_and(|value| value.is_finite()) {
        return Err(TooFew::Missing);
    }
    let mut watch = Watch::believing_with_room(series.cycle, noise, at + 1);
    for at in 0..=at {
        watch.push(point(series, at));
    }
    watch.judge(sensitivity)
}

/// The relative deviation beyond chance of single buckets that a series has shown up to `at`; `None`
/// before 40 buckets taught.
pub fn noise(series: &Series<'_>, at: usize) -> Option<f64> {
    let mut watch = Watch::count(series.cycle);
    for at in 0..=at.min(series.values.len().checked_sub(1)?) {
        watch.push(point(series, at));
    }
    watch.noise(LENDS)
}

/// Judges every bucket from `from` on, each from the buckets up to it, in one pass; `out` gains one
/// entry a bucket, `None` where [`judge`] would answer [`TooFew`].
pub fn sweep(series: &Series<'_>, from: usize, out: &mut Vec<Option<Scored>>) {
    let mut watch = Watch::count_with_room(series.cycle, series.values.len());
    for at in 0..series.values.len() {
        watch.push(point(series, at));
        if at >= from {
            out.push(watch.scored());
        }
    }
}

/// Observed and expected from `since` to `at`, as it was expected before `since`, whether or not there
/// is trouble: what a series did while another one was in trouble. The range holds 99% of ordinary
/// stretches of that length. Errors as in [`judge`].
pub fn stretch(series: &Series<'_>, since: usize, at: usize) -> Result<Expected, TooFew> {
    if since > at || !series.values.get(at).is_some_and(|value| value.is_finite()) {
        return Err(TooFew::Missing);
    }
    let mut watch = Watch::count_with_room(series.cycle, at + 1);
    for at in 0..=at {
        watch.push(point(series, at));
    }
    watch.stretch(since)
}

fn point(series: &Series<'_>, at: usize) -> Point {
    Point {
        first: series.values[at],
        second: 1.0,
        usable: series.usable[at],
        special: series.special[at],
    }
}

pub(super) fn few_events(engine: &Engine) -> TooFew {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below EVENTS"
    )]
    TooFew::Events(engine.events().max(0.0) as u32, EVENTS)
}

pub(super) fn verdict(engine: &Engine) -> Option<Verdict> {
    let verdict = engine.verdict()?;
    if engine.events() < f64::from(EVENTS) {
        return None;
    }
    let waited = if verdict.score < 1.0 {
        wait(engine)
    } else {
        None
    };
    Some(verdict.or_louder(waited))
}

/// A series too thin for any window: how long has nothing come? The window grows with the wait.
fn wait(engine: &Engine) -> Option<Verdict> {
    let at = engine.len() - 1;
    let values = &engine.input().values;
    let back = values.iter().rev();
    let empty = back
        .take_while(|value| !(value.is_finite() && **value > 0.0))
        .count();
    if empty <= LONG_WAIT || empty > at {
        return None;
    }
    let since = at + 1 - empty;
    let there = |from: usize, to: usize| {
        let buckets = &values[from..to];
        buckets.iter().filter(|value| value.is_finite()).count() as f64
    };
    let events: f64 = values[..since]
        .iter()
        .filter(|value| value.is_finite())
        .sum();
    // As strict as a window is, but by the exact law: no tail is learnt of waits this long.
    let p = rare::waiting(events, there(0, since), there(since, at + 1));
    let score = -p.max(f64::MIN_POSITIVE).ln() / engine.budget();
    Some(Verdict {
        score,
        since,
        upward: false,
    })
}
