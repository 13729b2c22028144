//! How loudly each window speaks for trouble, in the light of the series' own past.

use super::Engine;
use super::window::Sums;
use crate::stats::input::Verdict;
use crate::stats::peak;
use crate::stats::tuning::MOST;

/// Standard deviations from which a single bucket is odd enough to be remembered for a year.
const ODD: f64 = 2.0;

/// Days back to the same days a year ago, nearest first.
const BACK: [usize; 5] = [357, 364, 365, 366, 371];

/// One window at one bucket.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    /// Standard deviations, of the model that finds less.
    pub(super) z: f64,
    pub(super) upward: bool,
    /// The smaller change of the two models: seen over expected or the other way round, at least 1.
    pub(super) ratio: f64,
}

impl Engine {
    /// Holds every window that ends at `at` against both models.
    pub(super) fn look(&mut self, at: usize, looks: &mut [Look; MOST]) {
        let tuning = self.tuning;
        for (index, &window) in tuning.windows.iter().enumerate() {
            if window > at + 1 {
                break;
            }
            let from = at + 1 - window;
            if !self.live[from] || !self.founded(from) {
                continue;
            }
            let live = self.sums[at + 1].buckets - self.sums[from].buckets;
            if live * 2.0 < (window + 1) as f64 {
                continue;
            }
            let (sums, upward) = self.summed(from, at, tuning.spare[index]);
            let mut look = Look {
                z: f64::INFINITY,
                upward,
                ratio: f64::INFINITY,
            };
            for model in 0..2 {
                if sums.means[model].is_finite() {
                    self.compare(index, model, at, &sums, &mut look);
                }
            }
            if index == 0 {
                self.note(at, &look);
            }
            if !upward && window <= tuning.rest && look.z > 0.0 {
                // A public holiday looks like a Sunday, and no calendar knows them all.
                let forecast = self.forecast_at(index, 0, at, sums.rest.max(0.05), sums.exposure);
                let z = -self.input.law.residual(sums.observed, &forecast);
                look.z = look.z.min(z.max(0.0));
            }
            if upward && window <= tuning.nights && look.z > 0.0 {
                // The night before a holiday looks like that before a Saturday or Sunday.
                let forecast = self.forecast_at(index, 0, at, sums.busy.max(0.05), sums.exposure);
                let z = self.input.law.residual(sums.observed, &forecast);
                look.z = look.z.min(z.max(0.0));
            }
            if window <= tuning.season && look.z > 0.0 && at >= BACK[0] {
                look.z = look.z.min(self.last_year(index, from, at, upward, &sums));
            }
            looks[index] = look;
        }
    }

    /// Sums of a window less what it must do without, and whether there is more than expected.
    fn summed(&self, from: usize, at: usize, spare: usize) -> (Sums, bool) {
        if spare == 1 || at - from >= self.input.period {
            return self.walk(from, at, spare > 0);
        }
        let mut sums = self.window(from, at);
        let upward = sums.observed > sums.means[0];
        if spare > 0 {
            self.spare(from, at, spare, upward, &mut sums);
        }
        (sums, upward)
    }

    /// Remembers a bucket that is odd by itself for the same day next year.
    fn note(&mut self, at: usize, look: &Look) {
        if look.z >= ODD && look.ratio > 0.0 && self.input.usable[at] {
            let change = look.ratio.ln();
            self.odd[at] = if look.upward { change } else { -change };
        }
    }

    /// Standard deviations that are left when the days of the window may be as odd as the same days a
    /// year ago were: by date, by weekday, and a week earlier or later for feasts that move.
    fn last_year(&self, index: usize, from: usize, at: usize, upward: bool, sums: &Sums) -> f64 {
        let mut mean = 0.0;
        let mut plain = 0.0;
        for j in from..=at {
            let was = BACK
                .iter()
                .filter_map(|&back| Some(self.odd[j.checked_sub(back)?]));
            let odd = if upward {
                was.fold(0.0, f64::max)
            } else {
                was.fold(0.0, f64::min)
            };
            if self.live[j] {
                let own = self.unit(j) * self.input.exposure(j);
                plain += own;
                mean += own * odd.exp();
            }
        }
        if plain <= 0.0 || mean.total_cmp(&plain).is_eq() {
            return f64::INFINITY;
        }
        let forecast = self.forecast(index, 0, sums.means[0] * mean / plain, sums.exposure);
        let z = self.input.law.residual(sums.observed, &forecast);
        if upward { z.max(0.0) } else { (-z).max(0.0) }
    }

