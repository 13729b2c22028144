//! Special days: holidays and whatever else is known to be unlike other days.

use statrs::function::erf::erfc;

use super::Engine;
use crate::stats::NAMED;
use crate::stats::input::Verdict;
use crate::stats::law::{Forecast, Law};

/// Square of the relative deviation of a special day: half of the expectation.
const WANDER: f64 = 0.25;

impl Engine {
    /// What is expected of special bucket `at`: no more than on a day off, times what earlier days of
    /// the same class showed. Such an expectation is rough.
    pub(super) fn special_forecast(&self, at: usize) -> Forecast {
        let class = self.input.special[at];
        let own = self.day_off_mean(at);
        let is_named = class >= NAMED;
        // An earlier day of the class says five times as much as the belief in a day off.
        let belief = if is_named { 0.0 } else { 0.2 };
        let (mut seen, mut usual) = (belief * own, belief * own);
        for j in 0..at {
            if let Some((value, _)) = self.input.seen(j)
                && self.input.special[j] == class
                && self.input.usable[j]
                && self.founded(j)
            {
                seen += value;
                usual += self.day_off_mean(j);
            }
        }
        let factor = if usual > 0.0 {
            (seen / usual).min(if is_named { f64::INFINITY } else { 2.0 })
        } else {
            1.0
        };
        let exposure = self.input.exposure(at);
        let most = if self.input.law == Law::Share {
            exposure
        } else {
            f64::INFINITY
        };
        let mean = (own * factor).min(most).max(1e-9);
        Forecast {
            mean,
            exposure: exposure.max(mean * 1.000_1),
            wander: WANDER,
        }
    }

    fn day_off_mean(&self, at: usize) -> f64 {
        self.levels[at] * self.rest[at] * self.input.exposure(at)
    }

    /// Judges a special day, which only a collapse makes alarm. In a run it is part of the run.
    pub(super) fn special(&self, at: usize, value: f64) -> Verdict {
        if let Some(run) = &self.run {
            return run.verdict();
        }
        let forecast = self.special_forecast(at);
        let z = self.input.law.residual(value, &forecast);
        // Only what counts misses is in trouble upwards.
        let upward = self.tuning.longest_down == 0;
        let loud = if upward { z } else { -z };
        if loud <= 0.0 || forecast.mean < 1.0 && !upward {
            return Verdict::well(at);
        }
        let chance = 0.5 * erfc(loud / std::f64::consts::SQRT_2);
        let surprise = -chance.max(f64::MIN_POSITIVE).ln();
        Verdict {
            score: surprise / self.tuning.budget * self.trust(),
            since: at,
            upward,
        }
    }
}
