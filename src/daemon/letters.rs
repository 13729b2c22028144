//! From what is true to frozen letters, and from the outbox to the receivers.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveTime;

use crate::deliver::outbox::{self, Settled, Spacing};
use crate::deliver::{self, SendError};
use crate::incident::{Change, Incident};
use crate::model::{Fingerprint, Name, Timestamp};
use crate::notify::{self, Letter, Notification, Reason, Situation, Told};
use crate::plan::Route;
use crate::store::{Fate, Round, StoreError};

use super::{LEASE, Step, World, evaluate};

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
    let decided = notify::decide(&Situation {
        plan: &world.plan,
        incidents,
        told: &told,
        silences: &silences,
        sent_today: &sent_today,
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

/// Sends what is due; a dead letter goes to the fallback of its route.
pub(super) async fn deliver(
    world: &Arc<World>,
    means: &deliver::Means,
    spacing: &mut Spacing,
) -> Result<Step, StoreError> {
    let settled =
        outbox::step(&world.store, &world.channels, means, &world.holder, spacing).await?;
    for Settled { letter, fate } in &settled {
        let result = match fate {
            Fate::Delivered { .. } => "delivered",
            Fate::Retry { .. } => "retry",
            Fate::Dead { .. } => "dead",
        };
        world.metrics.letter(letter.route.as_str(), result);
        if matches!(fate, Fate::Dead { .. }) {
            fall_back(world, letter, means.net.clock.now()).await?;
        }
    }
    Ok(if settled.is_empty() {
        Step::Idle
    } else {
        Step::Worked
    })
}

/// Tells the fallback route what a dead letter would have told.
async fn fall_back(world: &World, dead: &Letter, now: Timestamp) -> Result<(), StoreError> {
    let plan = &world.plan;
    let from = plan.routes.iter().find(|route| route.name == dead.route);
    let to = from.and_then(|route| route.fallback.as_ref());
    let Some(to) = to.and_then(|name| plan.routes.iter().find(|route| route.name == *name)) else {
        return Ok(());
    };
    let Some((incident, _)) = dead.about else {
        return Ok(());
    };
    let known = world.store.incidents(now - evaluate::REOPEN).await?;
    let Some(incident) = known.into_iter().find(|one| one.id == incident) else {
        return Ok(());
    };
    let told = world.store.told(&[incident.id]).await?;
    let decided: Vec<Notification> = to
        .channels
        .iter()
        .enumerate()
        .map(|(index, channel)| Notification {
            route: to.name.clone(),
            channel: notify::channel_key(&to.name, index, &channel.kind),
            reason: dead.reason,
            n: dead.n,
            incidents: vec![incident.clone()],
            at: now,
            remark: format!("the route {} could not be reached", dead.route),
        })
        .collect();
    let written = freeze(world, &decided, &told);
    let Some(lease) = world
        .store
        .lease("fallback", &world.holder, now, LEASE)
        .await?
    else {
        return Ok(());
    };
    let round = Round {
        slot: now,
        now,
        seen: &[],
        changes: &[],
        letters: &written.letters,
        told: &written.told,
        marks: &[],
        ledger: None,
    };
    world.store.commit(&lease, &round).await
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
