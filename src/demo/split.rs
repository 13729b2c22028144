//! Labelled series with planted faults and nuisances: the measure by which the detection is kept.
//!
//! The same seed gives the same numbers. Beside the faults lie what real data do without being broken:
//! growth, a new level, missing and short buckets, public holidays that no calendar knows.

use crate::model::Digest;

/// What a series counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeriesKind {
    /// Events a day.
    CountDaily,
    /// Events an hour.
    CountHourly,
    /// Events with a parameter, of all events.
    Completeness,
    /// Analytics beside the system of record.
    Discrepancy,
}

/// A fault that was planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planted {
    /// Such as `outage`.
    pub what: &'static str,
    /// First bucket.
    pub first: usize,
    /// Last bucket.
    pub last: usize,
}

/// A series and the truth about it. It begins on a Monday at midnight.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// What it counts.
    pub kind: SeriesKind,
    /// The counts; `NaN` is a missing bucket.
    pub values: Vec<f64>,
    /// The whole or the other system; empty for counts.
    pub totals: Vec<f64>,
    /// Earlier buckets are history only.
    pub from: usize,
    /// What must be found.
    pub faults: Vec<Planted>,
}

/// Series of each kind.
const SERIES: [(SeriesKind, u64); 4] = [
    (SeriesKind::CountDaily, 24),
    (SeriesKind::CountHourly, 8),
    (SeriesKind::Completeness, 16),
    (SeriesKind::Discrepancy, 16),
];

/// Monday to Sunday.
const WEEK: [f64; 7] = [1.1, 1.15, 1.12, 1.1, 1.0, 0.75, 0.7];

