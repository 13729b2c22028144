//! One pass over a series, bucket by bucket: forecast, compare, decide, learn. It never looks ahead.
//!
//! Two models forecast each window: a local level times a weekly profile ([`Level`]), and the middle of
//! the same slot in past weeks. Only where both disagree with what is seen, in the same direction, is
//! there trouble; the louder a series has been in its past, the more it takes (`peak.rs`).
//! `window.rs` has the forecasts, `compare.rs` the scores, `run.rs` what happens during trouble.

mod compare;
mod run;
mod special;
mod window;

use super::input::{Bucket, Input, Report, Verdict};
use super::law::Law;
use super::level::{Level, Undo};
use super::peak::Peaks;
use super::tuning::{MOST, Tuning};
use super::watch::Lesson;
use super::{Cycle, Expected, TooFew};

use compare::Look;
use run::{Accepted, Run};
use window::Sums;

/// The state of a pass; everything kept by bucket is as it was known before that bucket.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    input: Input,
    tuning: &'static Tuning,
    level: Level,
    /// Level before each bucket.
    levels: Vec<f64>,
    /// Factor of the slot in the first model.
    profile: Vec<f64>,
    /// Expectation, per unit of exposure, of the second model; `NaN` where there is none yet.
    memory: Vec<f64>,
    /// Factor of the slot if the day were like a Saturday or Sunday, where that is lower.
    rest: Vec<f64>,
    /// The same where that is higher: nights before a day off are busy.
    busy: Vec<f64>,
    /// Logarithm of seen over expected where a single bucket was odd; elsewhere 0. What people
    /// confirmed as trouble is 0 too.
    odd: Vec<f64>,
    /// What the newest buckets taught, as many as the longest window has; by bucket modulo that.
    undo: Vec<Undo>,
    /// Evidence: the bucket is there, is not special, and belongs to no run of trouble.
    live: Vec<bool>,
    taught: Vec<bool>,
    /// Sums over the live buckets before each bucket.
    sums: Vec<Sums>,
    /// Square of the relative deviation that is believed at first, by window.
    priors: [f64; MOST],
    /// Squared deviations beyond chance and squared means, by model and window.
    noise: [[(f64, f64); MOST]; 2],
    /// The same of single buckets, by hour of the day: nights are rougher than noons.
    rough: Vec<(f64, f64)>,
    /// Past excursions, down and up, by window.
    peaks: [[Peaks; MOST]; 2],
    run: Option<Run>,
    accepted: Option<Accepted>,
    counted: usize,
    teachers: u32,
    events: f64,
    last: Option<Verdict>,
}

impl Engine {
    /// Knows nothing yet; has room for so many buckets before it asks for more.
    pub(super) fn new(law: Law, cycle: Cycle, tuning: &'static Tuning, room: usize) -> Self {
        let input = Input::new(law, cycle, room);
        let hours = if tuning.rough > 0 {
            input.period / 7
        } else {
            0
        };
        let mut sums = Vec::with_capacity(room + 1);
        sums.push(Sums::default());
        Self {
            level: Level::new(input.period, tuning.pace),
            input,
            tuning,
            levels: Vec::with_capacity(room),
            profile: Vec::with_capacity(room),
            memory: Vec::with_capacity(room),
            rest: Vec::with_capacity(room),
            busy: Vec::with_capacity(room),
            odd: Vec::with_capacity(room),
            undo: vec![Undo::default(); tuning.longest()],
            live: Vec::with_capacity(room),
            taught: Vec::with_capacity(room),
            sums,
            noise: [[(0.0, 0.0); MOST]; 2],
            priors: tuning.noise_priors(),
            rough: vec![(0.0, 0.0); hours],
            peaks: [[Peaks::default(); MOST]; 2],
            run: None,
            accepted: None,
            counted: 0,
            teachers: 0,
            events: 0.0,
            last: None,
        }
    }

    /// Believes at first in this relative deviation, beyond chance, of single buckets.
    pub(super) fn believe(&mut self, noise: f64) {
        self.priors = self.tuning.noise_priors_of(noise);
    }

    /// Buckets that taught.
    pub(super) fn teachers(&self) -> u32 {
        self.teachers
    }

    /// Bytes that each bucket takes, and bytes that the rest takes.
    pub(super) fn bytes(&self) -> (usize, usize) {
        let bucket =
            self.input.bytes() + 6 * size_of::<f64>() + 2 * size_of::<bool>() + size_of::<Sums>();
        let fixed = size_of::<Self>()
            + self.undo.len() * size_of::<Undo>()
            + self.rough.len() * size_of::<(f64, f64)>()
            + self.level.bytes();
        (bucket, fixed)
    }

    /// Buckets for which there is room.
    pub(super) fn room(&self) -> usize {
        self.levels.capacity()
    }

    /// What was taken in.
    pub(super) fn input(&self) -> &Input {
        &self.input
    }

    /// Buckets taken in so far.
    pub(super) fn len(&self) -> usize {
        self.levels.len()
    }

    /// What is missing before anything can be said.
    pub(super) fn too_few(&self) -> TooFew {
        let number = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
        TooFew::Buckets(number(self.counted), number(self.tuning.warm + 1))
    }

    /// Square of the relative deviation, beyond chance, of a single bucket.
    pub(super) fn wander(&self) -> f64 {
        self.forecast(0, 0, 1.0, 1.0).wander
    }

