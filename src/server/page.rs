//! Pages: what the store knows, put before people. Changing anything is in `form`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use chrono::TimeDelta;
use serde::Deserialize;

use crate::check;
use crate::daemon::{self, World};
use crate::incident::Incident;
use crate::model::{Baseline, Evaluation, Fingerprint, Grain, Name, Timestamp, Window};
use crate::notify::Silence;
use crate::render::history::History;
use crate::render::page::{self, Deed, SourceRow};

use super::api::numbered;
use super::form::{Refusal, frame};
use super::{Caller, Problem, Server};

type Page = Result<Html<String>, Refusal>;

/// Days that charts and strips show.
const SHOWN: TimeDelta = TimeDelta::days(29);

/// How far back the list of incidents looks.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

async fn past(world: &World, now: Timestamp) -> Result<Vec<Evaluation>, Problem> {
    let window = Window {
        from: now - SHOWN,
        to: now,
    };
    Ok(world.store.evaluations(window).await?)
}

/// What the baselines of these checks leave out.
async fn baselines(
    world: &Arc<World>,
    names: &[&Name],
    now: Timestamp,
) -> Result<BTreeMap<Name, Baseline>, Problem> {
    let wanted = world.checks.iter();
    let wanted: Vec<_> = wanted
        .filter(|one| names.contains(&&one.label().name))
        .cloned()
        .collect();
    Ok(daemon::baselines(world, &wanted, now).await?)
}

/// A check over the last 28 days: what was judged, what was read of a count, and what teaches.
async fn history(
    world: &World,
    (name, baseline): (&Name, Option<&Baseline>),
    source: Option<&Name>,
    past: &[Evaluation],
    now: Timestamp,
) -> Result<History, Problem> {
    let mine: Vec<&Evaluation> = past
        .iter()
        .filter(|one| one.check == *name && one.segment.is_empty())
        .filter(|one| source.is_none_or(|source| one.source.as_ref() == Some(source)))
        .filter(|one| !one.witness)
        .collect();
    let check = world.checks.iter().find(|one| one.label().name == *name);
    let readings = match check {
        Some(check) => daemon::chart(world, &**check, now).await?,
        None => Vec::new(),
    };
    Ok(History::of(&mine, &readings).with_baseline(baseline.cloned()))
}

async fn sources(world: &World, latest: &[Evaluation]) -> Result<Vec<SourceRow>, Problem> {
    let pulls = world.store.pulls().await?;
    let slots = world.store.last_slots().await?;
    let now = world.clock.now();
    let rows = world.plan.sources.iter().map(|source| {
        let name = &source.decl.name;
        let pulled = pulls.get(name);
        let pull = pulled.map(|(pull, _)| pull);
        let job = format!("pull:{name}");
        let next = world.jobs.iter().find(|one| one.name == job).map(|one| {
            let last = slots.get(&job).copied();
            last.and_then(|last| one.schedule.next(last))
                .map_or(now, |at| at + one.jitter)
        });
        SourceRow {
            name: name.clone(),
            kind: source.decl.kind.clone(),
            success: pulled.and_then(|(_, success)| *success),
            failure: pull.and_then(|pull| pull.failure.clone()),
            refused: pull.is_some_and(|pull| pull.refused),
            rows: pull.map_or(0, |pull| pull.rows),
            took: pull.map_or(TimeDelta::zero(), |pull| pull.took),
            notes: pull.map_or(Vec::new(), |pull| pull.notes.clone()),
            next,
            freshness: latest
                .iter()
                .find(|one| one.kind.as_str() == "freshness" && one.source.as_ref() == Some(name))
                .cloned(),
        }
    });
    Ok(rows.collect())
}

