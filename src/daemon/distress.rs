//! Says by ways that need no database that nothing can be written: the log, a number, and a message
//! from memory to the people of the default route.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;

use crate::deliver;
use crate::model::{Calendar, Name, Timestamp};
use crate::notify::{self, Notification, Reason};
use crate::plan::{Plan, Route};
use crate::store::StoreError;

use super::World;

/// How often it is looked at, and a database that takes no writes tried again.
const LOOK: TimeDelta = TimeDelta::seconds(5);

/// Trouble that passes within this time is only logged: backups and locks of others come and go.
const GRACE: Duration = Duration::from_secs(20);

/// So long must writes be taken before it counts as over.
const WELL: Duration = Duration::from_secs(10);

/// A channel that did not take the message is tried again after this time.
const AGAIN: Duration = Duration::from_mins(1);

/// What is to be told now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Say {
    /// Writes are not taken.
    Trouble {
        /// Since when.
        since: Timestamp,
        /// Why, for people.
        why: String,
    },
    /// They are again.
    Recovered {
        /// From when on they were not.
        since: Timestamp,
        /// When they were taken again.
        at: Timestamp,
    },
}

/// What is known of the database's trouble. Durations are measured by the uptime, since clocks step.
#[derive(Debug, Default)]
struct Distress {
    began: Option<(Timestamp, Duration)>,
    well: Option<(Timestamp, Duration)>,
    told: bool,
}

impl Distress {
    /// Takes note of how it stands; says what is to be told, each thing once.
    fn look(
        &mut self,
        trouble: Option<&StoreError>,
        now: Timestamp,
        uptime: Duration,
    ) -> Option<Say> {
        match (trouble, self.began) {
            (None, None) => None,
            (Some(why), _) => {
                self.well = None;
                let (since, from) = *self.began.get_or_insert((now, uptime));
                if self.told || uptime.saturating_sub(from) < GRACE {
                    return None;
                }
                self.told = true;
                let why = why.to_string();
                Some(Say::Trouble { since, why })
            }
            (None, Some((since, _))) => {
                let (at, from) = *self.well.get_or_insert((now, uptime));
                if uptime.saturating_sub(from) < WELL {
                    return None;
                }
                let told = self.told;
                *self = Self::default();
                told.then_some(Say::Recovered { since, at })
            }
        }
    }
}

impl Say {
    fn reason(&self) -> Reason {
        match self {
            Self::Trouble { .. } => Reason::Trouble,
            Self::Recovered { .. } => Reason::Recovered,
        }
    }

    /// The moment that makes it one message, however often it is tried.
    fn at(&self) -> Timestamp {
        match self {
            Self::Trouble { since, .. } => *since,
            Self::Recovered { at, .. } => *at,
        }
    }

    fn text(&self, plan: &Plan) -> String {
        let name = &plan.project.name;
        let moment = |at| moment(&plan.project.calendar, at);
        match self {
            Self::Trouble { since, why } => format!(
                "{name} cannot write its database since {}: {why}. Until it can, no count is kept and no alert is \
                 written; what is known can still be read. Free space on its disk or end what locks it: it goes on \
                 by itself",
                moment(*since)
            ),
            Self::Recovered { since, at } => format!(
                "{name} writes its database again. From {} to {} nothing was kept; it is pulled and judged now",
                moment(*since),
                moment(*at)
            ),
        }
    }
}

fn moment(calendar: &Calendar, at: Timestamp) -> String {
    calendar.local(at).format("%Y-%m-%d %H:%M").to_string()
}

/// Who is told: the default route, or the first when there is none.
fn route(plan: &Plan) -> Option<&Route> {
    let default = plan
        .routes
        .iter()
        .find(|route| route.name.as_str() == "default");
    default.or_else(|| plan.routes.first())
}

