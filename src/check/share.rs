//! A check that holds one count against another of the same source: how many of all.

use crate::model::{Baseline, Calendar, Evaluation, Question, Timestamp};

use super::judge::Limits;
use super::question::history;
use super::shape::Core;
use super::{Check, Evidence, Label, Need, Sight};

/// Part of all, judged by limits and by its own past.
pub(super) struct Share {
    pub(super) core: Core,
    /// What is counted of `all`.
    pub(super) part: Question,
    /// How many there are.
    pub(super) all: Question,
    pub(super) limits: Limits,
}

impl Check for Share {
    fn label(&self) -> &Label {
        &self.core.label
    }

    fn needs(&self, now: Timestamp, calendar: &Calendar) -> Vec<Need> {
        history(&[&self.part, &self.all], now, calendar)
    }

    fn evaluate(&self, evidence: &Evidence<'_>) -> Vec<Evaluation> {
        let judge = |view: &super::shape::View| view.share(self.limits);
        self.core
            .judged(evidence, &[&self.part, &self.all], None, judge)
            .into_iter()
            .collect()
    }

    fn sight(&self, evidence: &Evidence<'_>) -> Option<Sight> {
        let questions = [&self.part, &self.all];
        let view = self.core.view(evidence, &questions, None).ok()?;
        (!self.limits.inverse).then(|| view.sight_of_share())?
    }

    fn baseline(&self, evidence: &Evidence<'_>) -> Option<Baseline> {
        let questions = [&self.part, &self.all];
        let mut view = self.core.view_of_past(evidence, &questions, None)?;
        view.columns[0] = view.good(self.limits);
        Some(view.baseline_of_share(evidence, &self.all))
    }
}