/// The overview.
pub(super) async fn overview(State(server): State<Server>, caller: Caller) -> Page {
    let (world, frame) = frame(&server, caller, "/")?;
    let now = world.clock.now();
    let latest = world.store.latest().await?;
    let past = past(&world, now).await?;
    let incidents: Vec<Incident> = world
        .store
        .incidents(now)
        .await?
        .into_iter()
        .filter(Incident::is_on)
        .collect();
    let mut charts = BTreeMap::new();
    let names: Vec<&Name> = incidents.iter().map(|one| &one.check).collect();
    let known = baselines(&world, &names, now).await?;
    for one in &incidents {
        let what = (&one.check, known.get(&one.check));
        let history = history(&world, what, one.source.as_ref(), &past, now).await?;
        charts.insert(one.number.unwrap_or(0), history);
    }
    let sources = sources(&world, &latest).await?;
    Ok(Html(page::overview(
        frame,
        &page::Overview {
            plan: &world.plan,
            latest: &latest,
            past: &past,
            incidents: &incidents,
            charts: &charts,
            sources: &sources,
            now,
        },
    )))
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(rename = "do")]
    deed: Option<String>,
}

/// One incident; with `?do=ack` and its like, the question whether to do it.
pub(super) async fn incident(
    State(server): State<Server>,
    caller: Caller,
    Path(number): Path<u32>,
    Query(wanted): Query<Wanted>,
) -> Page {
    let (world, frame) = frame(&server, caller, &format!("/i/{number}"))?;
    let found = numbered(&world, number).await?;
    let now = world.clock.now();
    if let Some(deed) = wanted.deed.as_deref().and_then(Deed::parse) {
        return Ok(Html(page::confirm(frame, &world.plan, &found, deed, now)));
    }
    let past = past(&world, now).await?;
    let known = baselines(&world, &[&found.check], now).await?;
    let what = (&found.check, known.get(&found.check));
    let history = history(&world, what, found.source.as_ref(), &past, now).await?;
    let members: Vec<Evaluation> = world
        .store
        .latest()
        .await?
        .into_iter()
        .filter(|one| found.members.contains(&one.check) && !one.witness)
        .filter(|one| one.segment.is_empty() && one.bucket.grain != Grain::Hour)
        .collect();
    let letters: Vec<_> = world
        .store
        .letters(Some(found.id), 100)
        .await?
        .into_iter()
        .map(|row| {
            let fate = match row.why {
                Some(why) if row.state != "delivered" => format!("{}: {why}", row.state),
                Some(_) | None => row.state,
            };
            let letter = row.letter;
            let why = letter.reason.word().to_owned();
            (letter.channel.to_string(), why, letter.written_at, fate)
        })
        .collect();
    let silences: Vec<Silence> = world
        .store
        .silences(now)
        .await?
        .into_iter()
        .filter(|one| one.window.contains(now) && one.matcher.matches(&facts(&found)))
        .collect();
    Ok(Html(page::incident(
        frame,
        &page::IncidentPage {
            plan: &world.plan,
            incident: &found,
            history: &history,
            members: &members,
            letters: &letters,
            silences: &silences,
            now,
        },
    )))
}

fn facts(one: &Incident) -> crate::model::Facts<'_> {
    crate::model::Facts {
        check: &one.check,
        kind: &one.kind,
        event: one.event.as_ref(),
        owner: one.owner.as_ref(),
        source: one.source.as_ref(),
        primary: one.primary,
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    show: Option<String>,
}

/// All incidents.
pub(super) async fn incidents(
    State(server): State<Server>,
    caller: Caller,
    Query(filter): Query<Filter>,
) -> Page {
    let (world, frame) = frame(&server, caller, "/incidents")?;
    let now = world.clock.now();
    let window = Window {
        from: now - REMEMBERED,
        to: now + TimeDelta::seconds(1),
    };
    let found = world.store.incidents_in(window).await?;
    let which = match filter.show.as_deref() {
        Some("open") => page::Which::Open,
        Some("over") => page::Which::Over,
        Some(_) | None => page::Which::All,
    };
    Ok(Html(page::incidents(
        frame,
        &world.plan,
        &found,
        which,
        now,
    )))
}

