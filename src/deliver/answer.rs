//! What every channel over HTTP has in common: its address, one POST, and what a status code means.

use crate::config::{Reader, SecretRef};
use crate::model::{Diagnostic, Timestamp};
use crate::net::{Method, Reply, Request, retry_after, shown_start};
use crate::plan::{Decl, Form, Setting};

use super::{Means, SendError, unreached};

/// Longest time for one call.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);

/// Longest answer that is read.
const ANSWER: usize = 64 << 10;

/// The one setting of a channel that is nothing but a secret address.
pub(super) const fn to(about: &'static str) -> Setting {
    Setting {
        key: "to",
        about,
        form: Form::Secret,
        required: true,
        default: "",
    }
}

/// Reads that setting; `remedy` shows how it is written.
pub(super) fn webhook(decl: &Decl, remedy: &str) -> Result<SecretRef, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    let to = reader.secret("to");
    if to.is_none() && !reader.has("to") {
        reader.missing("to", remedy);
    }
    let complaints = reader.finish();
    to.filter(|_| complaints.is_empty()).ok_or(complaints)
}

/// A POST of frozen JSON.
pub(super) fn post(url: url::Url, body: Vec<u8>) -> Request {
    Request {
        method: Method::Post,
        body,
        timeout: TIMEOUT,
        limit: ANSWER,
        ..Request::get(url)
    }
    .header("content-type", "application/json; charset=utf-8")
}

/// Calls once. Redirects are not followed by `net`.
pub(super) async fn call(means: &Means, request: &Request) -> Result<Reply, SendError> {
    let outcome = means.net.call(request).await;
    outcome.map_err(|why| unreached(&why))
}

/// What an answer that is no yes means: busy and broken receivers are asked again (never before
/// their own wish), everything else is for people to mend. `detail` is what the vendor says.
pub(super) fn refusal(who: &str, reply: &Reply, detail: &str, now: Timestamp) -> SendError {
    let said = if detail.is_empty() {
        shown_start(&reply.body)
    } else {
        shown_start(detail.as_bytes())
    };
    let why = format!("{who} answered {}: {said}", reply.status);
    match reply.status {
        408 | 425 | 429 | 500..=599 => SendError::Wait {
            after: retry_after(reply, now),
            why,
        },
        300..=399 => SendError::Refused {
            why: format!(
                "{who} answered {}: redirects are not followed",
                reply.status
            ),
        },
        _ => SendError::Refused { why },
    }
}

/// What a receiver calls the message: one short line, without secrets should it repeat the call.
/// Not masked further, as ids of messages look like telephone numbers.
pub(super) fn receipt(text: &str) -> crate::model::Name {
    crate::model::Name::clean(&crate::secret::masked(text))
}

/// A `Retry-After` that the vendor writes into the body, in seconds with a fraction, when the
/// header is missing.
pub(super) fn or_after(refusal: SendError, seconds: Option<f64>) -> SendError {
    match (refusal, seconds) {
        (SendError::Wait { after: None, why }, Some(seconds))
            if seconds.is_finite() && seconds >= 0.0 =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "clamped to a day")]
            let millis = (seconds.min(86_400.0) * 1_000.0).ceil() as i64;
            SendError::Wait {
                after: Some(chrono::TimeDelta::milliseconds(millis)),
                why,
            }
        }
        (refusal, _) => refusal,
    }
}

/// An address of the vendor's API under `base_url`.
pub(super) fn under(base: &url::Url, path: &str) -> Result<url::Url, SendError> {
    super::address(
        &format!("{}{path}", base.as_str().trim_end_matches('/')),
        "base_url",
    )
}

/// `base_url`, or the vendor's own; a wrong one was complained about by the reader.
pub(super) fn base(reader: &mut crate::config::Reader<'_>, usual: &str) -> Option<url::Url> {
    if reader.has("base_url") {
        reader.url("base_url")
    } else {
        url::Url::parse(usual).ok()
    }
}

/// JSON as a frozen body.
pub(super) fn frozen(body: &serde_json::Value) -> crate::notify::Payload {
    crate::notify::Payload {
        content_type: "application/json".to_owned(),
        body: body.to_string().into_bytes(),
        extra: std::collections::BTreeMap::new(),
    }
}

/// A frozen body as JSON again, for what is added at each attempt.
pub(super) fn thawed(letter: &crate::notify::Letter) -> Result<serde_json::Value, SendError> {
    serde_json::from_slice(&letter.payload.body).map_err(|why| SendError::Refused {
        why: format!("the frozen message is damaged: {why}"),
    })
}
