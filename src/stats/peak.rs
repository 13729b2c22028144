//! How often a series has strayed this far before: the tail of its own past peaks.

/// Where the tail begins, in standard deviations.
pub(super) const FROM: f64 = 1.5;

/// What is believed of a tail before the series has shown any, and for how much that counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Prior {
    /// Pareto index of the peaks above [`FROM`].
    pub(super) index: f64,
    /// Weight of `index`, in peaks.
    pub(super) peaks: f64,
    /// Excursions above [`FROM`] a bucket, for windows of one bucket.
    pub(super) rate: f64,
    /// Weight of `rate`, in buckets.
    pub(super) buckets: f64,
    /// Share of its weight that a peak keeps for each bucket that passes.
    pub(super) keep: f64,
}

/// The excursions of one statistic in one direction.
///
/// An excursion is a stretch above [`FROM`]; its peak counts once. Peaks over a threshold follow a
/// generalized Pareto law (Pickands 1975), and its heavy-tailed case is a Pareto law in `z / FROM`
/// whose index is the mean log excess (Hill 1975). With few peaks both the index and the rate are
/// averaged with a prior, which is what keeps the level honest in the first months.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Peaks {
    many: f64,
    excess: f64,
    buckets: f64,
    peak: f64,
    since: u32,
}

impl Peaks {
    /// Takes in one bucket; `window` is the length of the statistic, and quiet for half of it ends
    /// an excursion.
    #[inline]
    pub(super) fn see(&mut self, z: f64, window: usize, prior: &Prior) {
        self.buckets = self.buckets * prior.keep + 1.0;
        self.many *= prior.keep;
        self.excess *= prior.keep;
        if z > FROM {
            self.peak = self.peak.max(z);
            self.since = 0;
        } else if self.peak > 0.0 {
            self.since += 1;
            if self.since as usize >= window.div_ceil(2) {
                self.learn(self.peak);
            }
        }
    }

    /// An excursion that became an alarm counts too, but only as one that just reached the alarm
    /// level: a series that keeps raising alarms is trusted less, and a huge fault teaches no more
    /// than a small one.
    pub(super) fn alarmed(&mut self, z: f64, budget: f64, window: usize, prior: &Prior) {
        let peak = self.peak.max(z);
        if peak > FROM {
            let level = FROM
                * ((self.rate(window, prior).ln() + budget).max(0.0) * self.index(prior)).exp();
            self.learn(peak.min(level));
        }
    }

    /// Minus the logarithm of the chance, a bucket, of an excursion that reaches `z`.
    pub(super) fn surprise(&self, z: f64, window: usize, prior: &Prior) -> f64 {
        if z <= FROM {
            return 0.0;
        }
        (z / FROM).ln() / self.index(prior) - self.rate(window, prior).ln()
    }

    fn learn(&mut self, peak: f64) {
        self.many += 1.0;
        self.excess += (peak / FROM).ln();
        self.peak = 0.0;
        self.since = 0;
    }

    fn index(&self, prior: &Prior) -> f64 {
        ((self.excess + prior.peaks * prior.index) / (self.many + prior.peaks)).max(0.1)
    }

    fn rate(&self, window: usize, prior: &Prior) -> f64 {
        let expected = prior.rate / (window as f64).sqrt();
        ((self.many + expected * prior.buckets) / (self.buckets + prior.buckets)).min(1.0)
    }
}