/// One check.
pub(super) async fn check(
    State(server): State<Server>,
    caller: Caller,
    Path(name): Path<String>,
) -> Page {
    let (world, frame) = frame(&server, caller, "/")?;
    let now = world.clock.now();
    let missing = || Problem::not_found("no check of the plan has this name");
    let found = world
        .checks
        .iter()
        .find(|one| one.label().name.as_str() == name)
        .ok_or_else(missing)?;
    let label = found.label();
    let seen: Vec<Evaluation> = world
        .store
        .latest()
        .await?
        .into_iter()
        .filter(|one| one.check == label.name)
        .collect();
    let past = past(&world, now).await?;
    let known = baselines(&world, &[&label.name], now).await?;
    let what = (&label.name, known.get(&label.name));
    let history = history(&world, what, None, &past, now).await?;
    let window = Window {
        from: now - REMEMBERED,
        to: now + TimeDelta::seconds(1),
    };
    let incidents: Vec<Incident> = world
        .store
        .incidents_in(window)
        .await?
        .into_iter()
        .filter(|one| one.number.is_some() && one.members.contains(&label.name))
        .collect();
    let about = check::KINDS
        .iter()
        .find(|kind| kind.name == label.kind)
        .map_or("", |kind| kind.about);
    Ok(Html(page::check(
        frame,
        &page::CheckPage {
            plan: &world.plan,
            name: label.name.as_str(),
            seen: &seen,
            history: &history,
            settings: &label.settings,
            incidents: &incidents,
            about,
            now,
        },
    )))
}

/// The tracking plan.
pub(super) async fn plan(State(server): State<Server>, caller: Caller) -> Page {
    let (world, frame) = frame(&server, caller, "/plan")?;
    let now = world.clock.now();
    let latest = world.store.latest().await?;
    let past = past(&world, now).await?;
    let mut last_seen: BTreeMap<Name, Timestamp> = BTreeMap::new();
    let arrived = past
        .iter()
        .filter(|one| one.kind.as_str() == "volume")
        .filter(|one| {
            let finding = one.outcome.finding();
            finding.is_some_and(|finding| finding.now.observed > 0.0)
        });
    for one in arrived {
        let Some(event) = &one.event else { continue };
        let at = last_seen.entry(event.clone()).or_insert(one.bucket.start);
        *at = one.bucket.start.max(*at);
    }
    Ok(Html(page::plan(
        frame,
        &page::PlanPage {
            plan: &world.plan,
            latest: &latest,
            past: &past,
            last_seen: &last_seen,
            now,
        },
    )))
}

/// Systems held against each other.
pub(super) async fn compare(State(server): State<Server>, caller: Caller) -> Page {
    let (world, frame) = frame(&server, caller, "/compare")?;
    let now = world.clock.now();
    let latest = world.store.latest().await?;
    let past = past(&world, now).await?;
    Ok(Html(page::compare(frame, &world.plan, &latest, &past, now)))
}

/// Every source.
pub(super) async fn sources_page(State(server): State<Server>, caller: Caller) -> Page {
    let (world, frame) = frame(&server, caller, "/sources")?;
    let latest = world.store.latest().await?;
    let found = sources(&world, &latest).await?;
    let now = world.clock.now();
    Ok(Html(page::sources(frame, &world.plan, &found, now)))
}

/// Every silence.
pub(super) async fn silences(State(server): State<Server>, caller: Caller) -> Page {
    let (world, frame) = frame(&server, caller, "/silences")?;
    let now = world.clock.now();
    let found = world.store.silences(now - TimeDelta::days(28)).await?;
    let planned: Vec<Silence> = world
        .plan
        .silences
        .iter()
        .filter(|one| one.window.to > now - TimeDelta::days(28))
        .map(|one| Silence {
            id: Fingerprint([0; 16]),
            matcher: one.matcher.clone(),
            window: one.window,
            reason: one.reason.clone(),
            by: format!("the plan, [silence.{}]", one.name),
        })
        .collect();
    Ok(Html(page::silences(
        frame,
        &world.plan,
        &found,
        &planned,
        now,
    )))
}

/// The style sheet.
pub(super) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=3600"),
    ];
    (headers, page::STYLE).into_response()
}

/// The mark in the browser's tab.
pub(super) async fn icon() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "max-age=86400"),
    ];
    (headers, page::ICON).into_response()
}
