//! What is true against what was told, for each channel of each route.
//!
//! Level-triggered: nothing is remembered but what was told, so a lost wake-up, a restart or a
//! repeated round changes nothing.

use std::collections::BTreeMap;

use chrono::{NaiveTime, TimeDelta};

use crate::incident::{Incident, Turn};
use crate::model::{Facts, Matcher, Name, Status, Timestamp, Window};
use crate::plan::{Plan, Route};

use super::{Notification, Reason, Silence, Told, channel_key};

/// Everything that a decision rests on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Routes, silences by date, the zone.
    pub plan: &'a Plan,
    /// Incidents that are on, and those that ended lately.
    pub incidents: &'a [Incident],
    /// What was told about them.
    pub told: &'a [Told],
    /// Silences in force or ended lately.
    pub silences: &'a [Silence],
    /// Letters each channel got today.
    pub sent_today: &'a BTreeMap<Name, u32>,
    /// Letters that wait for each channel which takes only so many a second; channels that keep no
    /// pace are not in it, and are never merged for.
    pub queued: &'a BTreeMap<Name, u32>,
    /// Now.
    pub now: Timestamp,
}

/// More letters than this for one paced channel and what is to be told now becomes one message:
/// half a minute of reading is too late for the last of them.
const DEEP: usize = 10;

/// An incident that ended while nobody could be told is told once, if it ended this recently.
const PAST: TimeDelta = TimeDelta::hours(24);

/// More openings than this within a day are a flapping.
const FLAPS: usize = 3;

/// Who is to be told what, now.
pub fn decide(situation: &Situation<'_>) -> Vec<Notification> {
    let mut found = Vec::new();
    for route in &situation.plan.routes {
        for (index, channel) in route.channels.iter().enumerate() {
            let key = channel_key(&route.name, index, &channel.kind);
            let mine = of_channel(situation, route, &key);
            let mine = merged(situation, &key, mine);
            found.extend(capped(situation, route, &key, mine));
        }
    }
    found
}

fn of_channel(situation: &Situation<'_>, route: &Route, channel: &Name) -> Vec<Notification> {
    let mut found = Vec::new();
    for incident in situation.incidents {
        let told: Vec<&Told> = situation
            .told
            .iter()
            .filter(|told| told.channel == *channel && told.incident == incident.id)
            .collect();
        let Some((reason, n)) = reason(situation, route, incident, &told) else {
            continue;
        };
        found.push(Notification {
            route: route.name.clone(),
            channel: channel.clone(),
            reason,
            n,
            incidents: vec![incident.clone()],
            at: situation.now,
            remark: String::new(),
        });
    }
    found
}

/// Why this channel should hear of this incident now; `None` when it should not.
fn reason(
    situation: &Situation<'_>,
    route: &Route,
    incident: &Incident,
    told: &[&Told],
) -> Option<(Reason, u32)> {
    let now = situation.now;
    let hears = matches(&route.matcher, incident) && incident.status >= route.level;
    let escalated = escalated(situation, route, incident, told);
    if !hears && told.is_empty() {
        return escalated;
    }
    if held_back(situation, route, incident) {
        return None;
    }
    let last = told
        .iter()
        .max_by_key(|told| (told.at, told.revision, told.n));
    let Some(last) = last else {
        return first_words(situation, route, incident).or(escalated);
    };
    if let Some(silence) = flapping(incident, told, last, now) {
        return silence;
    }
    if incident.over_at().is_some() {
        let known = matches!(last.reason, Reason::Resolved | Reason::Past);
        return (!known).then_some((Reason::Resolved, 0));
    }
    if !incident.is_on() {
        return None;
    }
    if incident.revision > last.revision {
        let reason = match incident.turn {
            Some(Turn::Opened) => Reason::Opened,
            Some(Turn::Reopened) => Reason::Reopened,
            Some(Turn::Worsened) => Reason::Worsened,
            Some(Turn::Eased) => Reason::Eased,
            Some(Turn::VerdictChanged) => Reason::VerdictChanged,
            Some(Turn::Acknowledged) => Reason::Acknowledged,
            Some(Turn::Resolved) | None => return None,
        };
        return Some((reason, 0));
    }
    let due = route.remind > TimeDelta::zero() && now - last.at >= route.remind;
    if due && incident.acknowledged.is_none() {
        let earlier = told
            .iter()
            .filter(|told| told.reason == Reason::Reminder)
            .count();
        return Some((Reason::Reminder, u32::try_from(earlier).unwrap_or(u32::MAX)));
    }
    escalated
}

/// Nothing was told yet.
fn first_words(
    situation: &Situation<'_>,
    route: &Route,
    incident: &Incident,
) -> Option<(Reason, u32)> {
    let now = situation.now;
    let opened = incident.opened_at?;
    if let Some(over) = incident.over_at() {
        // It came and went while a wait, a silence or an outage kept us from telling.
        return (now - over <= PAST && incident.number.is_some()).then_some((Reason::Past, 0));
    }
    if !incident.is_on() || now - opened < route.wait {
        return None;
    }
    let silenced =
        silences(situation, incident).any(|window| window.to > opened && window.to <= now);
    Some((
        if silenced {
            Reason::SilenceEnded
        } else {
            Reason::Opened
        },
        0,
    ))
}

/// Silences, mute calendars and quiet hours.
fn held_back(situation: &Situation<'_>, route: &Route, incident: &Incident) -> bool {
    let now = situation.now;
    if silences(situation, incident).any(|window| window.contains(now)) {
        return true;
    }
    let calendars = &situation.plan.calendars;
    let mut mute = route.mute.iter().filter_map(|name| calendars.get(name));
    if mute.any(|times| times.contains(now)) {
        return true;
    }
    let time: NaiveTime = situation.plan.project.calendar.local(now).time();
    !incident.primary && route.quiet.is_some_and(|quiet| quiet.contains(time))
}

