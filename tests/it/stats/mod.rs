//! The statistics through their front door: published numbers, scenarios, laws.

mod alarms;
mod behaviour;
mod blame;
mod gate;
mod law;
mod power;
mod published;
mod scenario;
mod sibling;
mod soon;
mod watch;

use truecount::stats::{Cycle, Judgement, Paired, Sensitivity, Series, TooFew, count, pair, ratio};

/// A source of numbers that look random and are always the same.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Between 0 and 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A Poisson number, by counting exponential waits.
    pub(crate) fn poisson(&mut self, mean: f64) -> f64 {
        let mut many = -1.0;
        let mut wait = 0.0;
        while wait < mean {
            wait -= self.share().max(1e-12).ln();
            many += 1.0;
        }
        many
    }

    /// How many of `n` are kept with chance `share` each.
    pub(crate) fn thin(&mut self, n: f64, share: f64) -> f64 {
        let mut kept = 0.0;
        let mut left = n;
        while left >= 1.0 {
            kept += f64::from(u8::from(self.share() < share));
            left -= 1.0;
        }
        kept
    }
}

/// Daily counts around `mean`, with quiet weekends, Monday first.
pub(crate) fn week(mean: f64, days: usize, seed: u64) -> Vec<f64> {
    const SHAPE: [f64; 7] = [1.1, 1.2, 1.2, 1.15, 1.05, 0.7, 0.6];
    let mut dice = Dice::new(seed);
    (0..days)
        .map(|day| dice.poisson(mean * SHAPE[day % 7]))
        .collect()
}

pub(crate) fn judge_count(values: &[f64], at: usize) -> Result<Judgement, TooFew> {
    let usable = vec![true; values.len()];
    let special = vec![0; values.len()];
    let series = Series {
        values,
        usable: &usable,
        special: &special,
        cycle: Cycle::Daily(0),
    };
    count::judge(&series, at, Sensitivity::Normal)
}

pub(crate) fn alarms(values: &[f64], from: usize) -> Vec<usize> {
    let usable = vec![true; values.len()];
    let special = vec![0; values.len()];
    let series = Series {
        values,
        usable: &usable,
        special: &special,
        cycle: Cycle::Daily(0),
    };
    let mut out = Vec::new();
    count::sweep(&series, from, &mut out);
    let alarmed = |(index, scored): (usize, &Option<truecount::stats::Scored>)| {
        scored
            .is_some_and(|scored| scored.alarm)
            .then_some(from + index)
    };
    out.iter().enumerate().filter_map(alarmed).collect()
}

pub(crate) fn judge_ratio(k: &[f64], n: &[f64], at: usize) -> Result<Judgement, TooFew> {
    let (usable, special) = (vec![true; k.len()], vec![0; k.len()]);
    ratio::judge(&paired(k, n, &usable, &special), at, Sensitivity::Normal)
}

pub(crate) fn judge_pair(a: &[f64], b: &[f64], at: usize) -> Result<Judgement, TooFew> {
    let (usable, special) = (vec![true; a.len()], vec![0; a.len()]);
    pair::judge(&paired(a, b, &usable, &special), at, Sensitivity::Normal)
}

pub(crate) fn paired<'a>(
    first: &'a [f64],
    second: &'a [f64],
    usable: &'a [bool],
    special: &'a [u8],
) -> Paired<'a> {
    Paired {
        first,
        second,
        usable,
        special,
        cycle: Cycle::Daily(0),
    }
}
