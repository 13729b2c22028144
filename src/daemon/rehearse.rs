//! Rehearsal: what a check would have said in the past, at each sensitivity, from kept readings.
//!
//! The steps of the daemon are repeated at the end of each bucket: the evidence as it was known then, the
//! check, the share of the alert budget, the life of incidents. Nothing is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::check::{self, Check, Evidence, Label, Line, Promise};
use crate::incident::{self, Incident, State, Turn};
use crate::model::{AsOf, Grain, Question, Reading, Timestamp, Window};
use crate::plan::Plan;
use crate::store::StoreError;

use super::evidence::{Surroundings, history, needs, only_busy, surroundings, troubled};
use super::{REOPEN, World, look};

/// The sensitivities, from the quietest.
const WORDS: [&str; 3] = ["quiet", "normal", "strict"];

/// A bucket first seen this long after its end was fetched later than the daemon would have done.
const LATE: TimeDelta = TimeDelta::days(1);

/// Every change of a reading is looked at for this long, as in a round.
const VINTAGES: TimeDelta = TimeDelta::days(90);

/// What one sensitivity would have said.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// `quiet`, `normal` or `strict`; `as set` where a check has none.
    pub sensitivity: &'static str,
    /// Whether the plan has it so now.
    pub is_now: bool,
    /// The incidents that would have been opened, oldest first.
    pub alerts: Vec<Incident>,
}

/// A rehearsal of one check.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsal {
    /// The time that was walked through.
    pub window: Window,
    /// How often the check was asked.
    pub looks: usize,
    /// Buckets that were fetched so late that their final number had to stand for the first one.
    pub fetched_late: usize,
    /// Buckets in all.
    pub buckets: usize,
    /// By sensitivity, from the quietest.
    pub tried: Vec<Tried>,
    /// Incidents of this check that people called real or noise.
    pub labelled: Vec<Incident>,
}

impl Rehearsal {
    /// How many labelled incidents an alert list meets, and how many there are.
    pub fn met(&self, tried: &Tried, label: incident::Label) -> (usize, usize) {
        let of: Vec<&Incident> = self
            .labelled
            .iter()
            .filter(|one| one.label == Some(label))
            .collect();
        let met = |one: &&&Incident| {
            let meets = |alert: &Incident| window(alert).overlaps(&window(one));
            tried.alerts.iter().any(meets)
        };
        (of.iter().filter(met).count(), of.len())
    }
}

fn window(of: &Incident) -> Window {
    Window {
        from: of.first.start,
        to: of.last.end,
    }
}

/// Everything that is known of what a check asks: each bucket's readings, oldest first.
struct Known {
    lines: BTreeMap<Question, Vec<Line>>,
    fetched_late: usize,
    buckets: usize,
}

/// Rehearses a check from `since` until now. `None` when there is no such check.
pub async fn rehearse(
    world: &Arc<World>,
    name: &str,
    since: Timestamp,
) -> Result<Option<Rehearsal>, StoreError> {
    let now = world.clock.now();
    let Some(check) = world
        .checks
        .iter()
        .find(|one| one.label().name.as_str() == name)
    else {
        return Ok(None);
    };
    let around = surroundings(world, now).await?;
    let known = known(world, check, &around, since, now).await?;
    let memory = Window {
        from: since,
        to: now,
    };
    let mut labelled = world.store.incidents_in(memory).await?;
    labelled.retain(|one| {
        let called = matches!(
            one.label,
            Some(incident::Label::Real | incident::Label::Noise)
        );
        called && one.members.contains(&check.label().name)
    });
    let looked = look(world, now).await?;
    let tests = check::tests(&looked.seen).max(1);
    let walk = Walk {
        plan: Arc::clone(&world.plan),
        promise: Promise {
            per_week: looked.allowed.promise.per_week / tests as f64,
        },
        looks: looks(world, check, &known, since, now),
        known,
        around,
    };
    let (set, label) = (current(&**check), check.label().clone());
    let work = move || {
        let tried = walk.tried(&label, set.as_deref());
        (walk, tried)
    };
    let Ok((walk, tried)) = tokio::task::spawn_blocking(work).await else {
        return Ok(None);
    };
    Ok(Some(Rehearsal {
        window: memory,
        looks: walk.looks.len(),
        fetched_late: walk.known.fetched_late,
        buckets: walk.known.buckets,
        tried,
        labelled,
    }))
}

