//! Google Chat: a webhook of a space; one thread per incident, one request id per letter.

use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use crate::config::SecretRef;
use crate::model::{Diagnostic, Timestamp};
use crate::notify::{Letter, Notification, Payload};
use crate::plan::{Decl, Kind, Plan};
use crate::render;

use super::{Channel, Desk, Means, SendError, address, answer, read};

pub(super) const KIND: Kind<dyn Channel> = Kind {
    name: "google_chat",
    about: include_str!("../../docs/notifications.md"),
    settings: &[answer::to("The webhook's address, with its key and token")],
    mapping: &[],
    event_named: false,
    build,
};

struct GoogleChat {
    to: SecretRef,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Channel>, Vec<Diagnostic>> {
    let to = answer::webhook(
        decl,
        "say where to post: google_chat = { env = \"GOOGLE_CHAT_WEBHOOK\" }",
    )?;
    Ok(Box::new(GoogleChat { to }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    error: Detail,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    message: String,
}

#[async_trait]
impl Channel for GoogleChat {
    fn letter(&self, notification: &Notification, desk: &Desk<'_>) -> Payload {
        let thread = match notification.incidents.as_slice() {
            [one] => format!("truecount-{}", one.id.hex()),
            _ => format!("truecount-{}", desk.id.hex()),
        };
        answer::frozen(&render::google_chat::message(
            desk.plan,
            notification,
            &thread,
        ))
    }

    async fn send(
        &self,
        letter: &Letter,
        _earlier: &[String],
        now: Timestamp,
        means: &Means,
    ) -> Result<String, SendError> {
        let text = read(means, &self.to).await?;
        let mut url = address(text.expose_secret(), "the Google Chat webhook")?;
        let reply_option = url
            .query_pairs()
            .any(|(key, _)| key == "messageReplyOption");
        {
            let mut query = url.query_pairs_mut();
            if !reply_option {
                query.append_pair("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD");
            }
            // The same request id gives the message that was made by it before.
            query.append_pair("requestId", &letter.id.hex());
        }
        let request = answer::post(url, letter.payload.body.clone());
        let reply = answer::call(means, &request).await?;
        if reply.is_success() {
            let sent: Sent = serde_json::from_slice(&reply.body).unwrap_or_default();
            return Ok(answer::receipt(&sent.name).to_string());
        }
        let told: Refusal = serde_json::from_slice(&reply.body).unwrap_or_default();
        Err(answer::refusal(
            "Google Chat",
            &reply,
            &told.error.message,
            now,
        ))
    }

    async fn probe(&self, means: &Means) -> Result<String, SendError> {
        address(
            read(means, &self.to).await?.expose_secret(),
            "the Google Chat webhook",
        )?;
        Ok("the address can be read; only a message would tell more".to_owned())
    }

    fn spacing(&self) -> TimeDelta {
        TimeDelta::seconds(1)
    }

    fn receiver(&self) -> String {
        "Google Chat webhook".to_owned()
    }
}
