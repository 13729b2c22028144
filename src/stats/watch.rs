//! A series judged as it grows: the state of a pass, kept between buckets.

use super::count;
use super::engine::Engine;
use super::input::{Bucket, Verdict};
use super::law::Law;
use super::pair;
use super::tuning::Tuning;
use super::{Cycle, Expected, Judgement, PUT_BACK, Scored, Sensitivity, TooFew};

/// Buckets that decide whether the hits or the misses of a share are counted.
const LOOK: usize = 28;

/// One bucket of a series as a [`Watch`] takes it in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The count, k, or the system that is held against the other; `NaN` where it is missing.
    pub first: f64,
    /// n, or the other system; not looked at for counts.
    pub second: f64,
    /// As in [`super::Series`].
    pub usable: bool,
    /// As in [`super::Series`].
    pub special: u8,
}

/// What became of a bucket that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lesson {
    /// It is part of what later buckets are held against.
    Taught,
    /// There was nothing to learn from.
    Missing,
    /// A special day, which teaches ordinary ones nothing.
    Special,
    /// It was not allowed to teach ([`Point::usable`]).
    Barred,
    /// It belongs to a run of trouble that is not, or not yet, the new normal.
    Odd,
}

/// A series that is judged bucket by bucket, in about a microsecond each.
///
/// [`count::judge`], [`super::ratio::judge`], [`pair::judge`] and the sweeps are made of it: whoever
/// keeps one and adds a bucket gets, bit by bit, what a replay of the whole history gives. So it is a
/// cache that can be thrown away and rebuilt from readings at any time. A bucket that was taken in
/// cannot be changed; where a source still revises its newest days, keep a watch that ends before
/// them, and add them to a clone.
#[derive(Debug, Clone)]
pub struct Watch {
    shape: Shape,
    cycle: Cycle,
    engine: Engine,
    /// The newest bucket.
    newest: Option<Point>,
}

#[derive(Debug, Clone)]
enum Shape {
    Count,
    Share {
        /// Whether the misses are counted: the rarer side of a share is, since from 99.5% to 97% is five
        /// times the misses but hardly fewer hits.
        misses: bool,
        /// Buckets so far, while there are too few to decide that for good.
        young: Vec<Point>,
        /// Buckets seen, up to [`LOOK`], their hits and trials.
        seen: (usize, f64, f64),
    },
    Pair,
}

impl Watch {
    /// Watches a count.
    pub fn count(cycle: Cycle) -> Self {
        Self::count_with_room(cycle, 0)
    }

    /// Watches a share, k of n.
    pub fn ratio(cycle: Cycle) -> Self {
        Self::ratio_with_room(cycle, 0)
    }

    /// Watches the gap between two systems.
    pub fn pair(cycle: Cycle) -> Self {
        Self::pair_with_room(cycle, 0)
    }

    pub(super) fn count_with_room(cycle: Cycle, room: usize) -> Self {
        let engine = Engine::new(Law::Count, cycle, Tuning::counts(cycle), room);
        Self::new(Shape::Count, cycle, engine)
    }

    /// As [`Watch::count`], where at first less noise may be believed in than usual: what is typical of
    /// like series, as a relative deviation of single buckets beyond chance. It fades as the series shows its
    /// own. Like series differ, so three quarters of the usual is the least; more than the usual is not believed
    /// either, for it would hide faults.
    pub fn count_believing(cycle: Cycle, noise: Option<f64>) -> Self {
        Self::believing_with_room(cycle, noise, 0)
    }

    pub(super) fn believing_with_room(cycle: Cycle, noise: Option<f64>, room: usize) -> Self {
        let mut watch = Self::count_with_room(cycle, room);
        if let Some(noise) = noise {
            let noise = noise.clamp(count::STEADIEST, count::USUAL);
            watch.engine.believe(noise);
        }
        watch
    }

    /// How far single buckets stray beyond chance, as the series itself has shown; `None` before so many
    /// buckets taught.
    pub(super) fn noise(&self, least: u32) -> Option<f64> {
        let wander = self.engine.wander().max(0.0);
        (self.engine.teachers() >= least).then(|| wander.sqrt())
    }

    /// Watches a daily count without windows longer than this downwards.
    pub(super) fn days_within(cycle: Cycle, longest: usize) -> Self {
        let engine = Engine::new(Law::Count, cycle, Tuning::days_within(longest), 0);
        Self::new(Shape::Count, cycle, engine)
    }

    pub(super) fn ratio_with_room(cycle: Cycle, room: usize) -> Self {
        let shape = Shape::Share {
            misses: false,
            young: Vec::new(),
            seen: (0, 0.0, 0.0),
        };
        Self::new(shape, cycle, share(cycle, false, room))
    }

    pub(super) fn pair_with_room(cycle: Cycle, room: usize) -> Self {
        let engine = Engine::new(Law::Gap, cycle, Tuning::gap(cycle), room);
        Self::new(Shape::Pair, cycle, engine)
    }

