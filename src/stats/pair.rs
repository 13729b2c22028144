//! Do two systems that should tell the same story keep the gap they always had?

use super::engine::Engine;
use super::input::Verdict;
use super::law::{Forecast, Law};
use super::watch::Watch;
use super::{Cycle, Judgement, Paired, Scored, Sensitivity, TooFew};

/// Most days over which a shifted boundary is looked for.
const DAYS: usize = 7;
/// Most that one day may say for a shift, in logarithms of the likelihood ratio.
const DAY: f64 = 4.0;

/// Judges `first` against `second` in bucket `at` from buckets `0..=at`. Observed and expected are
/// `first` as a share of `second`.
pub fn judge(
    paired: &Paired<'_>,
    at: usize,
    sensitivity: Sensitivity,
) -> Result<Judgement, TooFew> {
    let there = |values: &[f64]| values.get(at).is_some_and(|value| value.is_finite());
    if !there(paired.first) || !there(paired.second) {
        return Err(TooFew::Missing);
    }
    watch(paired, at).judge(sensitivity)
}

/// Judges every bucket from `from` on in one pass; as `count::sweep`.
pub fn sweep(paired: &Paired<'_>, from: usize, out: &mut Vec<Option<Scored>>) {
    let mut watch = Watch::pair_with_room(paired.cycle, paired.first.len());
    for at in 0..paired.first.len() {
        watch.push(paired.point(at));
        if at >= from {
            out.push(watch.scored());
        }
    }
}

/// Whether the last days up to `at` show `first` counting each day what `second` counted the day
/// before: the sign of a changed time zone or day boundary, not of a loss.
pub fn boundary_shift(paired: &Paired<'_>, at: usize) -> bool {
    at < paired.first.len() && watch(paired, at).boundary_shift()
}

fn watch(paired: &Paired<'_>, at: usize) -> Watch {
    let mut watch = Watch::pair_with_room(paired.cycle, at + 1);
    for at in 0..=at {
        watch.push(paired.point(at));
    }
    watch
}

pub(super) fn verdict(cycle: Cycle, engine: &Engine) -> Option<Verdict> {
    let shifted = shift(cycle, engine).map(|(evidence, since)| Verdict {
        score: evidence / engine.budget(),
        since,
        upward: false,
    });
    Some(engine.verdict()?.or_louder(shifted))
}

/// The strongest evidence, over the last 3 to [`DAYS`] days, that `first` lags one day behind: the
/// logarithm of the likelihood ratio of yesterday's against today's `second`. By Ville's inequality a
/// ratio of `x` has a chance of at most `1 / x` when nothing is shifted. A loss or a gain that is the
/// same on all of these days must explain them worse, too: the day before is often the smaller one.
/// With it the first day.
pub(super) fn shift(cycle: Cycle, engine: &Engine) -> Option<(f64, usize)> {
    if !matches!(cycle, Cycle::Daily(_)) {
        return None;
    }
    let input = engine.input();
    let last = engine.len().checked_sub(1)?;
    let wander = engine.wander();
    let off = |seen: f64, mean: f64, exposure: f64| {
        let forecast = Forecast {
            mean,
            exposure: exposure.max(mean * 1.000_1),
            wander,
        };
        let variance = Law::Gap.variance(&forecast).max(0.25);
        0.5 * ((seen - mean).powi(2) / variance + variance.ln())
    };
    // Seen, expected of today's and of yesterday's exposure, and how far the shift is off.
    let mut days = [(0.0, 0.0, 0.0, 0.0); DAYS];
    let (mut sum, mut all, mut expected) = (0.0, 0.0, 0.0);
    let mut best = None;
    for back in 0..DAYS.min(last) {
        let at = last - back;
        let seen = input.values[at];
        let (today, before) = (input.exposure(at), input.exposure(at - 1));
        if !(seen.is_finite() && today > 0.0 && before > 0.0) {
            break;
        }
        let unit = engine.unit(at);
        let shifted = off(seen, unit * before, before);
        days[back] = (seen, unit * today, today, shifted);
        sum += (off(seen, unit * today, today) - shifted).clamp(-DAY, DAY);
        all += seen;
        expected += unit * today;
        if back < 2 || sum <= 0.0 || best.is_some_and(|(evidence, _)| sum <= evidence) {
            continue;
        }
        let change = all / expected.max(1e-9);
        let changed = |&(seen, mean, today, shifted): &(f64, f64, f64, f64)| {
            (off(seen, mean * change, today) - shifted).clamp(-DAY, DAY)
        };
        let evidence = sum.min(days[..=back].iter().map(changed).sum());
        if best.is_none_or(|(known, _)| evidence > known) {
            best = Some((evidence, at));
        }
    }
    best
}
