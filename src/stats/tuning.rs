//! The constants of the judges, one set a shape and grain, each with its reason.

use std::sync::LazyLock;

use statrs::function::erf::erfc;

use super::Cycle;
use super::level::Pace;
use super::peak::Prior;

/// The most windows a shape has.
pub(super) const MOST: usize = 10;

/// Everything that differs between days and hours, and between counts, shares and gaps.
#[derive(Debug, Clone)]
pub(super) struct Tuning {
    /// Window lengths, shortest first.
    pub(super) windows: &'static [usize],
    /// Smallest change, as a logarithm of observed over expected, that counts fully; per window.
    pub(super) least_down: [f64; MOST],
    /// The same upwards.
    pub(super) least_up: [f64; MOST],
    /// Length of the stretch that a window must do without; 0 for none.
    pub(super) spare: [usize; MOST],
    /// Longest window in which a fall must also be one for a day off.
    pub(super) rest: usize,
    /// Longest window in which a rise must also be one for the same hour of a weekend; 0 for none.
    pub(super) nights: usize,
    /// Longest window whose noise depends on the hour of the day; 0 for none.
    pub(super) rough: usize,
    /// Longest window that the same days a year ago may excuse.
    pub(super) season: usize,
    /// Times the score of a rise in a single bucket: a spike has one chance to be seen, a lasting change
    /// has many.
    pub(super) spike: f64,
    /// Longest window that is judged upwards.
    pub(super) longest_up: usize,
    /// Longest window that is judged downwards.
    pub(super) longest_down: usize,
    /// Usable buckets before anything is judged.
    pub(super) warm: usize,
    /// Speed of the level and its profile.
    pub(super) pace: Pace,
    /// Weeks in the memory of the second model.
    pub(super) memory: usize,
    /// Share of its weight that a bucket keeps in the noise scale.
    pub(super) noise_keep: f64,
    /// Relative deviation, beyond chance, believed at first for a window of one bucket.
    pub(super) noise: f64,
    /// Weight of that belief, in ordinary buckets.
    pub(super) noise_weight: f64,
    /// Standard deviations at which a residual is clipped before it enters the noise scale.
    pub(super) noise_clip: f64,
    /// What such clipping leaves of the variance of normal residuals.
    pub(super) noise_left: f64,
    /// Standard deviations beyond which a bucket teaches the level no more.
    pub(super) clip: f64,
    /// What is believed of the tails.
    pub(super) prior: Prior,
    /// Logarithm of the buckets between two false alarms that are allowed, times a factor for the
    /// many windows looked at; see `docs/statistics.md`.
    pub(super) budget: f64,
    /// Buckets of history at which half of a score counts.
    pub(super) young: f64,
    /// The power of the buckets with which that share grows.
    pub(super) grow: i32,
    /// Score from which a stretch stops teaching and is followed as a run of trouble.
    pub(super) open: f64,
    /// Newest buckets that must be well for a run to end.
    pub(super) calm: usize,
    /// Buckets after which a run of trouble is taken for the new normal.
    pub(super) hold: usize,
    /// Buckets for which the level before that is remembered.
    pub(super) remember: usize,
}

const LN_2: f64 = std::f64::consts::LN_2;

impl Tuning {
    /// Daily counts.
    fn days() -> Self {
        Self {
            windows: &[1, 2, 3, 5, 7, 10, 14, 21, 28],
            least_down: [1.2, 0.8, 0.5, 0.25, 0.15, 0.12, 0.1, 0.1, 0.1, 0.1],
            least_up: [0.6, 0.4, 0.35, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3],
            spare: [0, 0, 1, 1, 1, 1, 1, 1, 1, 1],
            rest: 5,
            nights: 0,
            rough: 0,
            season: 5,
            spike: 1.1,
            longest_up: 3,
            longest_down: usize::MAX,
            warm: 21,
            pace: Pace {
                level: half_life(10.0),
                profile: half_life(8.0),
                shrink: 1.0,
            },
            memory: 16,
            noise_keep: half_life(180.0),
            noise: super::count::USUAL,
            noise_weight: 30.0,
            noise_clip: 2.0,
            noise_left: left_by(2.0),
            clip: 2.5,
            prior: Prior {
                index: 0.25,
                peaks: 6.0,
                rate: 0.03,
                buckets: 180.0,
                keep: half_life(365.0),
            },
            budget: 1.28 * 365.25_f64.ln(),
            young: 20.0,
            grow: 2,
            open: 1.0,
            calm: 3,
            hold: 13,
            remember: 60,
        }
    }

