//! `PagerDuty` by its Events API v2: triggers, acknowledges and resolves under one key per incident,
//! so that a repeat changes nothing there.

use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::{Reader, SecretRef};
use crate::model::{Diagnostic, Timestamp};
use crate::notify::{Letter, Notification, Payload};
use crate::plan::{Decl, Form, Kind, Plan, Setting};
use crate::render;

use super::{Channel, Desk, Means, SendError, answer, read};

/// Where events are taken.
const USUAL: &str = "https://events.pagerduty.com";

pub(super) const KIND: Kind<dyn Channel> = Kind {
    name: "pagerduty",
    about: include_str!("../../docs/notifications.md"),
    settings: &[
        Setting {
            key: "to",
            about: "The integration key of a service (Events API v2)",
            form: Form::Secret,
            required: true,
            default: "",
        },
        Setting {
            key: "base_url",
            about: "Another address of the API, such as that of the EU region",
            form: Form::Url,
            required: false,
            default: USUAL,
        },
    ],
    mapping: &[],
    event_named: false,
    build,
};

struct PagerDuty {
    key: SecretRef,
    base: url::Url,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Channel>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    let key = reader.secret("to");
    if key.is_none() && !reader.has("to") {
        reader.missing(
            "to",
            "give the integration key: pagerduty = { env = \"PAGERDUTY_KEY\" }",
        );
    }
    let base = answer::base(&mut reader, USUAL);
    let complaints = reader.finish();
    match (key, base) {
        (Some(key), Some(base)) if complaints.is_empty() => Ok(Box::new(PagerDuty { key, base })),
        _ => Err(complaints),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    status: String,
    message: String,
    dedup_key: String,
    errors: Vec<String>,
}

#[async_trait]
impl Channel for PagerDuty {
    fn letter(&self, notification: &Notification, desk: &Desk<'_>) -> Payload {
        answer::frozen(&Value::Array(render::pagerduty::events(
            desk.plan,
            notification,
        )))
    }

    async fn send(
        &self,
        letter: &Letter,
        _earlier: &[String],
        now: Timestamp,
        means: &Means,
    ) -> Result<String, SendError> {
        let key = read(means, &self.key).await?;
        let mut receipt = String::new();
        let events = answer::thawed(letter)?;
        for event in events.as_array().into_iter().flatten() {
            let mut event = event.clone();
            event["routing_key"] = json!(key.expose_secret().trim());
            let url = answer::under(&self.base, "/v2/enqueue")?;
            let request = answer::post(url, event.to_string().into_bytes());
            let reply = answer::call(means, &request).await?;
            let told: Answer = serde_json::from_slice(&reply.body).unwrap_or_default();
            if !reply.is_success() {
                let detail = [vec![told.message], told.errors].concat().join("; ");
                return Err(answer::refusal("PagerDuty", &reply, &detail, now));
            }
            if told.status != "success" {
                return Err(SendError::Wait {
                    after: None,
                    why: format!("PagerDuty answered {} without `success`", reply.status),
                });
            }
            receipt = format!("key {}", answer::receipt(&told.dedup_key));
        }
        Ok(receipt)
    }

    async fn probe(&self, means: &Means) -> Result<String, SendError> {
        let key = read(means, &self.key).await?;
        let length = key.expose_secret().trim().len();
        if length == 32 {
            Ok("the key has the right form; only an event would tell more".to_owned())
        } else {
            Err(SendError::Refused {
                why: format!("an integration key has 32 characters, this one has {length}"),
            })
        }
    }

    fn spacing(&self) -> TimeDelta {
        TimeDelta::milliseconds(500)
    }

    fn receiver(&self) -> String {
        "PagerDuty service".to_owned()
    }
}
