//! What people do on pages: sign in, take, mute, label and end. Each form posts, changes one thing
//! and redirects; without the seal of our own pages nothing is changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::TimeDelta;

use crate::daemon::{self, World};
use crate::incident::{Event, Label};
use crate::model::{Fingerprint, Matcher, Name};
use crate::render::page::{self, Frame};

use super::act::{Wish, end, mute};
use super::api::numbered;
use super::auth::{COOKIE, hash};
use super::{Caller, Problem, Scope, Server};

/// The fields of a form.
type Fields = BTreeMap<String, String>;

/// Days that a browser stays signed in.
const SIGNED_IN: TimeDelta = TimeDelta::days(30);

/// Longest silence that a form can ask for, in hours.
const LONGEST_SILENCE: i64 = 24 * 90;

/// Why a page is not shown.
pub(super) enum Refusal {
    /// The reader is asked for a token and comes back.
    SignIn(String),
    /// A page says why.
    Told(Problem),
}

impl<T: Into<Problem>> From<T> for Refusal {
    fn from(why: T) -> Self {
        Self::Told(why.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(next) => {
                let address = format!("/sign-in?next={}", page::encoded(&next));
                Redirect::to(&address).into_response()
            }
            Self::Told(why) => {
                let text = page::problem(why.title(), why.detail());
                (why.status(), Html(text)).into_response()
            }
        }
    }
}

/// The world and what surrounds a page, for whoever may read.
pub(super) fn frame(
    server: &Server,
    caller: Caller,
    here: &str,
) -> Result<(Arc<World>, Frame), Refusal> {
    let world = server.world();
    if let Err(why) = caller.may_read() {
        return Err(if caller.is_nobody() {
            Refusal::SignIn(here.to_owned())
        } else {
            Refusal::Told(why)
        });
    }
    let frame = Frame::new(&world.plan, world.clock.now(), caller.hand());
    Ok((world, frame))
}

fn field<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Problem> {
    fields
        .get(name)
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Problem::bad_request(format!("the field `{name}` is empty")))
}

fn sealed(caller: Caller, fields: &Fields) -> Result<(), Problem> {
    caller.may_act(fields.get("seal").map_or("", String::as_str))
}

/// Only addresses of our own pages.
fn local(next: &str) -> &str {
    let safe = next.starts_with('/')
        && !next.starts_with("//")
        && next.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if safe { next } else { "/" }
}

/// Asks for a token.
pub(super) async fn sign_in(
    State(server): State<Server>,
    Query(query): Query<Fields>,
) -> Html<String> {
    let world = server.world();
    let frame = Frame::new(&world.plan, world.clock.now(), page::Hand::Nobody);
    let next = query.get("next").map_or("/", |next| local(next));
    Html(page::sign_in(frame, next, false))
}

/// Takes a token: the browser keeps it where no script can read it.
pub(super) async fn signed_in(
    State(server): State<Server>,
    Form(fields): Form<Fields>,
) -> Result<Response, Refusal> {
    let world = server.world();
    let token = fields.get("token").map_or("", |token| token.trim());
    let next = fields.get("next").map_or("/", |next| local(next));
    let scope = server.scope_of(&hash(token)).await?;
    let plain = token
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b';');
    if !plain || scope.is_none_or(|scope| scope < Scope::Read) {
        let frame = Frame::new(&world.plan, world.clock.now(), page::Hand::Nobody);
        let text = page::sign_in(frame, next, true);
        return Ok((StatusCode::UNAUTHORIZED, Html(text)).into_response());
    }
    let url = world.plan.project.url.as_ref();
    let secure = if url.is_some_and(|url| url.scheme() == "https") {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
        SIGNED_IN.num_seconds()
    );
    Ok(with_cookie(Redirect::to(next).into_response(), &cookie))
}

/// Forgets the token.
pub(super) async fn sign_out() -> Response {
    let cookie = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    with_cookie(Redirect::to("/").into_response(), &cookie)
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

async fn change(server: &Server, number: u32, event: Event<'_>) -> Result<Response, Refusal> {
    let world = server.world();
    let found = numbered(&world, number).await?;
    daemon::act(&world, &found, event, world.clock.now()).await?;
    Ok(Redirect::to(&format!("/i/{number}")).into_response())
}

/// A person takes an incident.
pub(super) async fn acknowledge(
    State(server): State<Server>,
    caller: Caller,
    Path(number): Path<u32>,
    Form(fields): Form<Fields>,
) -> Result<Response, Refusal> {
    sealed(caller, &fields)?;
    let by = Name::clean(field(&fields, "by")?);
    change(&server, number, Event::Acknowledged { by: by.as_str() }).await
}

/// A person ends an incident.
pub(super) async fn resolve(
    State(server): State<Server>,
    caller: Caller,
    Path(number): Path<u32>,
    Form(fields): Form<Fields>,
) -> Result<Response, Refusal> {
    sealed(caller, &fields)?;
    let by = Name::clean(field(&fields, "by")?);
    change(&server, number, Event::Ended { by: by.as_str() }).await
}

/// A person says what an incident was.
pub(super) async fn label(
    State(server): State<Server>,
    caller: Caller,
    Path(number): Path<u32>,
    Form(fields): Form<Fields>,
) -> Result<Response, Refusal> {
    sealed(caller, &fields)?;
    let label = match field(&fields, "label")? {
        "real" => Label::Real,
        "expected" => Label::Expected,
        "noise" => Label::Noise,
        other => {
            let why = format!("`{other}` is not a label: use real, expected or noise");
            return Err(Problem::bad_request(why).into());
        }
    };
    change(&server, number, Event::Labelled(label)).await
}

/// Mutes the checks of an incident.
pub(super) async fn silence(
    State(server): State<Server>,
    caller: Caller,
    Path(number): Path<u32>,
    Form(fields): Form<Fields>,
) -> Result<Response, Refusal> {
    sealed(caller, &fields)?;
    let world = server.world();
    let found = numbered(&world, number).await?;
    let hours = field(&fields, "hours")?
        .parse::<i64>()
        .ok()
        .filter(|hours| (1..=LONGEST_SILENCE).contains(hours))
        .ok_or_else(|| Problem::bad_request("`hours` is a whole number from 1 to 2160"))?;
    let now = world.clock.now();
    let wish = Wish {
        matcher: Matcher {
            checks: found.members.iter().map(ToString::to_string).collect(),
            ..Matcher::default()
        },
        from: now,
        to: now + TimeDelta::hours(hours),
        reason: field(&fields, "reason")?.to_owned(),
        by: field(&fields, "by")?.to_owned(),
    };
    mute(&world, wish).await?;
    Ok(Redirect::to(&format!("/i/{number}")).into_response())
}

/// Ends a silence now.
pub(super) async fn end_silence(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    Form(fields): Form<Fields>,
) -> Result<Response, Refusal> {
    sealed(caller, &fields)?;
    let id = Fingerprint::parse(&id).ok_or_else(|| Problem::not_found("that is no silence id"))?;
    end(&server.world(), id).await?;
    Ok(Redirect::to("/silences").into_response())
}