    /// Hourly counts.
    fn hours() -> Self {
        Self {
            windows: &[1, 2, 3, 6, 12, 24, 48, 72, 120],
            least_down: [2.0, 1.6, 1.2, 0.8, 0.5, 0.25, 0.15, 0.12, 0.1, 0.1],
            least_up: [0.6, 0.5, 0.45, 0.4, 0.35, 0.3, 0.3, 0.3, 0.3, 0.3],
            spare: [0, 0, 0, 0, 0, 0, 0, 24, 24, 24],
            rest: 48,
            nights: 24,
            rough: 3,
            season: 0,
            spike: 1.0,
            longest_up: 48,
            longest_down: usize::MAX,
            warm: 336,
            pace: Pace {
                level: half_life(120.0),
                profile: half_life(4.0),
                shrink: 1.0,
            },
            memory: 6,
            noise_keep: half_life(1000.0),
            noise: 0.2,
            noise_weight: 30.0,
            noise_clip: 2.0,
            noise_left: left_by(2.0),
            clip: 2.5,
            prior: Prior {
                index: 0.3,
                peaks: 6.0,
                rate: 0.03,
                buckets: 250.0,
                keep: half_life(3000.0),
            },
            budget: 1.07 * (8766.0_f64 / 4.0).ln(),
            young: 330.0,
            grow: 4,
            open: 1.25,
            calm: 6,
            hold: 95,
            remember: 336,
        }
    }

    /// Weekly counts, shares and gaps: few buckets, so few windows and no profile.
    fn weeks() -> Self {
        Self {
            windows: &[1, 2, 3, 4, 6, 8],
            warm: 8,
            pace: Pace {
                level: half_life(4.0),
                profile: half_life(52.0),
                shrink: 1.0,
            },
            spare: [0; MOST],
            rest: 0,
            nights: 0,
            season: 0,
            spike: 1.0,
            memory: 12,
            noise_keep: half_life(52.0),
            budget: 1.25 * 52.0_f64.ln(),
            young: 6.0,
            hold: 4,
            calm: 1,
            remember: 12,
            ..Self::days()
        }
    }

    /// Daily shares.
    fn shares() -> Self {
        let days = Self::days().relative();
        Self {
            windows: &[1, 2, 3, 5, 7, 10, 14],
            pace: Pace {
                level: half_life(7.0),
                shrink: 4.0,
                ..days.pace
            },
            noise: 0.05,
            clip: 4.0,
            prior: Prior {
                peaks: 12.0,
                ..days.prior
            },
            budget: 1.15 * 365.25_f64.ln(),
            open: 1.1,
            calm: 7,
            ..days
        }
    }

