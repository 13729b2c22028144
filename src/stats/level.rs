//! The local level of a series and its weekly profile, learnt robustly and able to forget a mistake.

/// How fast a [`Level`] and its profile learn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
    /// Share of its weight that a bucket keeps, per bucket, in the level.
    pub(super) level: f64,
    /// The same for a slot of the profile, per cycle.
    pub(super) profile: f64,
    /// Ordinary buckets that the parent of a slot weighs: 1 for days, the hour of the day for hours.
    pub(super) shrink: f64,
}

/// What one bucket changed, so that it can be taken back.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Undo {
    level: (f64, f64),
    slot: (f64, f64),
    parent: (f64, f64),
    taught: bool,
}

/// Level times profile. Both are ratios of sums, observed over expected per unit of exposure, which is
/// the best estimate for counts: a quiet Sunday says little about a busy Monday.
#[derive(Debug, Clone)]
pub(super) struct Level {
    pace: Pace,
    /// Share of its weight that an hour of the day keeps, per bucket of it.
    parent_keep: f64,
    sum: f64,
    weight: f64,
    usual: f64,
    slots: Vec<(f64, f64)>,
    parents: Vec<(f64, f64)>,
}

impl Level {
    pub(super) fn new(period: usize, pace: Pace) -> Self {
        let parents = if period > 24 { 24 } else { 1 };
        Self {
            pace,
            parent_keep: pace.profile.powf(1.0 / 7.0),
            sum: 0.0,
            weight: 0.0,
            usual: 0.0,
            slots: vec![(0.0, 0.0); period],
            parents: vec![(0.0, 0.0); parents],
        }
    }

    /// Expected value per unit of exposure in an average bucket.
    pub(super) fn value(&self) -> f64 {
        if self.weight > 0.0 {
            (self.sum + 0.5) / self.weight
        } else {
            0.0
        }
    }

    /// The factor of a slot of the cycle.
    pub(super) fn factor(&self, slot: usize) -> f64 {
        let unit = self.unit();
        let parent = if self.parents.len() > 1 {
            let (sum, weight) = self.parents[slot % self.parents.len()];
            (sum + unit) / (weight + unit)
        } else {
            1.0
        };
        let (sum, weight) = self.slots[slot];
        let prior = self.pace.shrink * unit;
        (sum + prior * parent) / (weight + prior)
    }

    /// Learns a bucket whose expected value was `value() * factor(slot) * exposure`.
    pub(super) fn learn(&mut self, slot: usize, observed: f64, exposure: f64, warm: bool) -> Undo {
        let parent = slot % self.parents.len();
        let undo = Undo {
            level: (self.sum, self.weight),
            slot: self.slots[slot],
            parent: self.parents[parent],
            taught: true,
        };
        let level = self.value();
        let flat = if level > 0.0 {
            level * exposure
        } else {
            observed
        };
        self.usual += (flat - self.usual) * 0.05;
        let factor = if warm { self.factor(slot) } else { 1.0 };
        decay(&mut self.slots[slot], self.pace.profile, observed, flat);
        if self.parents.len() > 1 {
            decay(&mut self.parents[parent], self.parent_keep, observed, flat);
        }
        self.sum = self.sum * self.pace.level + observed;
        self.weight = self.weight * self.pace.level + factor * exposure;
        undo
    }

    /// Takes back what a bucket taught; newest first.
    pub(super) fn unlearn(&mut self, slot: usize, undo: &mut Undo) {
        if undo.taught {
            (self.sum, self.weight) = undo.level;
            self.slots[slot] = undo.slot;
            let parent = slot % self.parents.len();
            self.parents[parent] = undo.parent;
            undo.taught = false;
        }
    }

    /// Moves the level to `value`, keeping the profile.
    pub(super) fn jump(&mut self, value: f64) {
        let ratio = if self.value() > 0.0 {
            value / self.value()
        } else {
            1.0
        };
        self.sum *= ratio;
        self.usual *= ratio;
        for (sum, weight) in self.slots.iter_mut().chain(&mut self.parents) {
            *sum *= ratio;
            *weight *= ratio;
        }
    }

    /// Bytes of the profile.
    pub(super) fn bytes(&self) -> usize {
        (self.slots.len() + self.parents.len()) * size_of::<(f64, f64)>()
    }

    /// What an ordinary bucket is expected to hold.
    fn unit(&self) -> f64 {
        self.usual.max(1e-9)
    }
}

fn decay(pair: &mut (f64, f64), keep: f64, sum: f64, weight: f64) {
    pair.0 = pair.0 * keep + sum;
    pair.1 = pair.1 * keep + weight;
}
