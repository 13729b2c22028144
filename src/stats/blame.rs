//! Which parts explain a change: the smallest set that stands out from the rest, or none.
//!
//! Every candidate set is scored by the likelihood ratio of Kulldorff's scan statistic (1997, *A
//! spatial scan statistic*): how much better *these parts moved by one factor and all others by
//! another* fits than *everything moved alike*. The score depends on four sums only, so that sets of
//! browsers, of countries and of pairs of both are comparable. The best set lies among the prefixes
//! of the parts in order of observed over expected (Neill 2012, *Fast subset scan*), so a breakdown
//! costs one sort.

/// What one segment contributes to the change of the whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blame {
    /// Index of the segment as given.
    pub segment: usize,
    /// Observed minus expected.
    pub change: f64,
    /// Share of the whole change; the shares of all segments sum to 1.
    pub share: f64,
}

/// One row of a breakdown.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Seen now.
    pub observed: f64,
    /// The same part in comparable buckets of the past, the same number of them in every row.
    pub past: Vec<f64>,
    /// Whether it may be named: `false` for the sum of all small rest.
    pub named: bool,
}

/// The set that explains a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Culprits {
    /// Index of the breakdown as given.
    pub table: usize,
    /// Its parts, the largest share first.
    pub parts: Vec<Blame>,
    /// Penalized log likelihood ratio, in nats; comparable between breakdowns.
    pub score: f64,
}

/// Share of the change that a set must explain.
const EXPLAINS: f64 = 0.5;
/// A set must explain at least this multiple of its share of the volume: otherwise the change is
/// spread evenly and no segment is to blame.
const STANDS_OUT: f64 = 1.5;
/// A set that is most of the volume cannot explain so much more than its share. It stands out all the
/// same when the rest moved by at most this part of what the whole did.
const HELD: f64 = 0.2;
/// A part that explains less than this is not worth a name.
const WORTH_A_NAME: f64 = 0.04;
/// Most parts that are named together.
const MOST: usize = 5;
/// Nats by which a set must beat *everything moved alike*, after the price of its choice.
const CONVINCES: f64 = 4.0;
/// A further part must be worth this many nats beside the price of its choice.
const FURTHER: f64 = 2.0;
/// Variance that an expectation from a few buckets adds to that of the observation: a median of
/// four has 0.39 times the variance of one.
const OF_THE_PAST: f64 = 1.4;

/// The contribution of each segment (observed, expected), largest first.
pub fn parts(segments: &[(f64, f64)]) -> Vec<Blame> {
    let whole: f64 = segments
        .iter()
        .map(|(observed, expected)| observed - expected)
        .sum();
    let mut parts: Vec<Blame> = segments
        .iter()
        .enumerate()
        .map(|(segment, (observed, expected))| Blame {
            segment,
            change: observed - expected,
            share: if whole == 0.0 {
                0.0
            } else {
                (observed - expected) / whole
            },
        })
        .collect();
    parts.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.segment.cmp(&b.segment)));
    parts
}

/// The best set over all breakdowns of the same buckets; `None` when the change is everywhere, or
/// no set stands out from chance.
pub fn search(tables: &[Vec<Row>]) -> Option<Culprits> {
    let candidates: Vec<Vec<Candidate>> = tables.iter().map(|rows| candidates(rows)).collect();
    // One scale of noise for all: a score that is divided by its own is no measure between tables.
    let mut noises: Vec<f64> = candidates
        .iter()
        .filter_map(|one| one.iter().max_by(|a, b| a.ratio.total_cmp(&b.ratio)))
        .map(|one| one.noise)
        .collect();
    let noise = super::median(&mut noises)?;
    let choice = (tables.len().max(1) as f64).ln();
    let score = |one: &Candidate, noise: f64| one.ratio / noise - one.price - choice;
    let all = candidates
        .into_iter()
        .enumerate()
        .flat_map(|(table, sets)| sets.into_iter().map(move |set| (table, set)));
    let (table, mut best) = all
        .filter(|(_, one)| score(one, one.noise) >= CONVINCES)
        .max_by(|(_, a), (_, b)| score(a, noise).total_cmp(&score(b, noise)))?;
    let shares = |a: &Blame, b: &Blame| b.share.total_cmp(&a.share);
    best.parts
        .sort_by(|a, b| shares(a, b).then(a.segment.cmp(&b.segment)));
    Some(Culprits {
        table,
        score: score(&best, noise),
        parts: best.parts,
    })
}

/// Observed and expected of a row: the median of its past, which one odd bucket does not move.
fn numbers(row: &Row) -> (f64, f64) {
    let mut past = row.past.clone();
    (row.observed, super::median(&mut past).unwrap_or(0.0))
}

/// A set that explains enough to be named.
struct Candidate {
    parts: Vec<Blame>,
    /// Log likelihood ratio, as if counting were the only noise.
    ratio: f64,
    /// How many times larger the noise is than that of counting.
    noise: f64,
    /// What the choice among so many sets costs.
    price: f64,
}

