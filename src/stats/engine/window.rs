//! What the two models expect of a window, frozen before the window began.

use std::ops::{AddAssign, Sub, SubAssign};

use super::Engine;
use crate::stats::law::{Forecast, Law};

/// Days after which the cycle of daily buckets repeats.
const DAYS: usize = 7;

/// Sums over live buckets.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) observed: f64,
    /// Mean by either model.
    pub(super) means: [f64; 2],
    /// Mean by the first model, had each day been a day off.
    pub(super) rest: f64,
    /// The same had each been the busiest of these: the hour itself and that of a Saturday or Sunday.
    pub(super) busy: f64,
    pub(super) exposure: f64,
    pub(super) buckets: f64,
    /// Buckets of which the second model knows nothing.
    unknown: f64,
}

/// A stretch of buckets, live or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) observed: f64,
    pub(super) means: [f64; 2],
    pub(super) exposure: f64,
}

impl Engine {
    /// The middle half of the same slot in past weeks, per unit of exposure; `NaN` before there are
    /// three of them.
    pub(super) fn recall(&self, at: usize) -> f64 {
        const ROOM: usize = 16;
        let mut past = [(0.0, 0.0, 0.0); ROOM];
        let mut many = 0;
        let period = self.input.period;
        let most = self.tuning.memory.min(ROOM);
        for weeks in 1..=2 * most {
            let Some(there) = at.checked_sub(weeks * period) else {
                break;
            };
            let exposure = self.input.exposure(there);
            if self.taught[there] && exposure > 0.0 {
                let value = self.input.values[there];
                past[many] = (value / exposure, value, exposure);
                many += 1;
                if many == most {
                    break;
                }
            }
        }
        if many < 3 {
            return f64::NAN;
        }
        let past = &mut past[..many];
        past.sort_unstable_by(|a: &(f64, f64, f64), b| a.0.total_cmp(&b.0));
        let cut = many / 4;
        // A quarter of an event, so that a slot that never had one is not expected to stay empty.
        let (mut value, mut exposure) = (0.25, 0.0);
        for (_, v, e) in &past[cut..many - cut] {
            value += v;
            exposure += e;
        }
        value / exposure
    }

    /// The factor of the slot, or that of the same hour on a Saturday or Sunday where it is lower, and
    /// where it is higher.
    pub(super) fn days_off(&self, slot: usize) -> (f64, f64) {
        let own = self.level.factor(slot);
        let hours = self.input.period / 7;
        if hours == 0 || self.tuning.rest == 0 && self.tuning.nights == 0 {
            return (own, own);
        }
        let weekend = |weekday: usize| self.level.factor(weekday * hours + slot % hours);
        let (saturday, sunday) = (weekend(5), weekend(6));
        (own.min(saturday).min(sunday), own.max(saturday).max(sunday))
    }

    /// Writes the running sums after bucket `at`.
    pub(super) fn add(&mut self, at: usize) {
        let mut next = self.sums[at];
        if self.live[at] {
            next += self.single(at, at);
        }
        self.sums.truncate(at + 1);
        self.sums.push(next);
    }

    /// One bucket, expected as bucket `first` was; levels are not multiplied in.
    fn single(&self, first: usize, at: usize) -> Sums {
        let exposure = self.input.exposure(at);
        let memory = self.memory[first];
        let known = memory.is_finite();
        Sums {
            observed: self.input.values[at],
            means: [
                self.profile[first] * exposure,
                if known { memory * exposure } else { 0.0 },
            ],
            rest: self.rest[first] * exposure,
            busy: self.busy[first] * exposure,
            exposure,
            buckets: 1.0,
            unknown: f64::from(u8::from(!known)),
        }
    }

    /// Sums of a window that is shorter than the cycle, both models as they were before it.
    pub(super) fn window(&self, from: usize, at: usize) -> Sums {
        let mut sums = self.sums[at + 1] - self.sums[from];
        self.level_in(&mut sums, from);
        sums
    }

