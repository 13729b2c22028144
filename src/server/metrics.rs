//! `GET /metrics`: numbers of the process for everybody, numbers by check and event behind a token.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::incident::State as Life;
use crate::model::{Evaluation, Shape, Status};
use crate::telemetry::line;

use super::{Caller, Problem, Server};

/// `OpenMetrics` text.
pub(super) async fn show(
    State(server): State<Server>,
    caller: Caller,
) -> Result<Response, Problem> {
    let world = server.world();
    let mut text = world.metrics.text();
    if world.plan.server.open_metrics || caller.may_read().is_ok() {
        let latest = world.store.latest().await?;
        let open = world.store.incidents(world.clock.now()).await?;
        checks(&mut text, &latest);
        ratios(&mut text, &latest);
        family(
            &mut text,
            "truecount_incidents_open",
            "gauge",
            "Incidents by state",
        );
        for status in [Status::Warning, Status::Failing] {
            let count = open
                .iter()
                .filter(|one| matches!(one.state, Life::Open | Life::Recovering { .. }))
                .filter(|one| one.status == status)
                .count();
            line(
                &mut text,
                "truecount_incidents_open",
                &[("state", status.word())],
                count as f64,
            );
        }
        let name = "truecount_source_last_success_timestamp_seconds";
        family(&mut text, name, "gauge", "When each source last answered");
        for (source, (_, success)) in world.store.pulls().await? {
            if let Some(at) = success {
                line(
                    &mut text,
                    name,
                    &[("source", source.as_str())],
                    at.timestamp() as f64,
                );
            }
        }
    }
    let name = "truecount_build_info";
    family(&mut text, name, "gauge", "The version that runs");
    line(
        &mut text,
        name,
        &[("version", env!("CARGO_PKG_VERSION"))],
        1.0,
    );
    text.push_str("# EOF\n");
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

fn checks(text: &mut String, latest: &[Evaluation]) {
    let name = "truecount_check_state";
    family(
        text,
        name,
        "gauge",
        "0 OK, 1 warning, 2 failing, -1 no data",
    );
    for seen in latest
        .iter()
        .filter(|seen| !seen.witness && seen.segment.is_empty())
    {
        let value = match seen.outcome.status() {
            Some(Status::Ok) => 0.0,
            Some(Status::Warning) => 1.0,
            Some(Status::Failing) => 2.0,
            None => -1.0,
        };
        let grain = seen.bucket.grain.word();
        line(
            text,
            name,
            &[("check", seen.check.as_str()), ("grain", grain)],
            value,
        );
    }
}

/// Ratios are 0 to 1; a difference is signed.
fn ratios(text: &mut String, latest: &[Evaluation]) {
    for (kind, name, help) in [
        (
            "completeness",
            "truecount_completeness_ratio",
            "Events with all required parameters",
        ),
        (
            "compare",
            "truecount_discrepancy_ratio",
            "Signed difference to the baseline",
        ),
        (
            "traffic",
            "truecount_unknown_traffic_ratio",
            "Traffic without a usable source",
        ),
        (
            "volume",
            "truecount_event_count",
            "Events in the newest judged bucket",
        ),
    ] {
        family(text, name, "gauge", help);
        for seen in latest
            .iter()
            .filter(|seen| seen.kind.as_str() == kind && seen.segment.is_empty())
        {
            let Some(found) = seen.outcome.finding() else {
                continue;
            };
            let value = match found.shape {
                Shape::Count { value } => value,
                Shape::Ratio { k, n } if n > 0.0 => k / n,
                Shape::Pair { a, b } if b > 0.0 => a / b - 1.0,
                Shape::Ratio { .. } | Shape::Pair { .. } => continue,
            };
            let source = seen.source.as_ref().map_or("", |source| source.as_str());
            let grain = seen.bucket.grain.word();
            let labels = [
                ("check", seen.check.as_str()),
                ("source", source),
                ("grain", grain),
            ];
            line(text, name, &labels, value);
        }
    }
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
}
