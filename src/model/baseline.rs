//! What a baseline rests on: the buckets that teach nothing, and why.

use super::{Bucket, Window};

/// Why a bucket is left out of what later ones are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// It belongs to a confirmed incident.
    Incident {
        /// What people call it.
        number: Option<u32>,
        /// Whether somebody called it a true trouble; nobody may have said anything.
        real: bool,
    },
    /// The plan says so, in `ignore` or by a calendar.
    Planned,
    /// The source itself said that the number is not whole, in these words.
    Unfit(String),
    /// Clocks jumped in this hour.
    Clocks,
    /// A public holiday: it is held against other holidays and teaches ordinary days nothing.
    Holiday,
    /// The day before one.
    Eve,
    /// A day that a calendar of the plan names: it is held against the other days of that name.
    Named,
    /// It is part of a run of trouble that the statistic sees and no confirmed incident covers: a
    /// trouble that may still become the new normal, or the first day after one.
    Odd,
    /// Its number may still change.
    Unfinished,
}

/// A confirmed incident as a baseline sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// From its first bucket to the end of its newest.
    pub window: Window,
    /// What people call it.
    pub number: Option<u32>,
    /// Whether somebody called it a true trouble.
    pub real: bool,
    /// Whether somebody called it expected or noise: its buckets teach.
    pub put_back: bool,
}

/// Neighboring buckets that are left out for one reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Omission {
    /// The first of them.
    pub first: Bucket,
    /// The last, included.
    pub last: Bucket,
    /// Why.
    pub why: LeftOut,
}

/// Which buckets of a series teach nothing; every other one does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Baseline {
    /// Oldest first; none of them overlap.
    pub left_out: Vec<Omission>,
    /// Since when the level is the normal one: a lasting change that nobody called a trouble. The
    /// level before it is no measure any more.
    pub new_normal: Option<Bucket>,
}

impl Baseline {
    /// From buckets in their order, each with the reason for which it is left out, if it is.
    pub fn of(
        buckets: impl IntoIterator<Item = (Bucket, Option<LeftOut>)>,
        new_normal: Option<Bucket>,
    ) -> Self {
        let mut left_out: Vec<Omission> = Vec::new();
        let mut before: Option<LeftOut> = None;
        for (bucket, why) in buckets {
            match (&why, left_out.last_mut()) {
                (Some(_), Some(last)) if before == why => last.last = bucket,
                (Some(why), _) => left_out.push(Omission {
                    first: bucket,
                    last: bucket,
                    why: why.clone(),
                }),
                (None, _) => {}
            }
            before = why;
        }
        Self {
            left_out,
            new_normal,
        }
    }

    /// Why a bucket is left out; `None` when it teaches.
    pub fn why(&self, bucket: &Bucket) -> Option<&LeftOut> {
        let holds =
            |one: &&Omission| one.first.start <= bucket.start && bucket.start < one.last.end;
        self.left_out.iter().find(holds).map(|one| &one.why)
    }
}