/// The sensitivity of a check as the plan has it; `None` for kinds without one.
fn current(check: &dyn Check) -> Option<String> {
    let settings = check.label().settings.iter();
    let mut words = settings.filter(|(key, ..)| key == "sensitivity");
    words.next().map(|(_, word, _)| word.clone())
}

/// The readings of everything the check asks, from so far back that its first look has a past too.
async fn known(
    world: &World,
    check: &Arc<dyn Check>,
    around: &Surroundings,
    since: Timestamp,
    now: Timestamp,
) -> Result<Known, StoreError> {
    let wanted = needs(
        std::slice::from_ref(check),
        now,
        &world.plan.project.calendar,
    );
    let mut windows = wanted.always;
    windows.extend(wanted.changed);
    windows.append(&mut only_busy(world, wanted.busy, now).await?);
    for window in windows.values_mut() {
        window.from -= now - since;
    }
    let mut lines = history(&*world.store, &windows, AsOf::Every).await?;
    let (mut late, mut buckets) = (0, 0);
    for (question, found) in &mut lines {
        let state = around.sources.get(&question.source);
        let arrives = state.map_or(TimeDelta::zero(), |state| state.arrives);
        let settles = state.map_or(TimeDelta::zero(), |state| state.settles);
        for reading in found.iter_mut().filter(|one| one.segment.is_empty()) {
            let mut before = None;
            for one in &mut reading.readings {
                if before != Some(one.bucket.label) {
                    before = Some(one.bucket.label);
                    let in_window = one.bucket.start >= since;
                    buckets += usize::from(in_window);
                    if one.age() > arrives.max(settles) + LATE {
                        one.seen_at = one.bucket.end + arrives;
                        late += usize::from(in_window);
                    }
                }
            }
        }
    }
    Ok(Known {
        lines,
        fetched_late: late,
        buckets,
    })
}

/// When the check is asked: after each bucket has arrived, by the hour where it knows hours.
fn looks(
    world: &World,
    check: &Arc<dyn Check>,
    known: &Known,
    since: Timestamp,
    now: Timestamp,
) -> Vec<Timestamp> {
    let calendar = &world.plan.project.calendar;
    let hourly = known.lines.iter().any(|(question, lines)| {
        question.grain == Grain::Hour && lines.iter().any(|line| !line.readings.is_empty())
    });
    let grain = if hourly { Grain::Hour } else { Grain::Day };
    let questions = check.needs(now, calendar);
    let arrives = questions
        .iter()
        .filter_map(|need| world.taps.get(&need.question.source))
        .map(|tap| tap.decl.arrives.unwrap_or_else(|| tap.source.arrives()))
        .max()
        .unwrap_or_default();
    let window = Window {
        from: since,
        to: now,
    };
    calendar
        .buckets(grain, window)
        .into_iter()
        .map(|bucket| bucket.end + arrives + TimeDelta::minutes(1))
        .filter(|at| *at <= now)
        .collect()
}

/// One walk through the past.
struct Walk {
    plan: Arc<Plan>,
    /// What one test has of the promise of the plan.
    promise: Promise,
    looks: Vec<Timestamp>,
    known: Known,
    around: Arc<Surroundings>,
}

