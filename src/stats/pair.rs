//! Do two systems that should tell the same story keep the gap they always had?

use super::engine::Engine;
use super::input::{Input, Verdict};
use super::law::{Forecast, Law};
use super::tuning::Tuning;
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
    if paired.second[at] < 1.0 {
        return Err(TooFew::Events(0, 1));
    }
    let tuning = Tuning::gap(paired.cycle);
    let mut engine = Engine::new(input(paired), &tuning);
    for _ in 0..=at {
        engine.step();
    }
    let verdict = verdict(paired, &engine).ok_or_else(|| engine.too_few())?;
    Ok(engine.report(verdict).shares(sensitivity, false))
}

/// Judges every bucket from `from` on in one pass; as `count::sweep`.
pub fn sweep(paired: &Paired<'_>, from: usize, out: &mut Vec<Option<Scored>>) {
    let tuning = Tuning::gap(paired.cycle);
    let mut engine = Engine::new(input(paired), &tuning);
    for at in 0..paired.first.len() {
        engine.step();
        if at >= from {
            let verdict = verdict(paired, &engine).filter(|_| paired.second[at] >= 1.0);
            out.push(verdict.map(Verdict::scored));
        }
    }
}

/// Whether the last days up to `at` show `first` counting each day what `second` counted the day
/// before: the sign of a changed time zone or day boundary, not of a loss.
pub fn boundary_shift(paired: &Paired<'_>, at: usize) -> bool {
    if at >= paired.first.len() {
        return false;
    }
    let tuning = Tuning::gap(paired.cycle);
    let mut engine = Engine::new(input(paired), &tuning);
    for _ in 0..=at {
        engine.step();
    }
    engine.verdict().is_some()
        && shift(paired, &engine).is_some_and(|(evidence, _)| evidence >= tuning.budget)
}

fn input<'a>(paired: &Paired<'a>) -> Input<'a> {
    Input {
        law: Law::Gap,
        values: paired.first,
        exposure: Some(paired.second),
        usable: paired.usable,
        special: paired.special,
        period: paired.cycle.period(),
        first_slot: paired.cycle.first(),
    }
}

fn verdict(paired: &Paired<'_>, engine: &Engine<'_>) -> Option<Verdict> {
    let shifted = shift(paired, engine).map(|(evidence, since)| Verdict {
        score: evidence / engine.budget(),
        since,
        upward: false,
    });
    Some(engine.verdict()?.or_louder(shifted))
}

/// The strongest evidence, over the last 3 to [`DAYS`] days, that `first` lags one day behind: the
/// logarithm of the likelihood ratio of yesterday's against today's `second`. By Ville's inequality a
/// ratio of `x` has a chance of at most `1 / x` when nothing is shifted. With it the first day.
fn shift(paired: &Paired<'_>, engine: &Engine<'_>) -> Option<(f64, usize)> {
    if !matches!(paired.cycle, Cycle::Daily(_)) {
        return None;
    }
    let last = engine.len().checked_sub(1)?;
    let mut sum = 0.0;
    let mut best = None;
    for back in 0..DAYS.min(last) {
        let at = last - back;
        let (seen, today, before) = (paired.first[at], paired.second[at], paired.second[at - 1]);
        if !(seen.is_finite() && today > 0.0 && before > 0.0) {
            break;
        }
        let off = |exposure: f64| {
            let mean = engine.unit(at) * exposure;
            let wander = engine.wander();
            let forecast = Forecast {
                mean,
                exposure: exposure.max(mean * 1.000_1),
                wander,
            };
            let variance = Law::Gap.variance(&forecast).max(0.25);
            0.5 * ((seen - mean).powi(2) / variance + variance.ln())
        };
        sum += (off(today) - off(before)).clamp(-DAY, DAY);
        if back >= 2 && best.is_none_or(|(evidence, _)| sum > evidence) {
            best = Some((sum, at));
        }
    }
    best
}
