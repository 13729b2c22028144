//! ntfy: push to phones, by the public server or one's own.

use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;

use crate::config::{Reader, SecretRef};
use crate::model::{Diagnostic, Timestamp};
use crate::net::Request;
use crate::notify::{Letter, Notification, Payload};
use crate::plan::{Decl, Form, Kind, Plan, Setting};
use crate::render;

use super::{Channel, Desk, Means, SendError, answer, read};

/// The public server.
const USUAL: &str = "https://ntfy.sh";

pub(super) const KIND: Kind<dyn Channel> = Kind {
    name: "ntfy",
    about: include_str!("../../docs/notifications.md"),
    settings: &[
        Setting {
            key: "to",
            about: "The topic; on a public server whoever knows it can read along",
            form: Form::Secret,
            required: true,
            default: "",
        },
        Setting {
            key: "token",
            about: "An access token, where the server wants one",
            form: Form::Secret,
            required: false,
            default: "",
        },
        Setting {
            key: "base_url",
            about: "Your own server",
            form: Form::Url,
            required: false,
            default: USUAL,
        },
    ],
    mapping: &[],
    event_named: false,
    build,
};

struct Ntfy {
    topic: SecretRef,
    token: Option<SecretRef>,
    base: url::Url,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Channel>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    let topic = reader.secret("to");
    if topic.is_none() && !reader.has("to") {
        reader.missing("to", "say which topic: ntfy = { env = \"NTFY_TOPIC\" }");
    }
    let token = reader
        .has("token")
        .then(|| reader.secret("token"))
        .flatten();
    let base = answer::base(&mut reader, USUAL);
    let complaints = reader.finish();
    match (topic, base) {
        (Some(topic), Some(base)) if complaints.is_empty() => {
            Ok(Box::new(Ntfy { topic, token, base }))
        }
        _ => Err(complaints),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    id: String,
    error: String,
}

impl Ntfy {
    async fn with_token(&self, request: Request, means: &Means) -> Result<Request, SendError> {
        let Some(token) = &self.token else {
            return Ok(request);
        };
        let token = read(means, token).await?;
        Ok(request.header(
            "authorization",
            &format!("Bearer {}", token.expose_secret().trim()),
        ))
    }
}

#[async_trait]
impl Channel for Ntfy {
    fn letter(&self, notification: &Notification, desk: &Desk<'_>) -> Payload {
        answer::frozen(&render::ntfy::message(desk.plan, notification))
    }

    async fn send(
        &self,
        letter: &Letter,
        _earlier: &[String],
        now: Timestamp,
        means: &Means,
    ) -> Result<String, SendError> {
        let mut body = answer::thawed(letter)?;
        body["topic"] = json!(read(means, &self.topic).await?.expose_secret().trim());
        // JSON goes to the root of the server; headers would have to be ASCII.
        let url = answer::under(&self.base, "/")?;
        let request = answer::post(url, body.to_string().into_bytes());
        let reply = answer::call(means, &self.with_token(request, means).await?).await?;
        let told: Answer = serde_json::from_slice(&reply.body).unwrap_or_default();
        if reply.is_success() && !told.id.is_empty() {
            return Ok(format!("message {}", answer::receipt(&told.id)));
        }
        if reply.is_success() {
            return Err(SendError::Wait {
                after: None,
                why: "ntfy answered 200 without a message id".to_owned(),
            });
        }
        Err(answer::refusal("ntfy", &reply, &told.error, now))
    }

    async fn probe(&self, means: &Means) -> Result<String, SendError> {
        read(means, &self.topic).await?;
        let request = Request::get(answer::under(&self.base, "/v1/health")?);
        let reply = answer::call(means, &self.with_token(request, means).await?).await?;
        if reply.is_success() {
            return Ok("the server answers".to_owned());
        }
        Err(answer::refusal("ntfy", &reply, "", means.net.clock.now()))
    }

    /// The public server takes one in five seconds after a burst; 429 says so when it is too much.
    fn spacing(&self) -> TimeDelta {
        TimeDelta::seconds(1)
    }

    fn receiver(&self) -> String {
        format!("ntfy at {}", self.base.host_str().unwrap_or("a server"))
    }
}
