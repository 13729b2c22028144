//! Series made from clean ones: what truly happened, what a tracker saw of it, and faults planted in
//! the tracker only. Kinds, lengths and sizes are those of the benchmark.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers drawn by dice"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use chrono::{NaiveDateTime, Timelike as _};
use serde::Deserialize;
use truecount::stats::Cycle;
use truecount::stats::trial::Freq;

/// Every kind of fault, in the order in which they are told.
pub(crate) const KINDS: [&str; 9] = [
    "outage", "dup2", "dup1.5", "spike", "drop60", "drop40", "drop25", "drop15", "decay10w",
];

/// Days before the first fault, and between two.
const BURN: usize = 90;
const APART: (f64, f64) = (38.0, 58.0);

#[derive(Deserialize)]
struct Manifest {
    series: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    freq: Freq,
}

/// A clean series.
pub(crate) struct Base {
    pub(crate) id: String,
    /// Whether its buckets are hours; else they are days.
    pub(crate) hourly: bool,
    pub(crate) cycle: Cycle,
    values: Vec<f64>,
}

/// A fault that was planted; both buckets included.
pub(crate) struct Planted {
    pub(crate) kind: &'static str,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// What truly happened and what a tracker saw, bucket by bucket.
pub(crate) struct Made {
    pub(crate) truth: Vec<f64>,
    pub(crate) seen: Vec<f64>,
    pub(crate) faults: Vec<Planted>,
}

/// The clean series of a folder with `manifest.json`. Hours begin with a Monday or any other day, but
/// at midnight, so that they add up to days.
pub(crate) fn bases(folder: &Path) -> anyhow::Result<Vec<Base>> {
    let file = folder.join("manifest.json");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let manifest: Manifest =
        serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    let entries = manifest.series.into_iter();
    entries
        .map(|entry| {
            let file = folder.join(format!("{}.csv", entry.id));
            base(&entry, &file).with_context(|| file.display().to_string())
        })
        .collect()
}

fn base(entry: &Entry, file: &Path) -> anyhow::Result<Base> {
    let text = fs::read_to_string(file)?;
    let hourly = entry.freq == Freq::H;
    let mut rows: BTreeMap<NaiveDateTime, f64> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (time, value) = line.split_once(',').context("a row lacks its value")?;
        if !value.trim().is_empty() {
            rows.insert(time.parse()?, value.trim().parse()?);
        }
    }
    let midnight = |time: &NaiveDateTime| time.hour() == 0;
    let Some(first) = rows.keys().find(|time| midnight(time)).copied() else {
        bail!("no row is at midnight");
    };
    let mut values = Vec::new();
    for (time, value) in rows.range(first..) {
        let after = *time - first;
        let at = if hourly {
            after.num_hours()
        } else {
            after.num_days()
        };
        values.resize(usize::try_from(at)?, f64::NAN);
        values.push(*value);
    }
    if hourly {
        values.truncate(values.len() / 24 * 24);
    }
    let weekday = u8::try_from(chrono::Datelike::weekday(&first).num_days_from_monday())?;
    Ok(Base {
        id: entry.id.clone(),
        hourly,
        cycle: if hourly {
            Cycle::Hourly(weekday * 24)
        } else {
            Cycle::Daily(weekday)
        },
        values,
    })
}

impl Base {
    /// Buckets of a day.
    pub(crate) fn day(&self) -> usize {
        if self.hourly { 24 } else { 1 }
    }

    /// The clean values.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    pub(crate) fn days(&self) -> usize {
        self.values.len() / self.day()
    }

    /// Its days as a cycle.
    pub(crate) fn daily(&self) -> Cycle {
        match self.cycle {
            Cycle::Hourly(hour) => Cycle::Daily(hour / 24),
            other => other,
        }
    }

    /// The first bucket that counts.
    pub(crate) fn from(&self) -> usize {
        BURN * self.day()
    }

    /// A tracker that loses 5 to 20%, more on some weekdays, with a drift from day to day; then the
    /// faults, of every kind in turn. `draw` decides everything.
    pub(crate) fn make(&self, draw: u64, kinds: &mut Deck) -> Made {
        let mut dice = Dice::new(draw);
        let days = self.days();
        let loss = losses(&mut dice, days);
        let truth = self.values.clone();
        let mut seen: Vec<f64> = truth
            .iter()
            .enumerate()
            .map(|(at, &value)| dice.thin(value, 1.0 - loss[(at / self.day()).min(days - 1)]))
            .collect();
        let faults = self.plant(&mut dice, &mut seen, kinds);
        for (at, value) in seen.iter_mut().enumerate() {
            let hit = faults
                .iter()
                .any(|fault| fault.first <= at && at <= fault.last);
            let fate = dice.share();
            if !hit && fate < 0.004 {
                *value = f64::NAN;
            } else if !hit && fate < 0.01 {
                let part = 0.9 + 0.07 * dice.share();
                *value = dice.thin(*value, part);
            }
        }
        Made {
            truth,
            seen,
            faults,
        }
    }

    fn plant(&self, dice: &mut Dice, seen: &mut [f64], kinds: &mut Deck) -> Vec<Planted> {
        let day = self.day();
        let known = seen.iter().filter(|value| value.is_finite());
        let usual = known.clone().sum::<f64>() / known.count().max(1) as f64 * day as f64;
        let mut faults = Vec::new();
        // A fault of hours begins at any hour.
        let mut begin = self.from() + dice.between(5.0, 15.0) * day + dice.below(day);
        loop {
            let kind = kinds.next(dice);
            let length = length(dice, kind, usual, day);
            if begin + length + 2 > seen.len() {
                kinds.back(kind);
                return faults;
            }
            let window = &mut seen[begin..begin + length];
            spoil(dice, kind, window, usual, day);
            faults.push(Planted {
                kind,
                first: begin,
                last: begin + length - 1,
            });
            begin += length + (14 + dice.between(APART.0, APART.1)) * day;
        }
    }
}