    /// Sum of the values that taught.
    pub(super) fn events(&self) -> f64 {
        self.events
    }

    /// Expected value of bucket `at` per unit of exposure, as known before it.
    pub(super) fn unit(&self, at: usize) -> f64 {
        self.levels[at] * self.profile[at]
    }

    /// Takes in the next bucket. `None`: it is missing, or too little is known yet.
    pub(super) fn step(&mut self, bucket: &Bucket) -> Option<Verdict> {
        self.input.push(bucket);
        self.last = self.advance();
        self.last
    }

    fn advance(&mut self) -> Option<Verdict> {
        let at = self.len();
        let slot = self.input.slot(at);
        let seen = self.input.seen(at);
        self.levels.push(self.level.value());
        self.profile.push(self.level.factor(slot));
        self.memory.push(self.recall(at));
        let (rest, busy) = self.days_off(slot);
        self.rest.push(rest);
        self.busy.push(busy);
        let place = at % self.undo.len();
        self.undo[place] = Undo::default();
        self.taught.push(false);
        self.odd.push(0.0);
        let special = self.input.special[at] != 0;
        self.live.push(seen.is_some() && !special);
        self.add(at);
        let (value, exposure) = seen?;
        self.counted += 1;
        let warm = self.counted > self.tuning.warm;
        if special {
            return warm.then(|| self.special(at, value));
        }
        let mut looks = [Look::default(); MOST];
        let mut verdict = Verdict::well(at);
        if warm {
            self.look(at, &mut looks);
            verdict = self.weigh(at, &looks);
        }
        if let Some(run) = self.run {
            if let Some(verdict) = self.stay(at, run) {
                return Some(verdict);
            }
            verdict = Verdict::well(at);
        } else if verdict.score >= self.tuning.open {
            if !self.returned(at, &verdict) {
                self.open(at, &mut verdict, &looks);
                return Some(verdict);
            }
            verdict = Verdict::well(at);
        }
        self.learn(at, value, exposure, warm);
        warm.then_some(verdict)
    }

    pub(super) fn learn(&mut self, at: usize, value: f64, exposure: f64, warm: bool) {
        if !self.input.usable[at] {
            return;
        }
        let mean = self.unit(at) * exposure;
        let taught = if warm && mean > 0.0 {
            let forecast = self.forecast(0, 0, mean, exposure);
            let most = self.tuning.clip * self.input.law.variance(&forecast).sqrt();
            mean + (value - mean).clamp(-most, most)
        } else {
            value
        };
        let place = at % self.undo.len();
        let slot = self.input.slot(at);
        let undo = self.level.learn(slot, taught, exposure, warm);
        // What is put back later than the longest window can no longer be taken back.
        if self.len() - at <= self.undo.len() {
            self.undo[place] = undo;
        }
        self.taught[at] = true;
        self.teachers += 1;
        self.events += value;
    }

    /// What became of a bucket that was taken in.
    pub(super) fn lesson(&self, at: usize) -> Lesson {
        if self.input.seen(at).is_none() {
            Lesson::Missing
        } else if self.input.special[at] != 0 {
            Lesson::Special
        } else if self.taught[at] {
            Lesson::Taught
        } else if self.input.usable[at] {
            Lesson::Odd
        } else {
            Lesson::Barred
        }
    }

    /// The first bucket of the run that is the new normal, if one is.
    pub(super) fn new_normal(&self) -> Option<usize> {
        Some(self.accepted?.since())
    }

    /// What was said of the last bucket taken in; `None` if nothing could be.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.last
    }

    /// Minus the logarithm of the chance that makes a score of one.
    pub(super) fn budget(&self) -> f64 {
        self.tuning.budget
    }

    /// A verdict on the last bucket taken in, with the sums behind it.
    pub(super) fn report(&self, verdict: Verdict) -> Report {
        let at = self.len().saturating_sub(1);
        Report {
            verdict,
            now: self.expected(verdict.since, at, at),
            total: self.expected(verdict.since, verdict.since, at),
            weight: self.teachers,
            budget: self.tuning.budget,
        }
    }

    /// Observed and expected from a bucket to the newest, as it was expected before that bucket.
    pub(super) fn since(&self, since: usize) -> Expected {
        let at = self.len().saturating_sub(1);
        self.expected(since, since, at).0
    }

    /// Observed and expected from `from` to `at` as it was expected before `frozen`, and the exposure.
    fn expected(&self, frozen: usize, from: usize, at: usize) -> (Expected, f64) {
        let single = from == at;
        let stretch = if single {
            self.bucket(frozen, at)
        } else {
            self.stretch(frozen, from, at)
        };
        let length = at + 1 - from;
        let index = self
            .tuning
            .windows
            .iter()
            .rposition(|&window| window <= length)
            .unwrap_or(0);
        let most = if self.input.law == Law::Share {
            stretch.exposure
        } else {
            f64::INFINITY
        };
        let mean = stretch.means[0].min(most).max(1e-9);
        let (mean, forecast) = if single && self.input.special[at] != 0 {
            let forecast = self.special_forecast(at);
            (forecast.mean, forecast)
        } else {
            (mean, self.forecast(index, 0, mean, stretch.exposure))
        };
        let (low, high) = self.input.law.range(&forecast);
        let (low, high) = (low.min(mean), high.max(mean).min(most));
        let expected = Expected {
            observed: stretch.observed,
            expected: mean,
            low,
            high,
        };
        (expected, stretch.exposure)
    }
}
