//! How good is a detector on labelled series: faults found, false alarms a year, delay, F1.
//!
//! The definitions are those of the benchmark that `docs/rehearsal.md` describes: a fault is found if any
//! of its buckets alarms, alarms outside faults that lie close together are one false alarm, one that stays
//! on counts again, and the buckets just after a fault are not counted.

/// How alarms are counted at a grain, in buckets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counting {
    /// Alarms at most this far apart are one.
    pub merge: usize,
    /// One that lasts this long counts again.
    pub renew: usize,
    /// Buckets after a fault that are not counted.
    pub cool: usize,
    /// Buckets of a year.
    pub year: f64,
    /// False alarms a series-year that are bearable.
    pub budget: f64,
}

/// Daily series.
pub const DAYS: Counting = Counting {
    merge: 3,
    renew: 14,
    cool: 14,
    year: 365.25,
    budget: 1.0,
};

/// Hourly series.
pub const HOURS: Counting = Counting {
    merge: 24,
    renew: 96,
    cool: 72,
    year: 8766.0,
    budget: 4.0,
};

/// A fault whose place is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// First bucket.
    pub first: usize,
    /// Last bucket.
    pub last: usize,
}

/// A series that was judged, with what was planted in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The score of each bucket; `None` where nothing was said, or the bucket is missing.
    pub scores: Vec<Option<f64>>,
    /// First bucket that counts.
    pub from: usize,
    /// What must be found.
    pub faults: Vec<Fault>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grade {
    /// The score from which a bucket alarmed.
    pub level: f64,
    /// Faults found.
    pub found: usize,
    /// Faults there are.
    pub faults: usize,
    /// False alarms.
    pub false_alarms: usize,
    /// Series-years outside faults.
    pub years: f64,
    /// Mean buckets from the beginning of a fault to its alarm, over those found.
    pub delay: f64,
}

impl Grade {
    /// Share of the faults that were found.
    pub fn recall(&self) -> f64 {
        share(self.found, self.faults)
    }

    /// Share of the alarms that were faults; 1 without alarms.
    pub fn precision(&self) -> f64 {
        let alarms = self.found + self.false_alarms;
        if alarms == 0 {
            1.0
        } else {
            share(self.found, alarms)
        }
    }

    /// The harmonic mean of recall and precision (van Rijsbergen 1979).
    pub fn f1(&self) -> f64 {
        let (recall, precision) = (self.recall(), self.precision());
        if recall + precision > 0.0 {
            2.0 * recall * precision / (recall + precision)
        } else {
            0.0
        }
    }

    /// False alarms a series-year.
    pub fn false_alarms_a_year(&self) -> f64 {
        if self.years > 0.0 {
            self.false_alarms as f64 / self.years
        } else {
            0.0
        }
    }
}

fn share(part: usize, of: usize) -> f64 {
    if of == 0 {
        0.0
    } else {
        part as f64 / of as f64
    }
}

/// Ascending places as runs, first and last: places at most `gap` apart belong together.
pub fn runs(places: &[usize], gap: usize) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for &place in places {
        match found.last_mut() {
            Some((_, last)) if place - *last <= gap => *last = place,
            _ => found.push((place, place)),
        }
    }
    found
}

/// Grades cases where a bucket alarms from `level` on.
pub fn at_level(cases: &[Case], level: f64, counting: &Counting) -> Grade {
    let mut grade = Grade {
        level,
        found: 0,
        faults: 0,
        false_alarms: 0,
        years: 0.0,
        delay: 0.0,
    };
    for case in cases {
        let loud = |at: usize| case.scores[at].is_some_and(|score| score >= level);
        for fault in &case.faults {
            grade.faults += 1;
            let last = fault.last.min(case.scores.len().saturating_sub(1));
            if let Some(at) = (fault.first..=last).find(|&at| loud(at)) {
                grade.found += 1;
                grade.delay += (at - fault.first) as f64;
            }
        }
        let outside: Vec<usize> = (case.from..case.scores.len())
            .filter(|&at| is_outside(case, at, counting))
            .collect();
        grade.years += outside.len() as f64 / counting.year;
        let alarms: Vec<usize> = outside.into_iter().filter(|&at| loud(at)).collect();
        let counted = |(first, last)| 1 + (last - first) / counting.renew;
        grade.false_alarms += runs(&alarms, counting.merge)
            .into_iter()
            .map(counted)
            .sum::<usize>();
    }
    grade.delay /= grade.found.max(1) as f64;
    grade
}

fn is_outside(case: &Case, at: usize, counting: &Counting) -> bool {
    let near = |fault: &Fault| at >= fault.first && at <= fault.last + counting.cool;
    !case.faults.iter().any(near)
}

/// The level that finds the most while false alarms stay within the budget; `None` when every level that
/// finds anything has more. Recall changes only at the loudest bucket of a fault, so no other level is
/// tried.
pub fn at_budget(cases: &[Case], counting: &Counting) -> Option<Grade> {
    let loudest = |case: &Case, fault: &Fault| {
        let buckets = case.scores.get(fault.first..=fault.last)?;
        buckets.iter().flatten().copied().reduce(f64::max)
    };
    let mut levels: Vec<f64> = cases
        .iter()
        .flat_map(|case| case.faults.iter().filter_map(|fault| loudest(case, fault)))
        .collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    levels
        .into_iter()
        .map(|level| at_level(cases, level, counting))
        .find(|grade| grade.false_alarms_a_year() <= counting.budget)
}