fn losses(dice: &mut Dice, days: usize) -> Vec<f64> {
    let usual = 0.05 + 0.15 * dice.share();
    let weekday: Vec<f64> = (0..7).map(|_| 0.01 * dice.normal()).collect();
    let spread = (0.003_f64.ln() + (4.0_f64).ln() * dice.share()).exp();
    let mut drift = 0.0;
    (0..days)
        .map(|at| {
            drift = 0.6 * drift + 0.8 * spread * dice.normal();
            (usual + weekday[at % 7] + drift).clamp(0.005, 0.6)
        })
        .collect()
}

/// Buckets that a fault lasts. A spike of hours is over within a day.
fn length(dice: &mut Dice, kind: &str, usual: f64, day: usize) -> usize {
    let days = match kind {
        "outage" => {
            let least = (9.0 / usual.max(0.1)).ceil();
            return (dice.between(1.0, 5.0) * day)
                .max((least * day as f64) as usize)
                .min(21 * day);
        }
        "spike" if day > 1 => return 1 + dice.below(day),
        "spike" => return 1,
        "dup2" | "dup1.5" => dice.between(3.0, 22.0),
        "decay10w" => dice.between(28.0, 43.0),
        _ => dice.between(7.0, 29.0),
    };
    days * day
}

fn spoil(dice: &mut Dice, kind: &str, window: &mut [f64], usual: f64, day: usize) {
    let many = window.len() as f64;
    let size = 1.0 + 4.0 * dice.share();
    for (at, value) in window.iter_mut().enumerate() {
        let was = *value;
        *value = match kind {
            "outage" => 0.0 * was,
            "dup2" => 2.0 * was,
            "dup1.5" => was + dice.thin(was, 0.5),
            "spike" => was + dice.poisson((usual * size).max(8.0) / many),
            "decay10w" => {
                let weeks = (at + 1) as f64 / (7 * day) as f64;
                dice.thin(was, 0.9_f64.powf(weeks))
            }
            other => {
                let percent: f64 = other.trim_start_matches("drop").parse().unwrap_or(f64::NAN);
                dice.thin(was, 1.0 - percent / 100.0)
            }
        };
    }
}

/// Kinds in an order of chance, each as often as the others.
#[derive(Default)]
pub(crate) struct Deck(Vec<&'static str>);

impl Deck {
    fn next(&mut self, dice: &mut Dice) -> &'static str {
        if self.0.is_empty() {
            self.0 = KINDS.to_vec();
            for at in (1..self.0.len()).rev() {
                self.0.swap(at, dice.below(at + 1));
            }
        }
        self.0.pop().unwrap_or(KINDS[0])
    }

    /// Puts back a kind that found no room, under the others, so that long ones get their turn.
    fn back(&mut self, kind: &'static str) {
        self.0.insert(0, kind);
    }
}

/// Numbers that look random and are always the same.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            dice.share();
        }
        dice
    }

    fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: usize) -> usize {
        (self.share() * end as f64) as usize
    }

    /// A whole number from `low` to below `high`.
    fn between(&mut self, low: f64, high: f64) -> usize {
        (low + self.share() * (high - low)) as usize
    }

    /// Irwin and Hall: twelve uniform values are nearly normal.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }

    /// How many of `n` are kept, each with this chance; nearly normal where that is exact enough.
    pub(crate) fn thin(&mut self, n: f64, chance: f64) -> f64 {
        let variance = n * chance * (1.0 - chance);
        if n.is_nan() || chance >= 1.0 {
            return n;
        }
        if variance > 200.0 {
            return (n * chance + variance.sqrt() * self.normal())
                .round()
                .clamp(0.0, n);
        }
        let mut kept = 0.0;
        let mut left = n;
        while left >= 1.0 {
            kept += f64::from(u8::from(self.share() < chance));
            left -= 1.0;
        }
        kept
    }

    fn poisson(&mut self, mean: f64) -> f64 {
        if mean > 200.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0);
        }
        let (mut events, mut wait) = (-1.0, 0.0);
        while wait < mean {
            wait -= self.share().max(1e-12).ln();
            events += 1.0;
        }
        events
    }
}