/// Looks after the database until a stop is asked for.
pub(super) async fn watch(worlds: watch::Receiver<Arc<World>>, mut stop: watch::Receiver<bool>) {
    let mut distress = Distress::default();
    let mut owed: Option<(Say, BTreeMap<Name, Duration>)> = None;
    while !*stop.borrow() {
        let world = worlds.borrow().clone();
        if world.store.trouble().is_some()
            && let Err(why) = world.store.probe().await
        {
            tracing::debug!("the database still takes no writes: {why}");
        }
        let trouble = world.store.trouble();
        world.metrics.writable.set(i64::from(trouble.is_none()));
        let uptime = world.clock.uptime();
        if let Some(say) = distress.look(trouble.as_ref(), world.clock.now(), uptime) {
            let text = say.text(&world.plan);
            if say.reason() == Reason::Trouble {
                tracing::error!("{text}");
            } else {
                tracing::info!("{text}");
            }
            // What was not taken of an earlier word is not worth telling any more.
            owed = Some((say, debts(&world)));
        }
        if let Some((say, debts)) = &mut owed {
            pay(&world, say, debts).await;
        }
        tokio::select! {
            () = world.clock.sleep_until(world.clock.now() + LOOK) => (),
            asked = stop.changed() => if asked.is_err() { return; },
        }
    }
}

/// Every channel of the route, due at once.
fn debts(world: &World) -> BTreeMap<Name, Duration> {
    let Some(route) = route(&world.plan) else {
        return BTreeMap::new();
    };
    let keys = route.channels.iter().enumerate();
    keys.map(|(index, channel)| notify::channel_key(&route.name, index, &channel.kind))
        .map(|key| (key, Duration::ZERO))
        .collect()
}

/// Tells who was not told yet.
async fn pay(world: &World, say: &Say, debts: &mut BTreeMap<Name, Duration>) {
    let uptime = world.clock.uptime();
    let due = debts.iter().filter(|(_, at)| **at <= uptime);
    let due: Vec<Name> = due.map(|(key, _)| key.clone()).collect();
    for key in due {
        let sent = tell(world, say, &key).await;
        match sent {
            Some(Err(deliver::SendError::Wait { why, .. })) => {
                tracing::warn!(channel = %key, "our own trouble could not be told yet: {why}");
                debts.insert(key, uptime + AGAIN);
                continue;
            }
            Some(Err(deliver::SendError::Refused { why })) => {
                tracing::error!(channel = %key, "our own trouble could not be told: {why}");
            }
            Some(Ok(_)) | None => (),
        }
        debts.remove(&key);
    }
}

/// Sends past the outbox; `None` when the channel left the configuration.
async fn tell(world: &World, say: &Say, key: &Name) -> Option<Result<String, deliver::SendError>> {
    let channel = world.channels.get(key)?;
    let project = &world.plan.project.id;
    let said = Notification {
        route: route(&world.plan)?.name.clone(),
        channel: key.clone(),
        reason: say.reason(),
        n: 0,
        incidents: Vec::new(),
        at: say.at(),
        remark: say.text(&world.plan),
    };
    let desk = deliver::Desk {
        plan: &world.plan,
        id: said.letter_id(project),
        thread: None,
        now: said.at,
    };
    let letter = said.letter(project, channel.letter(&said, &desk), 0);
    let means = super::letters_means(world);
    Some(channel.send(&letter, &[], world.clock.now(), &means).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_that_lasts_is_told_once_and_its_end_once() {
        let begin: Timestamp = "2026-03-02T10:00:00Z".parse().expect("a time");
        let mut distress = Distress::default();
        let mut look = |seconds: u64, trouble: Option<StoreError>| {
            let now = begin + TimeDelta::seconds(i64::try_from(seconds).unwrap_or(0));
            let said = distress.look(trouble.as_ref(), now, Duration::from_secs(seconds));
            said.map(|say| (say.reason(), say.at()))
        };
        assert_eq!(look(0, None), None);
        // A lock that comes and goes.
        assert_eq!(look(5, Some(StoreError::Busy)), None);
        assert_eq!(look(10, None), None);
        assert_eq!(look(25, None), None);
        // One that stays, and another reason in the middle of it.
        assert_eq!(look(30, Some(StoreError::Busy)), None);
        let at = |seconds| begin + TimeDelta::seconds(seconds);
        assert_eq!(
            look(50, Some(StoreError::Full)),
            Some((Reason::Trouble, at(30)))
        );
        assert_eq!(look(55, Some(StoreError::Full)), None);
        // It is over only when it stays over.
        assert_eq!(look(60, None), None);
        assert_eq!(look(65, Some(StoreError::Full)), None);
        assert_eq!(look(70, None), None);
        assert_eq!(look(80, None), Some((Reason::Recovered, at(70))));
        assert_eq!(look(200, None), None);
    }
}