impl Walk {
    /// Each sensitivity in a thread of its own; a check without any is tried as it is set.
    fn tried(&self, label: &Label, set: Option<&str>) -> Vec<Tried> {
        let words: &[&'static str] = if set.is_some() { &WORDS } else { &["as set"] };
        let one = |word: &'static str| {
            let plan = Plan::clone(&self.plan);
            let plan = if set.is_some() {
                plan.with_sensitivity(&label.name, label.kind, label.event.as_ref(), word)
            } else {
                plan
            };
            let mut checks = check::checks(&plan).into_iter();
            let check = checks.find(|one| one.label().name == label.name);
            Tried {
                sensitivity: word,
                is_now: set.is_none_or(|set| set == word),
                alerts: check.map_or(Vec::new(), |check| self.alerts(&*check)),
            }
        };
        std::thread::scope(|scope| {
            let one = &one;
            let start = |&word| scope.spawn(move || one(word));
            let tasks: Vec<_> = words.iter().map(start).collect();
            tasks
                .into_iter()
                .filter_map(|task| task.join().ok())
                .collect()
        })
    }

    fn alerts(&self, check: &dyn Check) -> Vec<Incident> {
        let mut all: Vec<Incident> = Vec::new();
        let mut opened = Vec::new();
        for &now in &self.looks {
            let seen = self.evaluate(check, &all, now);
            let share = Promise {
                per_week: self.promise.per_week * check::tests(&seen) as f64,
            };
            let seen = check::budget(seen, &share);
            let recent: Vec<Incident> = all
                .iter()
                .filter(|one| match one.state {
                    State::Resolved { at } => at > now - REOPEN,
                    _ => true,
                })
                .cloned()
                .collect();
            for change in incident::round(&recent, &seen, &self.around.marks, &self.plan, now) {
                let mut after = change.after;
                if after.number.is_none() && change.turn == Some(Turn::Opened) {
                    after.number = u32::try_from(opened.len() + 1).ok();
                }
                if change.turn == Some(Turn::Opened) {
                    opened.push(after.id);
                }
                match all.iter_mut().find(|one| one.id == after.id) {
                    Some(one) => *one = after,
                    None => all.push(after),
                }
            }
        }
        all.retain(|one| opened.contains(&one.id));
        all.sort_by_key(|one| (one.opened_at, one.first.start));
        all
    }

    fn evaluate(
        &self,
        check: &dyn Check,
        incidents: &[Incident],
        now: Timestamp,
    ) -> Vec<crate::model::Evaluation> {
        let calendar = &self.plan.project.calendar;
        let (mut newest, mut every) = (BTreeMap::new(), BTreeMap::new());
        for need in check.needs(now, calendar) {
            let Some(lines) = self.known.lines.get(&need.question) else {
                continue;
            };
            let within = |from: Timestamp| {
                let line = |line: &Line| Line {
                    segment: line.segment.clone(),
                    readings: line
                        .readings
                        .iter()
                        .filter(|one| one.bucket.start >= from && one.seen_at <= now)
                        .cloned()
                        .collect(),
                };
                lines.iter().map(line).collect::<Vec<Line>>()
            };
            let young = within(need.window.from.max(now - VINTAGES));
            let mut known = within(need.window.from);
            for line in &mut known {
                line.readings = newest_of_each(std::mem::take(&mut line.readings));
            }
            every.insert(need.question.clone(), young);
            newest.insert(need.question, known);
        }
        let mut sources = self.around.sources.clone();
        for state in sources.values_mut() {
            state.last_success = Some(now);
            state.last_try = Some(now);
            state.failure = None;
        }
        let (unanswerable, troubled) = (BTreeMap::new(), troubled(incidents, now));
        check.evaluate(&Evidence {
            now,
            calendar,
            history: &newest,
            vintages: &every,
            changes: &BTreeMap::new(),
            unanswerable: &unanswerable,
            sources: &sources,
            marks: &self.around.marks,
            troubled: &troubled,
        })
    }
}

/// Readings of a bucket stand together, oldest first: the last of each stays.
fn newest_of_each(readings: Vec<Reading>) -> Vec<Reading> {
    let mut kept: Vec<Reading> = Vec::with_capacity(readings.len());
    for one in readings {
        match kept.last_mut() {
            Some(last) if last.bucket.label == one.bucket.label => *last = one,
            _ => kept.push(one),
        }
    }
    kept
}