    /// Daily gaps between two systems.
    fn gaps() -> Self {
        let days = Self::days().relative();
        Self {
            windows: &[1, 2, 3, 5, 7, 10, 14, 21],
            least_down: [0.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            noise: 0.02,
            noise_weight: 60.0,
            budget: 1.23 * 365.25_f64.ln(),
            open: 1.1,
            prior: Prior {
                peaks: 12.0,
                ..days.prior
            },
            calm: 5,
            hold: 27,
            ..days
        }
    }
}

/// Every set of constants, worked out once.
struct All {
    counts: [Tuning; 3],
    /// Misses counted, which are trouble upwards.
    misses: [Tuning; 3],
    /// Hits counted, which are trouble downwards.
    hits: [Tuning; 3],
    gaps: [Tuning; 3],
}

static ALL: LazyLock<All> = LazyLock::new(|| {
    let counts = [Tuning::hours(), Tuning::days(), Tuning::weeks()];
    let [hours, _, weeks] = counts.clone().map(Tuning::relative);
    let shares = [hours.clone(), Tuning::shares(), weeks.clone()];
    let gaps = [hours, Tuning::gaps(), weeks];
    All {
        counts,
        misses: shares.clone().map(|one| Tuning {
            longest_down: 0,
            ..one
        }),
        hits: shares.map(|one| Tuning {
            longest_up: 0,
            ..one
        }),
        gaps,
    }
});

/// Daily counts without their longer windows downwards, the shortest first.
static SHORTER: LazyLock<Vec<Tuning>> = LazyLock::new(|| {
    let days = Tuning::days();
    let shorter = days.windows.iter().map(|&longest_down| Tuning {
        longest_down,
        ..days.clone()
    });
    shorter.collect()
});

impl Tuning {
    /// For counts of this cycle.
    pub(super) fn counts(cycle: Cycle) -> &'static Self {
        &ALL.counts[place(cycle)]
    }

    /// For daily counts in which no longer window than this is judged downwards; for measuring what
    /// the longer ones are worth.
    pub(super) fn days_within(longest: usize) -> &'static Self {
        let found = SHORTER.iter().rev().find(|one| one.longest_down <= longest);
        found.unwrap_or(&SHORTER[0])
    }

    /// For shares of this cycle, of which one side is counted and only one direction is trouble.
    pub(super) fn share(cycle: Cycle, upward: bool) -> &'static Self {
        let side = if upward { &ALL.misses } else { &ALL.hits };
        &side[place(cycle)]
    }

    /// For gaps of this cycle.
    pub(super) fn gap(cycle: Cycle) -> &'static Self {
        &ALL.gaps[place(cycle)]
    }

    /// Square of the relative deviation that is believed at first, by window.
    pub(super) fn noise_priors(&self) -> [f64; MOST] {
        self.noise_priors_of(self.noise)
    }

    /// The same where single buckets are believed to stray this far, as a relative deviation.
    pub(super) fn noise_priors_of(&self, noise: f64) -> [f64; MOST] {
        let mut priors = [noise * noise; MOST];
        for (prior, &window) in priors.iter_mut().zip(self.windows) {
            *prior /= (window as f64).sqrt();
        }
        priors
    }

    /// Length of the longest window.
    pub(super) fn longest(&self) -> usize {
        self.windows.last().map_or(1, |&window| window)
    }

    /// What is measured against something else has no holidays, no growth, and little noise.
    fn relative(self) -> Self {
        Self {
            least_down: [0.0; MOST],
            least_up: [0.0; MOST],
            rest: 0,
            nights: 0,
            season: 0,
            spike: 1.0,
            longest_up: usize::MAX,
            noise: 0.05,
            ..self
        }
    }
}

/// Place of a cycle in the sets above.
const fn place(cycle: Cycle) -> usize {
    match cycle {
        Cycle::Hourly(_) => 0,
        Cycle::Daily(_) => 1,
        Cycle::Plain => 2,
    }
}

/// The share kept per step so that half is left after `steps`.
fn half_life(steps: f64) -> f64 {
    (-LN_2 / steps).exp()
}

/// What is left of the variance of a standard normal value when it is clipped at `clip`.
fn left_by(clip: f64) -> f64 {
    let outside = erfc(clip / std::f64::consts::SQRT_2);
    let density = (-0.5 * clip * clip).exp() / (2.0 * std::f64::consts::PI).sqrt();
    1.0 - outside - 2.0 * clip * density + clip * clip * outside
}
