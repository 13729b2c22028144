//! Pages: read-only, from the store.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use chrono::TimeDelta;

use crate::daemon::{self, World};
use crate::incident::Incident;
use crate::model::{Reading, Window};
use crate::render::page;

use super::api::numbered;
use super::{Caller, Problem, Server};

/// The overview.
pub(super) async fn overview(
    State(server): State<Server>,
    caller: Caller,
) -> Result<Html<String>, Problem> {
    caller.may_read()?;
    let world = server.world();
    let now = world.clock.now();
    let latest = world.store.latest().await?;
    let past = world
        .store
        .evaluations(Window {
            from: now - TimeDelta::days(29),
            to: now,
        })
        .await?;
    let incidents: Vec<Incident> = world
        .store
        .incidents(now)
        .await?
        .into_iter()
        .filter(Incident::is_on)
        .collect();
    let mut charts = BTreeMap::new();
    for one in &incidents {
        charts.insert(one.number.unwrap_or(0), past_of(&world, one).await?);
    }
    let sources: Vec<_> = world
        .store
        .pulls()
        .await?
        .into_iter()
        .map(|(name, (pull, success))| (name, success, pull.failure))
        .collect();
    Ok(Html(page::overview(&page::Overview {
        plan: &world.plan,
        latest: &latest,
        past: &past,
        incidents: &incidents,
        charts: &charts,
        sources: &sources,
        now,
    })))
}

async fn past_of(world: &World, incident: &Incident) -> Result<Vec<Reading>, Problem> {
    let check = world
        .checks
        .iter()
        .find(|check| check.label().name == incident.check);
    match check {
        Some(check) => Ok(daemon::chart(world, &**check, world.clock.now()).await?),
        None => Ok(Vec::new()),
    }
}

/// One incident.
pub(super) async fn incident(
    State(server): State<Server>,
    caller: Caller,
    Path(number): Path<u32>,
) -> Result<Html<String>, Problem> {
    caller.may_read()?;
    let world = server.world();
    let found = numbered(&world, number).await?;
    let past = past_of(&world, &found).await?;
    Ok(Html(page::incident(
        &world.plan,
        &found,
        &past,
        world.clock.now(),
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
