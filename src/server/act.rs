//! The writing half of the JSON API: what people and scripts do.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::DateTime;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::daemon::{self, World};
use crate::incident::{Event, Label};
use crate::model::{Digest, Fingerprint, Mark, MarkKind, Matcher, Name, Timestamp, Window};
use crate::notify::Silence;
use crate::source::push;

use super::api::{incident_value, numbered};
use super::{Caller, Problem, Server, dto};

type Answer = Result<Json<Value>, Problem>;

/// A body with a good word for what is wrong with it.
fn body<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Problem> {
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|why| Problem::bad_request(why.to_string()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct By {
    #[serde(default = "somebody")]
    by: String,
}

fn somebody() -> String {
    "the API".to_owned()
}

async fn change(server: &Server, number: u32, event: Event<'_>) -> Answer {
    let world = server.world();
    let found = numbered(&world, number).await?;
    let after = daemon::act(&world, &found, event, world.clock.now()).await?;
    Ok(Json(
        json!({ "version": 1, "incident": incident_value(&world, &after) }),
    ))
}

/// The same by the person whose name is in the body.
async fn signed(
    server: &Server,
    caller: &Caller,
    number: u32,
    bytes: &Bytes,
    event: for<'a> fn(&'a str) -> Event<'a>,
) -> Answer {
    caller.may_write()?;
    let By { by } = body(bytes)?;
    change(server, number, event(Name::clean(&by).as_str())).await
}

/// A person takes an incident.
pub(super) async fn acknowledge(
    State(server): State<Server>,
    caller: Caller,
    Path(number): Path<u32>,
    bytes: Bytes,
) -> Answer {
    signed(&server, &caller, number, &bytes, |by| Event::Acknowledged {
        by,
    })
    .await
}

/// A person ends an incident.
pub(super) async fn resolve(
    State(server): State<Server>,
    caller: Caller,
    Path(number): Path<u32>,
    bytes: Bytes,
) -> Answer {
    signed(&server, &caller, number, &bytes, |by| Event::Ended { by }).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Labelled {
    label: String,
}

/// A person says what an incident was.
pub(super) async fn label(
    State(server): State<Server>,
    caller: Caller,
    Path(number): Path<u32>,
    bytes: Bytes,
) -> Answer {
    caller.may_write()?;
    let label = match body::<Labelled>(&bytes)?.label.as_str() {
        "real" => Label::Real,
        "expected" => Label::Expected,
        "noise" => Label::Noise,
        other => {
            let why = format!("`{other}` is not a label: use real, expected or noise");
            return Err(Problem::bad_request(why));
        }
    };
    change(&server, number, Event::Labelled(label)).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSilence {
    #[serde(default)]
    checks: Vec<String>,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    owners: Vec<String>,
    #[serde(default)]
    sources: Vec<String>,
    from: Option<String>,
    to: String,
    reason: String,
    #[serde(default = "somebody")]
    by: String,
}

fn moment(text: &str, field: &str) -> Result<Timestamp, Problem> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .map_err(|_| {
            let why = format!("`{field}` is `{text}`; write it like 2026-11-24T18:00:00Z");
            Problem::bad_request(why)
        })
}

/// A silence needs a reason and an end.
pub(super) async fn silence(State(server): State<Server>, caller: Caller, bytes: Bytes) -> Answer {
    caller.may_write()?;
    let given: NewSilence = body(&bytes)?;
    let world = server.world();
    let now = world.clock.now();
    let from = given
        .from
        .as_deref()
        .map(|text| moment(text, "from"))
        .transpose()?
        .unwrap_or(now);
    let to = moment(&given.to, "to")?;
    let wish = Wish {
        matcher: Matcher {
            checks: given.checks,
            events: given.events,
            owners: given.owners,
            sources: given.sources,
            primary_only: false,
        },
        from,
        to,
        reason: given.reason,
        by: given.by,
    };
    let silence = mute(&world, wish).await?;
    Ok(Json(
        json!({ "version": 1, "silence": dto::silence(&silence) }),
    ))
}

/// A silence as somebody wishes it.
pub(super) struct Wish {
    pub(super) matcher: Matcher,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) reason: String,
    pub(super) by: String,
}

/// Keeps a silence; the same wish twice is one silence.
pub(super) async fn mute(world: &World, wish: Wish) -> Result<Silence, Problem> {
    if wish.to <= wish.from.max(world.clock.now()) {
        return Err(Problem::bad_request(
            "`to` lies before the silence begins or in the past",
        ));
    }
    if wish.reason.trim().is_empty() {
        return Err(Problem::bad_request(
            "`reason` is empty: whoever reads this later wants to know why",
        ));
    }
    let mut digest = Digest::new("silence.1");
    digest
        .text(&format!("{:?}", wish.matcher))
        .text(&dto::time(wish.from))
        .text(&dto::time(wish.to))
        .text(&wish.reason);
    let silence = Silence {
        id: digest.fingerprint(),
        matcher: wish.matcher,
        window: Window {
            from: wish.from,
            to: wish.to,
        },
        reason: Name::clean(&wish.reason).to_string(),
        by: Name::clean(&wish.by).to_string(),
    };
    world.store.silence(&silence).await?;
    world.stir.notify_one();
    Ok(silence)
}

/// Ends a silence now.
pub(super) async fn end_silence(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    caller.may_write()?;
    let id = Fingerprint::parse(&id).ok_or_else(|| Problem::not_found("that is no silence id"))?;
    let silence = end(&server.world(), id).await?;
    Ok(Json(
        json!({ "version": 1, "silence": dto::silence(&silence) }),
    ))
}

/// Lets a silence end now.
pub(super) async fn end(world: &World, id: Fingerprint) -> Result<Silence, Problem> {
    let now = world.clock.now();
    let known = world.store.silences(now).await?;
    let missing = || Problem::not_found("no silence in force has this id");
    let mut silence = known
        .into_iter()
        .find(|one| one.id == id)
        .ok_or_else(missing)?;
    silence.window.to = now.max(silence.window.from);
    world.store.silence(&silence).await?;
    world.stir.notify_one();
    Ok(silence)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMark {
    name: String,
    #[serde(default = "release")]
    kind: String,
    at: Option<String>,
    source: Option<String>,
}

fn release() -> String {
    MarkKind::Release.word().to_owned()
}

/// A release, a campaign, or anything else that may explain a change.
pub(super) async fn mark(
    State(server): State<Server>,
    caller: Caller,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    caller.may_push()?;
    let given: NewMark = body(&bytes)?;
    let world = server.world();
    let kind = MarkKind::parse(&given.kind).ok_or_else(|| {
        let known: Vec<&str> = MarkKind::ALL.iter().map(|kind| kind.word()).collect();
        Problem::bad_request(format!(
            "`{}` is not a kind: use {}",
            given.kind,
            known.join(", ")
        ))
    })?;
    let at = given
        .at
        .as_deref()
        .map(|text| moment(text, "at"))
        .transpose()?;
    let mark = Mark {
        at: at.unwrap_or_else(|| world.clock.now()),
        kind,
        name: Name::parse(&given.name)
            .map_err(|why| Problem::bad_request(format!("`name`: {why}")))?,
        source: given.source.as_deref().map(Name::clean),
    };
    world.store.mark(&mark).await?;
    Ok((
        StatusCode::CREATED,
        Json(json!({ "version": 1, "mark": dto::mark(&mark) })),
    ))
}

/// Counts posted from anywhere: all of them are taken, or none.
pub(super) async fn counts(
    State(server): State<Server>,
    caller: Caller,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    caller.may_push()?;
    let world = server.world();
    let now = world.clock.now();
    let posted = push::parse(&bytes, &world.plan, now).map_err(|errors| {
        let wrong = match errors.len() {
            1 => "a field is wrong".to_owned(),
            count => format!("{count} fields are wrong"),
        };
        let list = errors
            .iter()
            .map(|error| json!({ "field": error.field, "why": error.why }))
            .collect();
        Problem::refused(format!("{wrong}; nothing was kept"), list)
    })?;
    let kept = world
        .store
        .push(&posted.source, &posted.observations, now)
        .await?;
    world.stir.notify_one();
    let answer = json!({ "version": 1, "read": posted.observations.len(), "changed": kept });
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// Puts a dead letter back into the outbox.
pub(super) async fn resend(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    caller.may_write()?;
    let world = server.world();
    let id = Fingerprint::parse(&id).ok_or_else(|| Problem::not_found("that is no letter id"))?;
    if !world.store.resend(id, world.clock.now()).await? {
        return Err(Problem::not_found("no dead letter has this id"));
    }
    world.letters_wait.notify_one();
    Ok(Json(json!({ "version": 1, "resent": id.hex() })))
}

/// Asks for the configuration to be read again. What comes of it is in the log, on the page and in
/// the metrics: a wrong configuration changes nothing.
pub(super) async fn reload(
    State(server): State<Server>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    caller.may_write()?;
    match &server.reload {
        Some(reload) => {
            reload.notify_one();
            Ok(StatusCode::ACCEPTED)
        }
        None => Err(Problem::not_found(
            "this process does not read its configuration again",
        )),
    }
}
