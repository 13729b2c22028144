//! From what is true to frozen letters, and from the outbox to the receivers.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveTime;

use crate::deliver::outbox::{Outbox, Settled};
use crate::deliver::{self, SendError};
use crate::incident::{Change, Incident};
use crate::model::{Fingerprint, Name, Timestamp};
use crate::notify::{self, Letter, Notification, Reason, Situation, Told};
use crate::plan::Route;
use crate::store::{Fate, StoreError};

use super::{Step, World, evaluate};

/// Letters with what the routes are told by them: written in one commit with their cause.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// Frozen.
    pub letters: Vec<Letter>,
    /// What the routes will have been told.
    pub told: Vec<Told>,
}

/// Incidents as they are after the changes of a round.
pub(super) fn after(known: Vec<Incident>, changes: &[Change]) -> Vec<Incident> {
    let mut by_id: BTreeMap<Fingerprint, Incident> =
        known.into_iter().map(|one| (one.id, one)).collect();
    for change in changes {
        by_id.insert(change.after.id, change.after.clone());
    }
    by_id.into_values().collect()
}

/// Decides who is to be told what of these incidents now, and writes the letters.
pub async fn write(
    world: &World,
    incidents: &[Incident],
    now: Timestamp,
) -> Result<Written, StoreError> {
    let ids: Vec<Fingerprint> = incidents.iter().map(|one| one.id).collect();
    let told = world.store.told(&ids).await?;
    let silences = world.store.silences(now - evaluate::REOPEN).await?;
    let calendar = &world.plan.project.calendar;
    let midnight = calendar.instant(calendar.local(now).date().and_time(NaiveTime::MIN));
    let mut sent_today: BTreeMap<Name, u32> = BTreeMap::new();
    for (channel, _, count) in world.store.told_since(midnight).await? {
        *sent_today.entry(channel).or_default() += count;
    }
    // Only who takes so many a second can have a queue that is worth merging.
    let mut queued = world.store.waiting().await?;
    let paced = |key: &Name| {
        let channel = world.channels.get(key);
        channel.is_some_and(|channel| channel.spacing() > chrono::TimeDelta::zero())
    };
    for key in world.channels.keys().filter(|key| paced(key)) {
        queued.entry(key.clone()).or_default();
    }
    queued.retain(|key, _| paced(key));
    let decided = notify::decide(&Situation {
        plan: &world.plan,
        incidents,
        told: &told,
        silences: &silences,
        sent_today: &sent_today,
        queued: &queued,
        now,
    });
    Ok(freeze(world, &decided, &told))
}

/// Renders each decision by its channel.
fn freeze(world: &World, decided: &[Notification], told: &[Told]) -> Written {
    let project = &world.plan.project.id;
    let mut written = Written::default();
    for (order, one) in decided.iter().enumerate() {
        let Some(channel) = world.channels.get(&one.channel) else {
            continue;
        };
        let first = one.incidents.first().and_then(|incident| {
            told.iter()
                .filter(|told| told.channel == one.channel && told.incident == incident.id)
                .min_by_key(|told| told.at)
        });
        let desk = deliver::Desk {
            plan: &world.plan,
            id: one.letter_id(project),
            thread: first.map(|told| told.letter_id(project)),
            now: one.at,
        };
        let payload = channel.letter(one, &desk);
        written
            .letters
            .push(one.letter(project, payload, order as u64));
        written.told.extend(one.told());
    }
    written
}

/// Settles what was answered and sends what is due. Says whether it found work; what is on its way
/// is waited for with [`Outbox::answered`].
pub(super) async fn deliver(
    world: &Arc<World>,
    means: &deliver::Means,
    outbox: &mut Outbox,
) -> Result<Step, StoreError> {
    settle(world, means, outbox).await?;
    let begun = outbox
        .fill(&world.store, &world.channels, means, &world.holder)
        .await?;
    // A channel that left the configuration makes letters dead at once.
    let settled = settle(world, means, outbox).await?;
    Ok(if begun == 0 && settled == 0 {
        Step::Idle
    } else {
        Step::Worked
    })
}

