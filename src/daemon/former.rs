//! Events that were renamed: what was read under the former name goes on under the new one.

use std::collections::BTreeMap;

use crate::check::Line;
use crate::model::{AsOf, Question, Subject, Window};
use crate::plan::Plan;
use crate::store::StoreError;

use super::{World, evidence};

/// Puts the readings of former names in front of those of the new ones. A bucket that was read under
/// both is known by its new name.
pub(super) async fn prepend(
    world: &World,
    wanted: &BTreeMap<Question, Window>,
    at: AsOf,
    found: &mut BTreeMap<Question, Vec<Line>>,
) -> Result<(), StoreError> {
    if world.plan.events.iter().all(|event| event.was.is_none()) {
        return Ok(());
    }
    let mut former: BTreeMap<Question, (Question, Window)> = BTreeMap::new();
    for (question, window) in wanted {
        for one in names(&world.plan, question) {
            former.insert(one, (question.clone(), *window));
        }
    }
    if former.is_empty() {
        return Ok(());
    }
    let asked = former
        .iter()
        .map(|(question, (_, window))| (question.clone(), *window))
        .collect();
    for (question, lines) in evidence::history(&*world.store, &asked, at).await? {
        if let Some((renamed, _)) = former.get(&question) {
            let known = found.entry(renamed.clone()).or_default();
            for line in lines {
                join(known, line);
            }
        }
    }
    Ok(())
}

/// The same question under the event's former name: where the source's own name was written down it
/// may have stayed, where it was not it was the event's.
fn names(plan: &Plan, question: &Question) -> Vec<Question> {
    let Subject::Event(event) = &question.subject else {
        return Vec::new();
    };
    let Some(was) = plan.event(event).and_then(|event| event.was.as_ref()) else {
        return Vec::new();
    };
    let mut same = question.clone();
    same.subject = Subject::Event(was.clone());
    let mut found = vec![same.clone()];
    if question.mapping.native.as_deref() == Some(event.as_str()) {
        same.mapping.native = Some(was.as_str().to_owned());
        found.push(same);
    }
    found
}

fn join(known: &mut Vec<Line>, mut former: Line) {
    let Some(line) = known.iter_mut().find(|line| line.segment == former.segment) else {
        known.push(former);
        return;
    };
    if let Some(first) = line.readings.first().map(|one| one.bucket.start) {
        former.readings.retain(|one| one.bucket.start < first);
    }
    former.readings.append(&mut line.readings);
    line.readings = former.readings;
}