    fn new(shape: Shape, cycle: Cycle, engine: Engine) -> Self {
        Self {
            shape,
            cycle,
            engine,
            newest: None,
        }
    }

    /// Buckets taken in so far, missing ones included.
    pub fn len(&self) -> usize {
        self.engine.len()
    }

    /// Whether nothing was taken in yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that each bucket takes, and bytes that the rest takes, however many buckets there are.
    pub fn bytes(&self) -> (usize, usize) {
        self.engine.bytes()
    }

    /// Takes in the next bucket.
    pub fn push(&mut self, point: Point) {
        self.newest = Some(point);
        if let Shape::Share {
            misses,
            young,
            seen,
        } = &mut self.shape
            && seen.0 < LOOK
        {
            young.push(point);
            if point.first.is_finite() && point.second.is_finite() {
                *seen = (seen.0 + 1, seen.1 + point.first, seen.2 + point.second);
            }
            let rarer = seen.1 > 0.5 * seen.2;
            if rarer != *misses {
                *misses = rarer;
                self.engine = share(self.cycle, rarer, self.engine.room());
                for one in &young[..young.len() - 1] {
                    self.engine.step(&side(one, rarer));
                }
            }
            if seen.0 == LOOK {
                *young = Vec::new();
            }
        }
        let bucket = match &self.shape {
            Shape::Count => Bucket {
                value: point.first,
                exposure: 1.0,
                usable: point.usable,
                special: point.special,
            },
            Shape::Share { misses, .. } => side(&point, *misses),
            // Two systems see the same holiday: the gap between them has none.
            Shape::Pair => Bucket {
                special: if point.special == PUT_BACK {
                    PUT_BACK
                } else {
                    0
                },
                ..side(&point, false)
            },
        };
        self.engine.step(&bucket);
    }

    /// Judges the newest bucket.
    pub fn judge(&self, sensitivity: Sensitivity) -> Result<Judgement, TooFew> {
        let newest = self.newest.ok_or(TooFew::Missing)?;
        let paired = !matches!(self.shape, Shape::Count);
        if !newest.first.is_finite() || paired && !newest.second.is_finite() {
            return Err(TooFew::Missing);
        }
        if paired && newest.second < 1.0 {
            return Err(TooFew::Events(0, 1));
        }
        if self.engine.verdict().is_none() {
            return Err(self.engine.too_few());
        }
        let verdict = self
            .verdict()
            .ok_or_else(|| count::few_events(&self.engine))?;
        let report = self.engine.report(verdict);
        Ok(match &self.shape {
            Shape::Count => report.judgement(sensitivity),
            Shape::Share { misses, .. } => report.shares(sensitivity, *misses),
            Shape::Pair => report.shares(sensitivity, false),
        })
    }

    /// Observed and expected since a bucket, as it was expected before it.
    pub(super) fn stretch(&self, since: usize) -> Result<Expected, TooFew> {
        if self.engine.verdict().is_none() {
            return Err(self.engine.too_few());
        }
        Ok(self.engine.since(since))
    }

    /// What became of each bucket, oldest first.
    pub fn lessons(&self) -> Vec<Lesson> {
        (0..self.len()).map(|at| self.engine.lesson(at)).collect()
    }

    /// The first bucket of a run of trouble that lasted until it was the new normal.
    pub fn new_normal(&self) -> Option<usize> {
        self.engine.new_normal()
    }

    /// The part of [`Watch::judge`] that a backtest needs; `None` where nothing can be said.
    pub fn scored(&self) -> Option<Scored> {
        let paired = !matches!(self.shape, Shape::Count);
        if paired && !self.newest.is_some_and(|newest| newest.second >= 1.0) {
            return None;
        }
        self.verdict().map(Verdict::scored)
    }

    /// Whether the newest days show the first system counting each day what the other counted the day
    /// before; see [`pair::boundary_shift`].
    pub fn boundary_shift(&self) -> bool {
        matches!(self.shape, Shape::Pair)
            && self.engine.verdict().is_some()
            && pair::shift(self.cycle, &self.engine)
                .is_some_and(|(evidence, _)| evidence >= self.engine.budget())
    }

    fn verdict(&self) -> Option<Verdict> {
        match self.shape {
            Shape::Count => count::verdict(&self.engine),
            Shape::Share { .. } => self.engine.verdict(),
            Shape::Pair => pair::verdict(self.cycle, &self.engine),
        }
    }
}

fn share(cycle: Cycle, misses: bool, room: usize) -> Engine {
    Engine::new(Law::Share, cycle, Tuning::share(cycle, misses), room)
}

/// The counted side of two numbers.
fn side(point: &Point, misses: bool) -> Bucket {
    let value = if misses {
        (point.second - point.first).max(0.0)
    } else {
        point.first
    };
    Bucket {
        value,
        exposure: point.second,
        usable: point.usable,
        special: point.special,
    }
}