    /// The same for any window, and with `spare` without the bucket that speaks loudest for the trouble,
    /// so that no single day carries an alarm about many. Also whether there is more than expected.
    ///
    /// Later weeks of the window are expected as its first week was: what they taught the profile must
    /// not excuse them.
    pub(super) fn walk(&self, from: usize, at: usize, spare: bool) -> (Sums, bool) {
        let period = self.input.period;
        if period == DAYS && self.input.law == Law::Count {
            let live = self.sums[at + 1].buckets - self.sums[from].buckets;
            if live >= (at + 1 - from) as f64 {
                return self.stride(from, at, spare);
            }
        }
        let level = self.levels[from];
        let mut sums = Sums::default();
        let (mut least, mut most) = ((0.0, None), (0.0, None));
        let mut week = from;
        while week <= at {
            let end = (week + period).min(at + 1);
            let profile = &self.profile[from..from + (end - week)];
            let memory = &self.memory[from..from + (end - week)];
            let rest = &self.rest[from..from + (end - week)];
            let busy = &self.busy[from..from + (end - week)];
            let live = &self.live[week..end];
            let values = &self.input.values[week..end];
            for k in 0..profile.len() {
                if !live[k] {
                    continue;
                }
                let exposure = self.input.exposure(week + k);
                let mean = profile[k] * exposure;
                let known = memory[k].is_finite();
                sums.observed += values[k];
                sums.means[0] += mean;
                sums.means[1] += if known { memory[k] * exposure } else { 0.0 };
                sums.rest += rest[k] * exposure;
                sums.busy += busy[k] * exposure;
                sums.exposure += exposure;
                sums.buckets += 1.0;
                sums.unknown += f64::from(u8::from(!known));
                let excess = values[k] - level * mean;
                if excess < least.0 {
                    least = (excess, Some((from + k, week + k)));
                } else if excess > most.0 {
                    most = (excess, Some((from + k, week + k)));
                }
            }
            week = end;
        }
        let upward = sums.observed > level * sums.means[0];
        let loudest = if upward { most.1 } else { least.1 };
        if spare && let Some((first, there)) = loudest {
            sums -= self.single(first, there);
        }
        self.level_in(&mut sums, from);
        (sums, upward)
    }

    /// [`Engine::walk`] for days of a count that are all live: whole weeks are multiples of the first.
    fn stride(&self, from: usize, at: usize, spare: bool) -> (Sums, bool) {
        let length = at + 1 - from;
        let (weeks, rest) = (length / DAYS, length % DAYS);
        let mut sums = self.sums[at + 1] - self.sums[from];
        if weeks > 0 {
            let (before, some) = (self.sums[from], self.sums[from + rest]);
            let first = self.sums[from + DAYS];
            let weeks = weeks as f64;
            let whole =
                |first: f64, some: f64, before: f64| weeks * (first - before) + (some - before);
            for model in 0..2 {
                sums.means[model] =
                    whole(first.means[model], some.means[model], before.means[model]);
            }
            sums.rest = whole(first.rest, some.rest, before.rest);
            sums.busy = whole(first.busy, some.busy, before.busy);
            sums.unknown = whole(first.unknown, some.unknown, before.unknown);
        }
        let level = self.levels[from];
        let upward = sums.observed > level * sums.means[0];
        if spare {
            let sign = if upward { 1.0 } else { -1.0 };
            let mut means = [0.0; DAYS];
            let week = &self.profile[from..from + DAYS.min(length)];
            for (mean, factor) in means.iter_mut().zip(week) {
                *mean = level * factor;
            }
            let mut loudest = [0.0; DAYS];
            let values = &self.input.values[from..=at];
            for week in values.chunks(DAYS) {
                for ((loudest, value), mean) in loudest.iter_mut().zip(week).zip(&means) {
                    let loud = sign * (value - mean);
                    *loudest = if loud > *loudest { loud } else { *loudest };
                }
            }
            let (mut slot, mut most) = (0, 0.0);
            for (day, &loud) in loudest.iter().enumerate() {
                if loud > most {
                    (slot, most) = (day, loud);
                }
            }
            let mut day = slot;
            while most > 0.0 && day < length {
                if sign * (values[day] - means[slot]) >= most {
                    sums -= self.single(from + slot, from + day);
                    break;
                }
                day += DAYS;
            }
        }
        self.level_in(&mut sums, from);
        (sums, upward)
    }

    fn level_in(&self, sums: &mut Sums, frozen: usize) {
        let level = self.levels[frozen];
        sums.means[0] *= level;
        sums.rest *= level;
        sums.busy *= level;
        if sums.unknown > 0.0 {
            sums.means[1] = f64::NAN;
        }
    }

