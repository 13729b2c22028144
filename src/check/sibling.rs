//! What a young series borrows from its siblings, the other events of its source: how noisy they are, and
//! how their numbers fill up. The series itself never has a say, and nothing is borrowed that could excuse
//! a fault: no level, no day (docs/adr/008).

use std::collections::BTreeMap;

use crate::model::{Grain, Name, Question};
use crate::plan::{Event, Plan};
use crate::stats::{self, maturity::Curve};

use super::Evidence;
use super::shape::{Core, View};
use super::young;

/// Siblings that are looked at: the nearest ones in the plan, so that thousands of events do not read
/// each other's history.
const MOST: usize = 6;

/// Siblings that must know something before it is typical.
const LEAST: usize = 3;

/// Days from which a series is no longer young, and from which it can lend.
const GROWN: usize = 60;

/// The events of each source whose volume is judged, in the order of the plan. Made once: plans have
/// thousands of events.
pub(super) struct Families<'a> {
    by_source: BTreeMap<Name, Vec<&'a Event>>,
}

impl<'a> Families<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        let mut by_source: BTreeMap<Name, Vec<&Event>> = BTreeMap::new();
        for event in &plan.events {
            let rule = plan.rule_for("volume", &event.name);
            if rule.is_none_or(|rule| rule.enabled)
                && let Some(home) = plan.home(event)
            {
                by_source.entry(home).or_default().push(event);
            }
        }
        Self { by_source }
    }

    /// The other events of the source, the nearest in the plan first.
    pub(super) fn near(&self, event: &Event, source: &Name) -> Vec<&'a Event> {
        let family = self.by_source.get(source).map_or(&[][..], Vec::as_slice);
        // An event that is not judged itself, only a part of it, stands nowhere: any will do.
        let own = family.iter().position(|one| std::ptr::eq(*one, event));
        let own = own.unwrap_or_default();
        let from = own.saturating_sub(MOST);
        let to = (own + MOST + 1).min(family.len());
        let mut near: Vec<(usize, &Event)> = (from..to)
            .map(|place| (place.abs_diff(own), family[place]))
            .filter(|(_, one)| one.name != event.name)
            .collect();
        near.sort_by_key(|(far, _)| *far);
        near.truncate(MOST);
        near.into_iter().map(|(_, one)| one).collect()
    }
}

/// Lends to the young.
pub(super) struct Lender<'a> {
    pub(super) core: &'a Core,
    pub(super) siblings: &'a [Question],
}

impl Lender<'_> {
    /// The middle of the siblings' own noise, a relative deviation, for a daily series that is young, if
    /// it is less than usual; with the number of siblings that told it.
    pub(super) fn noise(
        &self,
        evidence: &Evidence<'_>,
        question: &Question,
    ) -> Option<(f64, usize)> {
        let is_young = evidence.total(question).len() < GROWN;
        if !is_young || question.grain != Grain::Day {
            return None;
        }
        let one = |sibling: &Question| {
            let view = self.core.view(evidence, &[sibling], None).ok()?;
            (view.past() >= GROWN).then(|| view.noise())?
        };
        let mut known: Vec<f64> = self.siblings.iter().filter_map(one).collect();
        known.sort_by(f64::total_cmp);
        let typical = known.get(known.len() / 2)?.max(stats::count::STEADIEST);
        // More than what is believed of anybody would only hide faults.
        (known.len() >= LEAST && typical < stats::count::USUAL).then_some((typical, known.len()))
    }

    /// How the siblings' numbers fill up, all their days together, where the question's own readings
    /// do not say it yet.
    pub(super) fn curve(&self, evidence: &Evidence<'_>, question: &Question) -> Option<Curve> {
        if !young::curve(evidence, question).is_empty() || question.grain != Grain::Day {
            return None;
        }
        let buckets = self
            .siblings
            .iter()
            .flat_map(|sibling| young::changes(evidence, sibling));
        let buckets: Vec<Vec<(f64, f64)>> = buckets.collect();
        let pooled = Curve::of_changes(buckets.iter().map(Vec::as_slice));
        (!pooled.is_empty()).then_some(pooled)
    }

    /// What is borrowed for a question, in words.
    pub(super) fn said(&self, evidence: &Evidence<'_>, question: &Question) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((noise, many)) = self.noise(evidence, question) {
            lines.push(format!(
                "noise of {:.0}% a day from {many} other events of {}, until {GROWN} days are known",
                noise * 100.0,
                question.source
            ));
        }
        if self.curve(evidence, question).is_some() {
            lines.push(format!(
                "how numbers fill up from other events of {}, until 14 days of its own were seen",
                question.source
            ));
        }
        lines
    }
}

impl View {
    /// How far single days of the first column stray beyond chance, as they have shown.
    fn noise(&self) -> Option<f64> {
        stats::count::noise(&self.series(), self.at())
    }
}
