//! Pulls that do not wait for their slot: those of sources that a reload changed. Who mends an
//! address or a token wants to see at once whether it works.

use std::collections::BTreeSet;
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
    pub(super) fn begun(&mut self, job: &str) {
        self.jobs.remove(job);
    }
}