    /// Whether enough was known before bucket `from` to expect anything of it.
    pub(super) fn founded(&self, from: usize) -> bool {
        let need = (2 * self.input.period).max(self.tuning.warm / 2);
        self.sums[from].buckets >= need as f64
    }

    /// Holds one model against the sums of a window; the less alarming of the two is kept.
    fn compare(&mut self, index: usize, model: usize, at: usize, sums: &Sums, look: &mut Look) {
        let tuning = self.tuning;
        let law = self.input.law;
        let window_is_short = tuning.windows[index] <= tuning.rough;
        let mean = sums.means[model].max(0.05);
        let forecast = self.forecast_at(index, model, at, mean, sums.exposure);
        let variance = law.variance(&forecast);
        if (sums.observed > mean) != look.upward
            || law.within(peak::FROM, sums.observed, &forecast, variance)
        {
            // Neither an excursion nor a score needs to know it better.
            look.z = 0.0;
        } else if look.z > 0.0 {
            let z = law.residual_at(sums.observed, &forecast, variance);
            look.z = look.z.min(z.abs());
            let (seen, mean) = (sums.observed + 0.5, mean + 0.5);
            let ratio = if look.upward {
                seen / mean
            } else {
                mean / seen
            };
            look.ratio = look.ratio.min(ratio);
        }
        if self.run.is_none() {
            let most = tuning.noise_clip * tuning.noise_clip * variance;
            let square = (sums.observed - mean).powi(2).min(most) / tuning.noise_left
                - law.chance(mean, forecast.exposure);
            let mut own = square;
            if window_is_short {
                own /= self.roughness(at);
                if index == 0 && model == 0 {
                    let hour = self.input.slot(at) % self.rough.len();
                    let rough = &mut self.rough[hour];
                    rough.0 = rough.0 * 0.97 + square;
                    rough.1 = rough.1 * 0.97 + mean * mean;
                }
            }
            let noise = &mut self.noise[model][index];
            noise.0 = noise.0 * tuning.noise_keep + own;
            noise.1 = noise.1 * tuning.noise_keep + mean * mean;
        }
    }

    /// The loudest window, and what all of them teach the tails.
    pub(super) fn weigh(&mut self, at: usize, looks: &[Look; MOST]) -> Verdict {
        let tuning = self.tuning;
        let mut best = Verdict::well(at);
        for (index, &window) in tuning.windows.iter().enumerate() {
            for upward in [false, true] {
                let look = looks[index];
                let z = if look.upward == upward { look.z } else { 0.0 };
                if self.run.is_none() {
                    self.peaks[usize::from(upward)][index].see(z, window, &tuning.prior);
                }
                if z <= peak::FROM {
                    continue;
                }
                let score = self.score(index, upward, z, look.ratio.ln());
                if score > best.score {
                    best = Verdict {
                        score,
                        since: at + 1 - window,
                        upward,
                    };
                }
            }
        }
        best
    }

    /// How far the past can be trusted: what little history has shown is not all it can do.
    pub(super) fn trust(&self) -> f64 {
        let tuning = self.tuning;
        let seen = (self.counted as f64).powi(tuning.grow);
        seen / (seen + tuning.young.powi(tuning.grow))
    }

    /// The score of a window that lies `z` standard deviations and `change` off.
    pub(super) fn score(&self, index: usize, upward: bool, z: f64, change: f64) -> f64 {
        let tuning = self.tuning;
        let (least, longest) = if upward {
            (tuning.least_up[index], tuning.longest_up)
        } else {
            (tuning.least_down[index], tuning.longest_down)
        };
        let window = tuning.windows[index];
        if z <= 0.0 || window > longest {
            return 0.0;
        }
        let size = if least > 0.0 {
            (change / least).min(1.0)
        } else {
            1.0
        };
        let spike = if upward && window == 1 {
            tuning.spike
        } else {
            1.0
        };
        let peaks = &self.peaks[usize::from(upward)][index];
        let surprise = peaks.surprise(z, window, &tuning.prior);
        surprise * spike / tuning.budget * size * self.trust()
    }
}
