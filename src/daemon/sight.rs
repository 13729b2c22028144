//! What lies behind judgements: the smallest losses that could be found, tried on the stored series of
//! each check, and which days teach.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::{Check, Evidence, Sight};
use crate::model::{Baseline, Name, Timestamp};
use crate::store::StoreError;

use super::World;
use super::evidence::{gather, surroundings};

/// What is foreseen of a check.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outlook {
    /// What it could find.
    pub sight: Option<Sight>,
    /// Hours after the end of a bucket from which its number is final, as was learnt.
    pub final_after: Option<f64>,
    /// What it borrows from other series of its source.
    pub borrowed: Vec<String>,
}

/// Checks that are tried in one go: their evidence is in memory together.
const PORTION: usize = 50;

/// What these checks could find, by name; those without enough history, and those that no statistic
/// decides, are absent.
pub async fn outlooks(
    world: &Arc<World>,
    checks: &[Arc<dyn Check>],
    at: Timestamp,
) -> Result<BTreeMap<Name, Outlook>, StoreError> {
    each(world, checks, at, |check, evidence| {
        let outlook = Outlook {
            sight: check.sight(evidence),
            final_after: check.final_after(evidence),
            borrowed: check.borrowed(evidence),
        };
        (outlook != Outlook::default()).then_some(outlook)
    })
    .await
}

/// Which buckets these checks leave out of their baselines as of `at`, by name; those without a
/// baseline are absent.
pub async fn baselines(
    world: &Arc<World>,
    checks: &[Arc<dyn Check>],
    at: Timestamp,
) -> Result<BTreeMap<Name, Baseline>, StoreError> {
    each(world, checks, at, |check, evidence| {
        check.baseline(evidence)
    })
    .await
}

/// Asks each check with its evidence, away from the tasks that serve the network.
async fn each<T: Send + 'static>(
    world: &Arc<World>,
    checks: &[Arc<dyn Check>],
    at: Timestamp,
    ask: fn(&dyn Check, &Evidence<'_>) -> Option<T>,
) -> Result<BTreeMap<Name, T>, StoreError> {
    let around = surroundings(world, at).await?;
    let mut found = BTreeMap::new();
    for portion in checks.chunks(PORTION) {
        let gathered = gather(world, portion, &around).await?;
        let (plan, portion) = (Arc::clone(&world.plan), portion.to_vec());
        let work = move || {
            let evidence = gathered.evidence(&plan.project.calendar);
            let one = |check: &Arc<dyn Check>| {
                let answer = ask(&**check, &evidence)?;
                Some((check.label().name.clone(), answer))
            };
            portion.iter().filter_map(one).collect::<Vec<_>>()
        };
        if let Ok(part) = tokio::task::spawn_blocking(work).await {
            found.extend(part);
        }
    }
    Ok(found)
}
