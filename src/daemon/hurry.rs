//! Pulls beside the schedule: those of sources that a reload changed do not wait for their slot (who
//! mends an address or a token wants to see at once whether it works), and those whose source is
//! still being asked are skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::Timestamp;
use crate::plan::{self, How, Plan};

use super::due::whole_second;
use super::{Due, Job};

/// What is asked for beside the schedule.
#[derive(Default)]
pub(super) struct Hurried {
    plan: Option<Arc<Plan>>,
    jobs: BTreeSet<String>,
    /// The newest slot of each job that was begun or counted as skipped.
    newest: BTreeMap<String, Timestamp>,
}

impl Hurried {
    /// Takes note of the plan in force. New sources are due by themselves.
    pub(super) fn notice(&mut self, plan: &Arc<Plan>) {
        let before = match self.plan.replace(Arc::clone(plan)) {
            Some(before) if !Arc::ptr_eq(&before, plan) => before,
            _ => return,
        };
        let changes = plan::diff(&before, plan).into_iter();
        let sources = changes.filter(|one| one.what == "source" && one.how == How::Changed);
        self.jobs
            .extend(sources.map(|one| format!("pull:{}", one.name)));
    }

    /// Adds what is not due by itself. What is gone meanwhile is forgotten.
    pub(super) fn add_to(&mut self, due: &mut Vec<Due>, jobs: &[Job], now: Timestamp) {
        if self.jobs.is_empty() {
            return;
        }
        self.jobs
            .retain(|name| jobs.iter().any(|job| job.name == *name));
        for (index, job) in jobs.iter().enumerate() {
            let is_due = due.iter().any(|one| one.job == index);
            if !is_due && self.jobs.contains(&job.name) {
                due.push(Due {
                    job: index,
                    slot: whole_second(now),
                    only_remember: false,
                });
            }
        }
    }

    /// A job begins.
    pub(super) fn begun(&mut self, job: &str, slot: Timestamp) {
        self.jobs.remove(job);
        self.newest.insert(job.to_owned(), slot);
    }

    /// A job is due while it runs: how many of its slots passed since it was begun, each counted
    /// once. The slot it runs for is due until it has ended, and the loop looks around often.
    pub(super) fn skips(&mut self, job: &Job, now: Timestamp) -> u64 {
        let newest = self.newest.entry(job.name.clone()).or_insert(now);
        let mut count = 0;
        while let Some(slot) = job.schedule.next(*newest)
            && slot + job.jitter <= now
        {
            *newest = slot;
            count += 1;
        }
        count
    }
}
