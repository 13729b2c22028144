//! Discord: a webhook of a channel.

use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use crate::config::SecretRef;
use crate::model::{Diagnostic, Timestamp};
use crate::net::{Request, json};
use crate::notify::{Letter, Notification, Payload};
use crate::plan::{Decl, Kind, Plan};
use crate::render;

use super::{Channel, Desk, Means, SendError, address, answer, read};

pub(super) const KIND: Kind<dyn Channel> = Kind {
    name: "discord",
    about: include_str!("../../docs/notifications.md"),
    settings: &[answer::to("The webhook's address")],
    mapping: &[],
    event_named: false,
    build,
};

struct Discord {
    to: SecretRef,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Channel>, Vec<Diagnostic>> {
    let to = answer::webhook(
        decl,
        "say where to post: discord = { env = \"DISCORD_WEBHOOK\" }",
    )?;
    Ok(Box::new(Discord { to }))
}

#[derive(Deserialize)]
struct Sent {
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    message: String,
    retry_after: Option<f64>,
}

impl Discord {
    async fn url(&self, means: &Means) -> Result<url::Url, SendError> {
        address(
            read(means, &self.to).await?.expose_secret(),
            "the Discord webhook",
        )
    }
}

#[async_trait]
impl Channel for Discord {
    fn letter(&self, notification: &Notification, desk: &Desk<'_>) -> Payload {
        answer::frozen(&render::discord::message(desk.plan, notification))
    }

    async fn send(
        &self,
        letter: &Letter,
        _earlier: &[String],
        now: Timestamp,
        means: &Means,
    ) -> Result<String, SendError> {
        let mut url = self.url(means).await?;
        // Without it Discord answers before the message is stored.
        if !url.query_pairs().any(|(key, _)| key == "wait") {
            url.query_pairs_mut().append_pair("wait", "true");
        }
        let request = answer::post(url, letter.payload.body.clone());
        let reply = answer::call(means, &request).await?;
        if reply.is_success() {
            let sent: Option<Sent> = serde_json::from_slice(&reply.body).ok();
            return Ok(sent.map_or_else(
                || reply.status.to_string(),
                |sent| format!("message {}", answer::receipt(&sent.id)),
            ));
        }
        let told: Refusal = serde_json::from_slice(&reply.body).unwrap_or_default();
        let refusal = answer::refusal("Discord", &reply, &told.message, now);
        Err(answer::or_after(refusal, told.retry_after))
    }

    /// A webhook's own address answers a GET with what it is.
    async fn probe(&self, means: &Means) -> Result<String, SendError> {
        #[derive(Deserialize)]
        struct About {
            name: Option<String>,
        }
        let reply = answer::call(means, &Request::get(self.url(means).await?)).await?;
        if !reply.is_success() {
            return Err(answer::refusal(
                "Discord",
                &reply,
                "",
                means.net.clock.now(),
            ));
        }
        let about: About = json("Discord", &reply).map_err(|why| SendError::Refused {
            why: why.to_string(),
        })?;
        let name = answer::receipt(about.name.as_deref().unwrap_or("without a name"));
        Ok(format!("the webhook exists: {name}"))
    }

    fn spacing(&self) -> TimeDelta {
        TimeDelta::milliseconds(500)
    }

    fn receiver(&self) -> String {
        "Discord webhook".to_owned()
    }
}
