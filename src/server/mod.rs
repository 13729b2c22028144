//! HTTP for others: health, numbers, a small JSON API and pages with forms. Reads the store, never
//! a source.

mod act;
mod api;
mod auth;
mod dto;
mod form;
mod metrics;
mod page;
mod problem;
mod report;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::daemon::World;

pub use auth::{Caller, Scope, create, hash};
pub use dto::silence;
pub use problem::Problem;

/// Largest body that is read, in bytes.
const LARGEST_BODY: usize = 1 << 20;

/// What every handler knows.
#[derive(Clone)]
pub struct Server {
    worlds: watch::Receiver<Arc<World>>,
    /// Reading without a token: only when nobody has one and we listen on loopback.
    open_reading: bool,
    /// Hash of the token of `[server] token`.
    configured: Option<[u8; 32]>,
    /// Asks the watcher to look at the configuration again.
    reload: Option<Arc<tokio::sync::Notify>>,
}

impl Server {
    /// `open_reading` must only be true on loopback addresses; `app` decides.
    pub fn new(
        worlds: watch::Receiver<Arc<World>>,
        open_reading: bool,
        configured: Option<[u8; 32]>,
        reload: Option<Arc<tokio::sync::Notify>>,
    ) -> Self {
        Self {
            worlds,
            open_reading,
            configured,
            reload,
        }
    }

    /// The world of now.
    fn world(&self) -> Arc<World> {
        Arc::clone(&self.worlds.borrow())
    }
}

/// Every route, with its limits and headers.
pub fn router(server: Server) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics::show))
        .route("/", get(page::overview))
        .route("/incidents", get(page::incidents))
        .route("/i/{number}", get(page::incident))
        .route("/i/{number}/acknowledge", post(form::acknowledge))
        .route("/i/{number}/silence", post(form::silence))
        .route("/i/{number}/label", post(form::label))
        .route("/i/{number}/resolve", post(form::resolve))
        .route("/checks/{name}", get(page::check))
        .route("/plan", get(page::plan))
        .route("/compare", get(page::compare))
        .route("/sources", get(page::sources_page))
        .route("/silences", get(page::silences))
        .route("/silences/{id}/end", post(form::end_silence))
        .route("/reports", get(report::list))
        .route("/reports/{name}", get(report::week))
        .route("/reports/kept/{label}", get(report::kept))
        .route("/sign-in", get(form::sign_in).post(form::signed_in))
        .route("/sign-out", post(form::sign_out))
        .route("/assets/style.css", get(page::style))
        .route("/assets/icon.svg", get(page::icon))
        .route("/api/v1/status", get(api::status))
        .route("/api/v1/checks", get(api::checks))
        .route("/api/v1/incidents", get(api::incidents))
        .route("/api/v1/incidents/{number}", get(api::incident))
        .route(
            "/api/v1/incidents/{number}/acknowledge",
            post(act::acknowledge),
        )
        .route("/api/v1/incidents/{number}/resolve", post(act::resolve))
        .route("/api/v1/incidents/{number}/label", post(act::label))
        .route("/api/v1/silences", get(api::silences).post(act::silence))
        .route("/api/v1/silences/{id}/end", post(act::end_silence))
        .route("/api/v1/marks", get(api::marks).post(act::mark))
        .route("/api/v1/counts", post(act::counts))
        .route("/api/v1/letters", get(api::letters))
        .route("/api/v1/letters/{id}/resend", post(act::resend))
        .route("/api/v1/reload", post(act::reload))
        .fallback(nowhere)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn(with_headers))
        .with_state(server)
}

/// Serves until `stop` turns true, then lets running answers end.
pub async fn serve(
    server: Server,
    listener: TcpListener,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let stopped = async move {
        while !*stop.borrow() {
            if stop.changed().await.is_err() {
                return;
            }
        }
    };
    axum::serve(listener, router(server))
        .with_graceful_shutdown(stopped)
        .await
}

async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready when the database answers and takes writes, and a round was committed since the start.
async fn readyz(State(server): State<Server>) -> Response {
    let world = server.world();
    if world.metrics.rounds.get() == 0 {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "the first round is not done yet\n",
        )
            .into_response();
    }
    if let Some(why) = world.store.trouble() {
        tracing::debug!("not ready: {why}");
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database takes no writes\n",
        )
            .into_response();
    }
    match world.store.next_letter().await {
        Ok(_) => "ready\n".into_response(),
        Err(why) => {
            tracing::error!("not ready: {why}");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer\n",
            )
                .into_response()
        }
    }
}

async fn nowhere() -> Problem {
    Problem::not_found("the addresses are listed in docs/api.md")
}

/// Headers that keep a browser from doing more than showing the page.
async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        // A page that stands by itself brings a policy of its own.
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