/// The sets of one breakdown that explain enough to be named.
fn candidates(rows: &[Row]) -> Vec<Candidate> {
    let numbers: Vec<(f64, f64)> = rows.iter().map(numbers).collect();
    let all = Sums::of(numbers.iter().copied());
    if all.expected <= 0.0 || (all.observed - all.expected).abs() < f64::EPSILON {
        return Vec::new();
    }
    let rough = roughness(rows);
    let mut by_factor: Vec<Blame> = parts(&numbers)
        .into_iter()
        .filter(|part| part.share >= WORTH_A_NAME && rows[part.segment].named)
        .collect();
    let by_share = by_factor.clone();
    let factor = |part: &Blame| {
        let (observed, expected) = numbers[part.segment];
        let ratio = (observed + 0.5) / (expected + 0.5);
        if all.observed < all.expected {
            ratio
        } else {
            1.0 / ratio
        }
    };
    by_factor.sort_by(|a, b| factor(a).total_cmp(&factor(b)));
    let names = rows.iter().filter(|row| row.named).count().max(2) as f64;
    let mut found = Vec::new();
    for order in [by_factor, by_share] {
        for size in 1..=order.len().min(MOST) {
            let set = &order[..size];
            let inside = Sums::of(set.iter().map(|part| numbers[part.segment]));
            let share: f64 = set.iter().map(|part| part.share).sum();
            let weight = inside.expected / all.expected;
            let stands_out = share.min(1.0) >= STANDS_OUT * weight;
            let rest_held = (1.0 - share).abs() <= HELD * (1.0 - weight);
            if share < EXPLAINS || !(stands_out || rest_held) {
                continue;
            }
            found.push(Candidate {
                parts: set.to_vec(),
                ratio: ratio(inside, all),
                noise: inside.noise(all, rough),
                price: size as f64 * names.ln() + (size - 1) as f64 * FURTHER,
            });
        }
    }
    found
}

/// Sums over a set of rows.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    observed: f64,
    expected: f64,
    squares: f64,
}

impl Sums {
    fn of(numbers: impl Iterator<Item = (f64, f64)>) -> Self {
        numbers.fold(Self::default(), |sums, (observed, expected)| Self {
            observed: sums.observed + observed,
            expected: sums.expected + expected,
            squares: sums.squares + expected * expected,
        })
    }

    /// How many times noisier than counting alone the difference between this set and the rest is.
    fn noise(self, all: Self, rough: f64) -> f64 {
        let rest = (all.expected - self.expected).max(0.5);
        let lever = (self.expected / rest).powi(2);
        let counting = self.expected.max(0.5) + lever * rest;
        let extra = self.squares + lever * (all.squares - self.squares).max(0.0);
        OF_THE_PAST * (1.0 + rough * extra / counting)
    }
}

/// The log likelihood ratio: one factor inside and one outside, against one for all.
fn ratio(inside: Sums, all: Sums) -> f64 {
    let side = |observed: f64, expected: f64| {
        if observed > 0.0 {
            observed * (observed / expected.max(0.5)).ln()
        } else {
            0.0
        }
    };
    let out = (
        all.observed - inside.observed,
        all.expected - inside.expected,
    );
    (side(inside.observed, inside.expected) + side(out.0, out.1) - side(all.observed, all.expected))
        .max(0.0)
}

/// Squared relative spread of the rows beyond counting noise, after rows and columns of the past are
/// taken out (moments).
fn roughness(rows: &[Row]) -> f64 {
    let columns = rows.iter().map(|row| row.past.len()).min().unwrap_or(0);
    if columns < 2 || rows.len() < 2 {
        return 0.0;
    }
    let row_sums: Vec<f64> = rows
        .iter()
        .map(|row| row.past[..columns].iter().sum())
        .collect();
    let column_sums: Vec<f64> = (0..columns)
        .map(|at| rows.iter().map(|row| row.past[at]).sum())
        .collect();
    let total: f64 = row_sums.iter().sum();
    if total <= 0.0 {
        return 0.0;
    }
    let (mut residuals, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (row, row_sum) in rows.iter().zip(&row_sums) {
        for (value, column_sum) in row.past.iter().zip(&column_sums) {
            let expected = row_sum * column_sum / total;
            residuals += (value - expected).powi(2);
            sum += expected * (1.0 - row_sum / total);
            squares += (expected * (1.0 - row_sum / total)).powi(2);
        }
    }
    let freedom = (columns - 1) as f64 / columns as f64;
    if squares > 0.0 {
        ((residuals / freedom - sum) / squares).max(0.0)
    } else {
        0.0
    }
}

/// The set of one breakdown whose expectations are given: see [`search`].
pub fn explain(segments: &[(f64, f64)]) -> Vec<Blame> {
    let row = |(observed, expected): &(f64, f64)| Row {
        observed: *observed,
        past: vec![*expected],
        named: true,
    };
    search(&[segments.iter().map(row).collect()]).map_or_else(Vec::new, |found| found.parts)
}
