//! Evidence of which only a summary is kept: thousands of questions are read in portions.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Changes, Line};
use crate::model::{AsOf, Name, Question, Timestamp, Window};
use crate::store::{Memory, StoreError};

use super::evidence::{PORTION, Surroundings, history, vintages};
use super::{World, former};

/// Which buckets of these questions held anything. Of a bucket that several questions of a source
/// fill the first is kept: thousands of questions come down to a few hundred readings.
pub(super) async fn filled(
    world: &World,
    wanted: BTreeMap<Question, Window>,
    known: AsOf,
) -> Result<BTreeMap<Question, Vec<Line>>, StoreError> {
    let mut all = BTreeMap::new();
    let mut taken: BTreeSet<(Name, Timestamp)> = BTreeSet::new();
    let wanted: Vec<(Question, Window)> = wanted.into_iter().collect();
    for some in wanted.chunks(PORTION) {
        let some: BTreeMap<Question, Window> = some.iter().cloned().collect();
        let mut found = history(&*world.store, &some, known).await?;
        former::prepend(world, &some, known, &mut found).await?;
        for (question, lines) in &mut found {
            lines.retain(|line| line.segment.is_empty());
            for line in lines.iter_mut() {
                line.readings.retain(|one| {
                    one.value > 0.0 && taken.insert((question.source.clone(), one.bucket.end))
                });
                line.readings.shrink_to_fit();
            }
            lines.retain(|line| !line.readings.is_empty());
        }
        found.retain(|_, lines| !lines.is_empty());
        all.append(&mut found);
    }
    Ok(all)
}

/// How the final numbers of these questions changed, by what their sources declare to be final.
pub(super) async fn changes(
    store: &dyn Memory,
    wanted: BTreeMap<Question, Window>,
    around: &Surroundings,
) -> Result<BTreeMap<Question, Changes>, StoreError> {
    let mut all = BTreeMap::new();
    let wanted: Vec<(Question, Window)> = wanted.into_iter().collect();
    for some in wanted.chunks(PORTION) {
        let some: BTreeMap<Question, Window> = some.iter().cloned().collect();
        for (question, lines) in vintages(store, &some, around.now).await? {
            let state = around.sources.get(&question.source);
            let settles = state.map(|state| state.settles).unwrap_or_default();
            let changes = Changes::of(&lines, settles, around.now);
            all.extend(changes.map(|changes| (question, changes)));
        }
    }
    Ok(all)
}