/// Faults by kind of series: what, size, shortest and longest run.
type Recipe = (&'static str, f64, usize, usize);
const DAILY: [Recipe; 8] = [
    ("outage", 0.0, 1, 4),
    ("drop of 25%", 0.75, 7, 28),
    ("doubling", 2.0, 3, 21),
    ("drop of 60%", 0.4, 7, 28),
    ("drop of 15%", 0.85, 7, 28),
    ("spike", 4.0, 1, 1),
    ("drop of 40%", 0.6, 7, 28),
    ("half doubled", 1.5, 3, 21),
];
const HOURLY: [Recipe; 6] = [
    ("outage", 0.0, 3, 24),
    ("drop of 60%", 0.4, 24, 120),
    ("doubling", 2.0, 12, 96),
    ("drop of 40%", 0.6, 24, 120),
    ("spike", 4.0, 1, 1),
    ("drop of 25%", 0.75, 24, 120),
];
const PARTS: [Recipe; 4] = [
    ("2 points fewer complete", -0.02, 3, 21),
    ("15 points fewer complete", -0.15, 3, 21),
    ("5 points fewer complete", -0.05, 3, 21),
    ("40 points fewer complete", -0.40, 3, 21),
];
const GAPS: [Recipe; 5] = [
    ("3 points more lost", -0.03, 3, 21),
    ("10 points more lost", -0.10, 3, 21),
    ("30 points more lost", -0.30, 3, 21),
    ("days cut a day later", 0.0, 3, 10),
    ("5 points more lost", -0.05, 3, 21),
];

/// The split of a seed: every kind, at several volumes.
pub fn split(seed: u64) -> Vec<Labelled> {
    let each = |(kind, count): (SeriesKind, u64)| {
        (0..count).map(move |index| {
            let mut dice = Dice::new(seed, kind, index);
            match kind {
                SeriesKind::CountDaily | SeriesKind::CountHourly => counts(kind, index, &mut dice),
                SeriesKind::Completeness | SeriesKind::Discrepancy => pairs(kind, index, &mut dice),
            }
        })
    };
    SERIES.into_iter().flat_map(each).collect()
}

/// Buckets, first judged one, buckets a day, and the distance of faults.
fn frame(kind: SeriesKind) -> (usize, usize, usize, usize) {
    match kind {
        SeriesKind::CountHourly => (90 * 24, 504, 24, 240),
        _ => (450, 90, 1, 60),
    }
}

/// Places for faults, one every so often, none before the history ends.
fn plant(kind: SeriesKind, index: u64, recipes: &[Recipe], dice: &mut Dice) -> Vec<(Planted, f64)> {
    let (length, from, _, apart) = frame(kind);
    let mut found = Vec::new();
    let mut slot = from + apart / 6;
    let mut next = usize::try_from(index).unwrap_or(0) * 3;
    while slot + apart < length {
        let (what, size, shortest, longest) = recipes[next % recipes.len()];
        let first = slot + dice.below(apart / 5);
        let lasts = shortest + dice.below(longest - shortest + 1);
        let planted = Planted {
            what,
            first,
            last: first + lasts - 1,
        };
        found.push((planted, size));
        slot += apart;
        next += 1;
    }
    found
}

fn at_work(faults: &[(Planted, f64)], at: usize) -> Option<&(Planted, f64)> {
    faults
        .iter()
        .find(|(fault, _)| (fault.first..=fault.last).contains(&at))
}

/// What everybody does, without chance: the week, the hour, slow wander, growth and one new level.
struct Demand {
    base: f64,
    rough: f64,
    wander: f64,
    growth: (usize, f64),
    step: (usize, f64),
    holidays: Vec<usize>,
}

impl Demand {
    fn new(base: f64, length: usize, a_day: usize, dice: &mut Dice) -> Self {
        let days = length / a_day;
        Self {
            base,
            rough: 0.03 + 0.07 * dice.uniform(),
            wander: 0.0,
            growth: (dice.below(days), 0.15 + 0.35 * dice.uniform()),
            step: (dice.below(days), 0.12 + 0.16 * dice.uniform()),
            holidays: (0..days / 60).map(|_| dice.below(days)).collect(),
        }
    }

    /// The mean of a bucket.
    fn mean(&mut self, at: usize, a_day: usize, dice: &mut Dice) -> f64 {
        let day = at / a_day;
        if at.is_multiple_of(a_day) {
            self.wander = 0.9 * self.wander + 0.015 * dice.normal();
        }
        let (begins, gains) = self.growth;
        let ramp = (day.saturating_sub(begins) as f64 / 21.0).min(1.0);
        let step = if day >= self.step.0 { self.step.1 } else { 0.0 };
        let holiday = if self.holidays.contains(&day) {
            0.65
        } else {
            1.0
        };
        let hour = if a_day == 24 {
            let clock = (at % 24) as f64 / 24.0 * std::f64::consts::TAU;
            (0.9 * (clock - 4.0).cos()).exp() / 24.0
        } else {
            1.0
        };
        let noise = (self.wander + self.rough * dice.normal()).exp();
        self.base * WEEK[day % 7] * hour * (1.0 + gains * ramp) * (1.0 + step) * holiday * noise
    }
}

fn counts(kind: SeriesKind, index: u64, dice: &mut Dice) -> Labelled {
    let (length, from, a_day, _) = frame(kind);
    let base = if a_day == 24 {
        [480.0, 2_400.0, 12_000.0, 120_000.0][(index % 4) as usize]
    } else {
        [3.0, 25.0, 180.0, 1_500.0, 40_000.0, 500_000.0][(index % 6) as usize]
    };
    let recipes: &[Recipe] = if a_day == 24 { &HOURLY } else { &DAILY };
    let faults = plant(kind, index, recipes, dice);
    let mut demand = Demand::new(base, length, a_day, dice);
    let values = (0..length)
        .map(|at| {
            let mean = demand.mean(at, a_day, dice);
            let all = dice.poisson(mean);
            let seen = match at_work(&faults, at) {
                // A spike adds to what was there, at least eight.
                Some((Planted { what: "spike", .. }, size)) => all + (mean * (size - 1.0)).max(8.0),
                Some((_, size)) if *size > 1.0 => all + dice.thinned(all, size - 1.0),
                Some((_, size)) => dice.thinned(all, *size),
                None => all,
            };
            dice.delivered(seen)
        })
        .collect();
    Labelled {
        kind,
        values,
        totals: Vec::new(),
        from,
        faults: faults.into_iter().map(|(fault, _)| fault).collect(),
    }
}

fn pairs(kind: SeriesKind, index: u64, dice: &mut Dice) -> Labelled {
    let (length, from, a_day, _) = frame(kind);
    let base = [60.0, 400.0, 3_000.0, 50_000.0][(index % 4) as usize];
    let gap = kind == SeriesKind::Discrepancy;
    let recipes: &[Recipe] = if gap { &GAPS } else { &PARTS };
    let faults = plant(kind, index, recipes, dice);
    let usual = if gap {
        0.80 + 0.15 * dice.uniform()
    } else {
        0.90 + 0.095 * dice.uniform()
    };
    let weekend = 0.01 * dice.normal();
    let mut demand = Demand::new(base, length, a_day, dice);
    let (mut values, mut totals): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut before = 0.0;
    for at in 0..length {
        let mean = demand.mean(at, a_day, dice);
        let total = dice.poisson(mean);
        let off = if at % 7 >= 5 { weekend } else { 0.0 };
        let fault = at_work(&faults, at);
        let change = fault.map_or(0.0, |(_, size)| *size);
        let jitter = 0.004 * dice.normal();
        let share = (usual + off + change + jitter).clamp(0.0, 1.0);
        let shown = if matches!(fault, Some((fault, _)) if fault.what == "days cut a day later") {
            before
        } else {
            total
        };
        before = total;
        let value = dice.thinned(shown, share);
        // A row that is not there lacks both numbers.
        let there = dice.uniform() >= 0.004;
        values.push(if there { value } else { f64::NAN });
        totals.push(if there { total } else { f64::NAN });
    }
    Labelled {
        kind,
        values,
        totals,
        from,
        faults: faults.into_iter().map(|(fault, _)| fault).collect(),
    }
}

/// A source of numbers that look random and are always the same (splitmix64, Steele et al. 2014).
struct Dice(u64);

impl Dice {
    fn new(seed: u64, kind: SeriesKind, index: u64) -> Self {
        let mut digest = Digest::new("split.1");
        digest
            .bytes(&seed.to_le_bytes())
            .bytes(&(kind as u64).to_le_bytes())
            .bytes(&index.to_le_bytes());
        Self(digest.number())
    }

    /// From 0 to below 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below the limit"
    )]
    fn below(&mut self, limit: usize) -> usize {
        ((self.uniform() * limit as f64) as usize).min(limit.saturating_sub(1))
    }

    /// Normal with mean 0 and spread 1, about, from twelve uniform numbers.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// A Poisson number: by waits where it is small, by the normal law where it is large.
    fn poisson(&mut self, mean: f64) -> f64 {
        if mean > 50.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0);
        }
        let (mut count, mut wait) = (-1.0, 0.0);
        while wait < mean {
            wait -= self.uniform().max(1e-12).ln();
            count += 1.0;
        }
        count
    }

    /// How many of `n` are kept with this chance each.
    fn thinned(&mut self, n: f64, chance: f64) -> f64 {
        if n * chance.min(1.0 - chance) > 50.0 {
            let spread = (n * chance * (1.0 - chance)).sqrt();
            return (n * chance + spread * self.normal()).round().clamp(0.0, n);
        }
        // The rarer side is counted, by the waits between its members.
        let rare = chance.min(1.0 - chance);
        let mut count = 0.0;
        if rare > 0.0 {
            let mut at = 0.0;
            loop {
                at += (self.uniform().max(1e-12).ln() / (-rare).ln_1p()).floor() + 1.0;
                if at > n {
                    break;
                }
                count += 1.0;
            }
        }
        if chance <= 0.5 { count } else { n - count }
    }

    /// What arrives of a bucket: a few never do, a few stay a little short.
    fn delivered(&mut self, value: f64) -> f64 {
        match self.uniform() {
            ..0.004 => f64::NAN,
            0.004..0.010 => (value * (0.90 + 0.07 * self.uniform())).floor(),
            _ => value,
        }
    }
}
