//! Pages of audits: the archive, and any week made anew from what is stored.

use std::path::PathBuf;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

use crate::daemon::{self, Stretch, World};
use crate::model::Period;
use crate::render::{audit, page};

use super::form::{Refusal, frame};
use super::{Caller, Problem, Server};

/// Audits are whole pages with a style of their own: no script, no other host, no form.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Most lines of the archive.
const KEPT: usize = 200;

/// The archive.
pub(super) async fn list(
    State(server): State<Server>,
    caller: Caller,
) -> Result<Html<String>, Refusal> {
    let (world, frame) = frame(&server, caller, "/reports")?;
    let folder = world.archive.clone();
    let kept = tokio::task::spawn_blocking(move || labels(folder))
        .await
        .unwrap_or_default();
    let calendar = &world.plan.project.calendar;
    let now = world.clock.now();
    let newest = [Period::Week, Period::Month]
        .map(|period| Stretch::last(period, calendar, now).label(calendar));
    Ok(Html(page::reports(frame, &kept, &newest)))
}

/// Labels of the audits in the archive, newest first.
fn labels(folder: Option<PathBuf>) -> Vec<String> {
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    let mut found: Vec<String> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let label = name.strip_suffix(".html")?;
            is_label(label).then(|| label.to_owned())
        })
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.truncate(KEPT);
    found
}

/// Labels are made of digits, letters and dashes: nothing that leaves the folder.
fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 40
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// An audit as it was kept when it was sent.
pub(super) async fn kept(
    State(server): State<Server>,
    caller: Caller,
    Path(label): Path<String>,
) -> Result<Response, Refusal> {
    let (world, _) = frame(&server, caller, "/reports")?;
    let missing = || Problem::not_found("no audit of this name was kept");
    let folder = world.archive.clone().filter(|_| is_label(&label));
    let path = folder.ok_or_else(missing)?.join(format!("{label}.html"));
    let text = tokio::task::spawn_blocking(move || std::fs::read_to_string(path))
        .await
        .map_err(|_| missing())?
        .map_err(|_| missing())?;
    Ok(shown("text/html; charset=utf-8", text))
}

/// The audit of a week or month from what is stored now: `2026-W47` or `2026-11` as a page, `.csv`, `.json` or `.txt`.
pub(super) async fn week(
    State(server): State<Server>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let (world, _) = frame(&server, caller, "/reports")?;
    let (label, form) = name.split_once('.').unwrap_or((&name, "html"));
    let made = made(&world, label).await?;
    Ok(match form {
        "html" => shown("text/html; charset=utf-8", audit::page(&made.report)),
        "csv" => shown("text/csv; charset=utf-8", audit::csv(&made.report)),
        "json" => shown("application/json", audit::json(&made.report)),
        "txt" => shown("text/plain; charset=utf-8", audit::text(&made.report)),
        _ => return Err(Problem::not_found("an audit is .html, .csv, .json or .txt").into()),
    })
}

async fn made(world: &std::sync::Arc<World>, label: &str) -> Result<daemon::Audit, Problem> {
    let calendar = &world.plan.project.calendar;
    let now = world.clock.now();
    let stretch = Stretch::named(calendar, label)
        .filter(|stretch| stretch.window.from < now)
        .ok_or_else(|| {
            Problem::not_found(
                "that is no week or month of the past; write it like 2026-W47 or 2026-11",
            )
        })?;
    Ok(daemon::collect(world, stretch, now).await?)
}

fn shown(kind: &'static str, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, text).into_response()
}