fn silences<'a>(
    situation: &'a Situation<'_>,
    incident: &'a Incident,
) -> impl Iterator<Item = Window> + 'a {
    let planned = situation
        .plan
        .silences
        .iter()
        .map(|one| (&one.matcher, one.window));
    let given = situation
        .silences
        .iter()
        .map(|one| (&one.matcher, one.window));
    planned
        .chain(given)
        .filter(|(matcher, _)| matches(matcher, incident))
        .map(|(_, window)| window)
}

/// A matcher speaks of an incident when it speaks of one of its checks.
fn matches(matcher: &Matcher, incident: &Incident) -> bool {
    incident.members.iter().any(|check| {
        matcher.matches(&Facts {
            check,
            kind: &incident.kind,
            event: incident.event.as_ref(),
            owner: incident.owner.as_ref(),
            source: incident.source.as_ref(),
            primary: incident.primary,
        })
    })
}

/// After too many openings within a day: one notice, then silence until it is steady for a day.
fn flapping(
    incident: &Incident,
    told: &[&Told],
    last: &Told,
    now: Timestamp,
) -> Option<Option<(Reason, u32)>> {
    let lately = |at: Timestamp| now - at < TimeDelta::days(1);
    if last.reason == Reason::Flapping {
        let flipped = incident.over_at().or(incident.opened_at);
        let quiet = lately(last.at) || flipped.is_some_and(lately);
        return quiet.then_some(None);
    }
    let opened = |one: &&&Told| matches!(one.reason, Reason::Opened | Reason::Reopened);
    let flips = told.iter().filter(|one| lately(one.at)).filter(opened);
    (flips.count() > FLAPS).then_some(Some((Reason::Flapping, 0)))
}

/// This route is where another one escalates to, and nobody took the incident in time.
fn escalated(
    situation: &Situation<'_>,
    route: &Route,
    incident: &Incident,
    told: &[&Told],
) -> Option<(Reason, u32)> {
    let opened = incident.opened_at?;
    let asked = situation.plan.routes.iter().any(|from| {
        from.escalate.as_ref().is_some_and(|(after, to)| {
            *to == route.name
                && matches(&from.matcher, incident)
                && situation.now - opened >= *after
        })
    });
    // What came back is escalated again.
    let known = told
        .iter()
        .any(|one| one.reason == Reason::Escalated && one.at >= opened);
    (asked && incident.is_on() && incident.acknowledged.is_none() && !known)
        .then_some((Reason::Escalated, 0))
}

/// What is put in front of a message that several became one in.
const MANY: &str = "many messages wait for this channel, so these are told in one";

/// Merging happens here, before anything is frozen: a letter in the outbox is never changed.
/// Endings stay single, so that threads and receivers with keys close what they opened.
fn merged(situation: &Situation<'_>, channel: &Name, mine: Vec<Notification>) -> Vec<Notification> {
    let Some(waiting) = situation.queued.get(channel) else {
        return mine;
    };
    let waiting = usize::try_from(*waiting).unwrap_or(usize::MAX);
    if mine.len() < 2 || mine.len().saturating_add(waiting) <= DEEP {
        return mine;
    }
    let (ends, mut news): (Vec<_>, Vec<_>) = mine
        .into_iter()
        .partition(|one| one.reason == Reason::Resolved);
    if news.len() < 2 {
        news.extend(ends);
        return news;
    }
    news.sort_by_key(urgency);
    let mut one = news[0].clone();
    one.reason = Reason::Digest;
    one.n = 0;
    MANY.clone_into(&mut one.remark);
    one.incidents = news.into_iter().flat_map(|one| one.incidents).collect();
    std::iter::once(one).chain(ends).collect()
}

/// The worst first.
fn urgency(one: &Notification) -> Option<(bool, std::cmp::Reverse<Status>)> {
    one.incidents
        .first()
        .map(|incident| (!incident.primary, std::cmp::Reverse(incident.status)))
}

/// What is put in front of the message that uses up the cap.
const LAST: &str = "the daily limit of this route is reached; what follows waits until tomorrow";

/// The last message that the daily cap allows says so, and carries what else is to be told now.
fn capped(
    situation: &Situation<'_>,
    route: &Route,
    channel: &Name,
    mine: Vec<Notification>,
) -> Vec<Notification> {
    let sent = situation.sent_today.get(channel).copied().unwrap_or(0);
    let left = usize::try_from(route.daily.saturating_sub(sent)).unwrap_or(usize::MAX);
    // Endings are told whatever the cap: an opening without its end is worse than one message more.
    let (ends, mut news): (Vec<_>, Vec<_>) = mine
        .into_iter()
        .partition(|one| one.reason == Reason::Resolved);
    if news.len() >= left {
        news.sort_by_key(urgency);
        let rest = news.split_off(left.saturating_sub(1).min(news.len()));
        if left > 0 {
            news.extend(last(rest));
        }
    }
    news.extend(ends);
    news
}

fn last(mut rest: Vec<Notification>) -> Option<Notification> {
    let mut one = rest.first().cloned()?;
    LAST.clone_into(&mut one.remark);
    if rest.len() > 1 {
        one.reason = Reason::Digest;
        one.n = 0;
        one.incidents = rest.drain(..).flat_map(|one| one.incidents).collect();
    }
    Some(one)
}