/// Writes down what became of letters. The fallback of a dead letter is in the outbox before the
/// letter counts as dead: a crash between the two writes it again under the same id.
pub(super) async fn settle(
    world: &World,
    means: &deliver::Means,
    outbox: &mut Outbox,
) -> Result<usize, StoreError> {
    let now = means.net.clock.now();
    let dead: Vec<Letter> = outbox
        .unsettled()
        .filter(|one| matches!(one.fate, Fate::Dead { .. }))
        .map(|one| one.letter.clone())
        .collect();
    if !dead.is_empty() {
        fall_back(world, &dead, now).await?;
    }
    let settled = outbox.settle(&world.store, now).await?;
    for Settled { letter, fate } in &settled {
        let result = match fate {
            Fate::Delivered { .. } => "delivered",
            Fate::Retry { .. } => "retry",
            Fate::Dead { .. } => "dead",
        };
        world.metrics.letter(letter.route.as_str(), result);
    }
    Ok(settled.len())
}

/// Tells the fallback routes what dead letters would have told.
async fn fall_back(world: &World, dead: &[Letter], now: Timestamp) -> Result<(), StoreError> {
    let plan = &world.plan;
    let route = |name: &Name| plan.routes.iter().find(|route| route.name == *name);
    let lost: Vec<(&Letter, &Route, Fingerprint)> = dead
        .iter()
        .filter_map(|letter| {
            let to = route(route(&letter.route)?.fallback.as_ref()?)?;
            Some((letter, to, letter.about?.0))
        })
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    let known = world.store.incidents(now - evaluate::REOPEN).await?;
    let known: BTreeMap<Fingerprint, Incident> =
        known.into_iter().map(|one| (one.id, one)).collect();
    let mut decided = Vec::new();
    for (letter, to, incident) in lost {
        let Some(incident) = known.get(&incident) else {
            continue;
        };
        decided.extend(
            to.channels
                .iter()
                .enumerate()
                .map(|(index, channel)| Notification {
                    route: to.name.clone(),
                    channel: notify::channel_key(&to.name, index, &channel.kind),
                    reason: letter.reason,
                    n: letter.n,
                    incidents: vec![incident.clone()],
                    at: now,
                    remark: format!("the route {} could not be reached", letter.route),
                }),
        );
    }
    let ids: Vec<Fingerprint> = decided.iter().map(|one| one.incidents[0].id).collect();
    let told = world.store.told(&ids).await?;
    let written = freeze(world, &decided, &told);
    world.store.post(&written.letters, &written.told).await
}

/// Sends one sample through every channel of a route at once, past the outbox.
pub async fn send_sample(world: &World, route: &Route) -> Vec<(Name, Result<String, SendError>)> {
    let now = world.clock.now();
    let means = deliver::Means {
        net: world.net.clone(),
        secrets: Arc::clone(&world.secrets),
    };
    let mut outcomes = Vec::new();
    for (index, channel) in route.channels.iter().enumerate() {
        let key = notify::channel_key(&route.name, index, &channel.kind);
        let Some(channel) = world.channels.get(&key) else {
            continue;
        };
        let sample = Notification {
            route: route.name.clone(),
            channel: key.clone(),
            reason: Reason::Test,
            n: 0,
            incidents: Vec::new(),
            at: now,
            remark: String::new(),
        };
        let project = &world.plan.project.id;
        let desk = deliver::Desk {
            plan: &world.plan,
            id: sample.letter_id(project),
            thread: None,
            now,
        };
        let letter = sample.letter(project, channel.letter(&sample, &desk), 0);
        outcomes.push((key, channel.send(&letter, &[], now, &means).await));
    }
    outcomes
}
