//! The reading half of the JSON API.

use axum::Json;
use axum::extract::{Path, Query, State};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::daemon::World;
use crate::incident::{self, Incident};
use crate::model::{Status, Window};
use crate::render;

use super::dto::{self, CheckResult};
use super::{Caller, Problem, Server};

/// How far back lists look without being asked.
const RECENT: TimeDelta = TimeDelta::days(28);

/// An answer or a problem.
type Answer = Result<Json<Value>, Problem>;

/// Everything on one screen: counts by state, sources, letters that nobody took.
pub(super) async fn status(State(server): State<Server>, caller: Caller) -> Answer {
    caller.may_read()?;
    let world = server.world();
    let now = world.clock.now();
    let latest = world.store.latest().await?;
    let of = |status: Option<Status>| {
        latest
            .iter()
            .filter(|seen| !seen.witness && seen.outcome.status() == status)
            .count()
    };
    let open = world.store.incidents(now).await?;
    let pulls = world.store.pulls().await?;
    let dead = world.store.letters(None, 100).await?;
    Ok(Json(json!({
        "version": 1,
        "project": world.plan.project.id.as_str(),
        "name": world.plan.project.name.as_str(),
        "now": dto::time(now),
        "checks": {
            "ok": of(Some(Status::Ok)),
            "warning": of(Some(Status::Warning)),
            "failing": of(Some(Status::Failing)),
            "no_data": of(None),
        },
        "incidents_open": open.iter().filter(|one| is_told(one)).count(),
        "sources": pulls.values().map(|(pull, success)| dto::pull(pull, *success)).collect::<Vec<_>>(),
        "dead_letters": dead.iter().filter(|row| row.state == "dead").count(),
    })))
}

/// Which results are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckFilter {
    /// Only this check.
    check: Option<String>,
    /// Only this status: `ok`, `warning`, `failing` or `no_data`.
    status: Option<String>,
}

/// The newest result of every check.
pub(super) async fn checks(
    State(server): State<Server>,
    caller: Caller,
    Query(filter): Query<CheckFilter>,
) -> Answer {
    caller.may_read()?;
    let latest = server.world().store.latest().await?;
    let word =
        |seen: &crate::model::Evaluation| seen.outcome.status().map_or("no_data", Status::word);
    let results: Vec<CheckResult> = latest
        .iter()
        .filter(|seen| {
            filter
                .check
                .as_ref()
                .is_none_or(|name| seen.check.as_str() == name)
        })
        .filter(|seen| {
            filter
                .status
                .as_ref()
                .is_none_or(|status| word(seen) == status)
        })
        .map(CheckResult::of)
        .collect();
    Ok(Json(json!({ "version": 1, "checks": results })))
}

fn is_told(incident: &Incident) -> bool {
    matches!(
        incident.state,
        incident::State::Open | incident::State::Recovering { .. }
    )
}

pub(super) fn incident_value(world: &World, incident: &Incident) -> Value {
    let mut value = render::webhook::incident(&world.plan, incident);
    value["life"] = json!(dto::state(&incident.state));
    value["opened_at"] = json!(incident.opened_at.map(dto::time));
    value["changed_at"] = json!(dto::time(incident.changed_at));
    value["acknowledged"] = incident.acknowledged.as_ref().map_or(
        Value::Null,
        |(by, at)| json!({ "by": by, "at": dto::time(*at) }),
    );
    value
}

/// Incidents of the last 28 days, newest first.
pub(super) async fn incidents(State(server): State<Server>, caller: Caller) -> Answer {
    caller.may_read()?;
    let world = server.world();
    let now = world.clock.now();
    let window = Window {
        from: now - RECENT,
        to: now + TimeDelta::seconds(1),
    };
    let found = world.store.incidents_in(window).await?;
    let list: Vec<Value> = found
        .iter()
        .filter(|one| one.number.is_some())
        .map(|one| incident_value(&world, one))
        .collect();
    Ok(Json(json!({ "version": 1, "incidents": list })))
}

/// One incident with its letters.
pub(super) async fn incident(
    State(server): State<Server>,
    caller: Caller,
    Path(number): Path<u32>,
) -> Answer {
    caller.may_read()?;
    let world = server.world();
    let found = numbered(&world, number).await?;
    let letters = world.store.letters(Some(found.id), 100).await?;
    let mut value = incident_value(&world, &found);
    value["letters"] = letters.iter().map(dto::letter).collect();
    Ok(Json(json!({ "version": 1, "incident": value })))
}

/// The incident that people call by this number.
pub(super) async fn numbered(world: &World, number: u32) -> Result<Incident, Problem> {
    let missing = || Problem::not_found(format!("no incident has the number {number}"));
    world.store.incident(number).await?.ok_or_else(missing)
}

/// Silences in force and those that ended in the last 28 days.
pub(super) async fn silences(State(server): State<Server>, caller: Caller) -> Answer {
    caller.may_read()?;
    let world = server.world();
    let found = world.store.silences(world.clock.now() - RECENT).await?;
    Ok(Json(
        json!({ "version": 1, "silences": found.iter().map(dto::silence).collect::<Vec<_>>() }),
    ))
}

/// Marks of the last 28 days.
pub(super) async fn marks(State(server): State<Server>, caller: Caller) -> Answer {
    caller.may_read()?;
    let world = server.world();
    let now = world.clock.now();
    let found = world
        .store
        .marks(Window {
            from: now - RECENT,
            to: now + RECENT,
        })
        .await?;
    Ok(Json(
        json!({ "version": 1, "marks": found.iter().map(dto::mark).collect::<Vec<_>>() }),
    ))
}

/// Letters that nobody took.
pub(super) async fn letters(State(server): State<Server>, caller: Caller) -> Answer {
    caller.may_read()?;
    let found = server.world().store.letters(None, 100).await?;
    Ok(Json(
        json!({ "version": 1, "letters": found.iter().map(dto::letter).collect::<Vec<_>>() }),
    ))
}
