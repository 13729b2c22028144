//! What could be found at all: the smallest losses, tried on the stored series of each check.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::{Check, Sight};
use crate::model::{Name, Timestamp};
use crate::store::StoreError;

use super::World;
use super::evidence::{gather, surroundings};

/// Checks that are tried in one go: their evidence is in memory together.
const PORTION: usize = 50;

/// What these checks could find, by name; those without enough history, and those that no statistic
/// decides, are absent.
pub async fn sights(
    world: &Arc<World>,
    checks: &[Arc<dyn Check>],
    at: Timestamp,
) -> Result<BTreeMap<Name, Sight>, StoreError> {
    let around = surroundings(world, at).await?;
    let mut found = BTreeMap::new();
    for portion in checks.chunks(PORTION) {
        let gathered = gather(world, portion, &around).await?;
        let (plan, portion) = (Arc::clone(&world.plan), portion.to_vec());
        let work = move || {
            let evidence = gathered.evidence(&plan.project.calendar);
            let one = |check: &Arc<dyn Check>| {
                Some((check.label().name.clone(), check.sight(&evidence)?))
            };
            portion.iter().filter_map(one).collect::<Vec<_>>()
        };
        if let Ok(part) = tokio::task::spawn_blocking(work).await {
            found.extend(part);
        }
    }
    Ok(found)
}