    /// Takes the stretch of `block` buckets that speaks loudest for trouble out of the sums of a window
    /// shorter than the cycle.
    pub(super) fn spare(
        &self,
        from: usize,
        at: usize,
        block: usize,
        upward: bool,
        sums: &mut Sums,
    ) {
        let mut loudest = 0.0;
        let mut spared = None;
        let mut start = from;
        while start + block <= at + 1 {
            let mut part = self.sums[start + block] - self.sums[start];
            self.level_in(&mut part, from);
            let excess = part.observed - part.means[0];
            let loud = if upward { excess } else { -excess };
            if loud > loudest {
                loudest = loud;
                spared = Some(part);
            }
            start += (block / 4).max(1);
        }
        if let Some(part) = spared {
            *sums -= part;
        }
    }

    /// Sums from `from` to `at` with both models as they were before `frozen`, special days left out.
    /// Buckets of a run are not live, so this walks.
    pub(super) fn stretch(&self, frozen: usize, from: usize, at: usize) -> Stretch {
        let ordinary = (from..=at).filter(|&j| self.input.special[j] == 0);
        self.gather(frozen, ordinary)
    }

    /// Bucket `at` by itself, special or not.
    pub(super) fn bucket(&self, frozen: usize, at: usize) -> Stretch {
        self.gather(frozen, at..=at)
    }

    fn gather(&self, frozen: usize, buckets: impl Iterator<Item = usize>) -> Stretch {
        let period = self.input.period;
        let mut sums = Sums::default();
        for j in buckets {
            if self.input.seen(j).is_some() {
                sums += self.single(frozen + (j - frozen) % period, j);
            }
        }
        self.level_in(&mut sums, frozen);
        Stretch {
            observed: sums.observed,
            means: sums.means,
            exposure: sums.exposure,
        }
    }

    /// Observed over expected from `from` to `at`, as a logarithm, by the first model.
    pub(super) fn change(&self, frozen: usize, from: usize, at: usize) -> f64 {
        let stretch = self.stretch(frozen, from, at);
        ((stretch.observed + 0.5) / (stretch.means[0] + 0.5)).ln()
    }

    /// What a model expects of a window with this mean, and how far it usually strays.
    pub(super) fn forecast(
        &self,
        index: usize,
        model: usize,
        mean: f64,
        exposure: f64,
    ) -> Forecast {
        let tuning = self.tuning;
        let prior = self.priors[index];
        let (square, known) = self.noise[model][index];
        let weight = tuning.noise_weight * mean * mean;
        Forecast {
            mean,
            exposure: exposure.max(mean * 1.000_1),
            wander: (square + prior * weight) / (known + weight),
        }
    }
}

impl Engine {
    /// [`Engine::forecast`] for a window that ends at `at`; a short one is as rough as its hour.
    pub(super) fn forecast_at(
        &self,
        index: usize,
        model: usize,
        at: usize,
        mean: f64,
        exposure: f64,
    ) -> Forecast {
        let mut forecast = self.forecast(index, model, mean, exposure);
        if self.tuning.windows[index] <= self.tuning.rough {
            forecast.wander *= self.roughness(at);
        }
        forecast
    }

    /// How much rougher than on average single buckets are at the hour of bucket `at`.
    pub(super) fn roughness(&self, at: usize) -> f64 {
        const WEIGHT: f64 = 7.0;
        if self.rough.is_empty() {
            return 1.0;
        }
        let (square, known) = self.rough[self.input.slot(at) % self.rough.len()];
        let mean = self.unit(at) * self.input.exposure(at);
        let usual = self
            .forecast(0, 0, mean, self.input.exposure(at))
            .wander
            .max(1e-6);
        let weight = WEIGHT * mean * mean;
        let own = (square + weight * usual) / (known + weight).max(1e-9);
        (own / usual).clamp(0.1, 10.0)
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.observed += other.observed;
        self.means[0] += other.means[0];
        self.means[1] += other.means[1];
        self.rest += other.rest;
        self.busy += other.busy;
        self.exposure += other.exposure;
        self.buckets += other.buckets;
        self.unknown += other.unknown;
    }
}

impl SubAssign for Sums {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sub for Sums {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            observed: self.observed - other.observed,
            means: [
                self.means[0] - other.means[0],
                self.means[1] - other.means[1],
            ],
            rest: self.rest - other.rest,
            busy: self.busy - other.busy,
            exposure: self.exposure - other.exposure,
            buckets: self.buckets - other.buckets,
            unknown: self.unknown - other.unknown,
        }
    }
}
