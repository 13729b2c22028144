//! Alertmanager v2: alerts that must be posted again while they last, or they end by themselves.

use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::config::{Reader, SecretRef};
use crate::model::{Code, Diagnostic, Timestamp};
use crate::net::Request;
use crate::notify::{Letter, Notification, Payload};
use crate::plan::{Decl, Form, Kind, Plan, Setting};
use crate::render;

use super::{Channel, Desk, Means, SendError, answer, read};

/// An alert that is not posted again ends after this time: four posts may be lost.
const ENDS_AFTER: TimeDelta = TimeDelta::minutes(10);

/// How often alerts that last are posted again.
const RENEW: TimeDelta = TimeDelta::minutes(2);

pub(super) const KIND: Kind<dyn Channel> = Kind {
    name: "alertmanager",
    about: include_str!("../../docs/notifications.md"),
    settings: &[
        Setting {
            key: "to",
            about: "Addresses of all instances of the cluster",
            form: Form::Texts,
            required: true,
            default: "",
        },
        Setting {
            key: "token",
            about: "A bearer token, where a proxy wants one",
            form: Form::Secret,
            required: false,
            default: "",
        },
    ],
    mapping: &[],
    event_named: false,
    build,
};

struct Alertmanager {
    to: Vec<url::Url>,
    token: Option<SecretRef>,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Channel>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    let mut to = Vec::new();
    for (text, at) in reader.texts("to").unwrap_or_default() {
        let url = url::Url::parse(&text).ok();
        match url.filter(|url| matches!(url.scheme(), "http" | "https")) {
            Some(url) if url.password().is_none() => to.push(url),
            Some(_) => reader.complain(
                Diagnostic::error(Code(310), "a password is written in the address")
                    .at(at, "anyone who can read this file can use it")
                    .help("use token = { env = \"ALERTMANAGER_TOKEN\" }"),
            ),
            None => reader.complain(
                Diagnostic::error(Code(105), format!("`{text}` is not an http address"))
                    .at(at, "cannot be read")
                    .help("write it like alertmanager = \"http://alertmanager.internal:9093\""),
            ),
        }
    }
    let token = reader
        .has("token")
        .then(|| reader.secret("token"))
        .flatten();
    if !reader.has("to") {
        reader.missing(
            "to",
            "say where: alertmanager = \"http://alertmanager.internal:9093\"",
        );
    }
    let complaints = reader.finish();
    if complaints.is_empty() && !to.is_empty() {
        Ok(Box::new(Alertmanager { to, token }))
    } else {
        Err(complaints)
    }
}

impl Alertmanager {
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

    async fn post(
        &self,
        base: &url::Url,
        body: &Value,
        now: Timestamp,
        means: &Means,
    ) -> Result<(), SendError> {
        let url = answer::under(base, "/api/v2/alerts")?;
        let request = answer::post(url, body.to_string().into_bytes());
        let reply = answer::call(means, &self.with_token(request, means).await?).await?;
        if reply.is_success() {
            return Ok(());
        }
        // 400 comes as a bare JSON string or as an object with `message`.
        let told: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let detail = told
            .as_str()
            .or_else(|| told["message"].as_str())
            .unwrap_or("");
        Err(answer::refusal("Alertmanager", &reply, detail, now))
    }
}

#[async_trait]
impl Channel for Alertmanager {
    fn letter(&self, notification: &Notification, desk: &Desk<'_>) -> Payload {
        answer::frozen(&Value::Array(render::alertmanager::alerts(
            desk.plan,
            notification,
        )))
    }

    /// Instances of a cluster do not tell each other of alerts: each is posted to. One that takes it
    /// is enough for a yes, the others get it when alerts are posted again.
    async fn send(
        &self,
        letter: &Letter,
        _earlier: &[String],
        now: Timestamp,
        means: &Means,
    ) -> Result<String, SendError> {
        let mut body = answer::thawed(letter)?;
        let ends = (now + ENDS_AFTER).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        for alert in body.as_array_mut().into_iter().flatten() {
            if alert.get("endsAt").is_none() {
                alert["endsAt"] = json!(ends);
            }
        }
        let mut taken = 0_usize;
        let mut refusal = None;
        for base in &self.to {
            match self.post(base, &body, now, means).await {
                Ok(()) => taken += 1,
                // Busy comes before refused: it may still be taken.
                Err(why) => match (&refusal, &why) {
                    (Some(SendError::Wait { .. }), SendError::Refused { .. }) => {}
                    _ => refusal = Some(why),
                },
            }
        }
        match refusal {
            Some(why) if taken == 0 => Err(why),
            _ => Ok(format!("taken by {taken} of {}", self.to.len())),
        }
    }

    async fn probe(&self, means: &Means) -> Result<String, SendError> {
        for base in &self.to {
            let request = Request::get(answer::under(base, "/-/ready")?);
            let reply = answer::call(means, &self.with_token(request, means).await?).await?;
            if !reply.is_success() {
                return Err(answer::refusal(
                    "Alertmanager",
                    &reply,
                    "",
                    means.net.clock.now(),
                ));
            }
        }
        Ok(format!("{} ready", self.to.len()))
    }

    fn renews(&self) -> Option<TimeDelta> {
        Some(RENEW)
    }

    fn spacing(&self) -> TimeDelta {
        TimeDelta::zero()
    }

    fn receiver(&self) -> String {
        let hosts: Vec<&str> = self.to.iter().filter_map(url::Url::host_str).collect();
        format!("Alertmanager {}", hosts.join(", "))
    }
}
