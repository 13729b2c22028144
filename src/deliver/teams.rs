//! Microsoft Teams: the webhook of a workflow. A yes says that the workflow began, not more.

use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;

use crate::config::SecretRef;
use crate::model::{Diagnostic, Timestamp};
use crate::notify::{Letter, Notification, Payload};
use crate::plan::{Decl, Kind, Plan};
use crate::render;

use super::{Channel, Desk, Means, SendError, address, answer, read};

pub(super) const KIND: Kind<dyn Channel> = Kind {
    name: "teams",
    about: include_str!("../../docs/notifications.md"),
    settings: &[answer::to(
        "The address of a workflow that begins when a Teams webhook request is received",
    )],
    mapping: &[],
    event_named: false,
    build,
};

struct Teams {
    to: SecretRef,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Channel>, Vec<Diagnostic>> {
    let to = answer::webhook(
        decl,
        "say where to post: teams = { env = \"TEAMS_WEBHOOK\" }",
    )?;
    Ok(Box::new(Teams { to }))
}

#[async_trait]
impl Channel for Teams {
    fn letter(&self, notification: &Notification, desk: &Desk<'_>) -> Payload {
        answer::frozen(&render::teams::message(desk.plan, notification))
    }

    async fn send(
        &self,
        letter: &Letter,
        _earlier: &[String],
        now: Timestamp,
        means: &Means,
    ) -> Result<String, SendError> {
        // Port and query stay as they are: the signature is in them.
        let url = address(
            read(means, &self.to).await?.expose_secret(),
            "the Teams webhook",
        )?;
        let request = answer::post(url, letter.payload.body.clone());
        let reply = answer::call(means, &request).await?;
        if reply.is_success() {
            return Ok(reply.status.to_string());
        }
        Err(answer::refusal("Teams", &reply, "", now))
    }

    async fn probe(&self, means: &Means) -> Result<String, SendError> {
        address(
            read(means, &self.to).await?.expose_secret(),
            "the Teams webhook",
        )?;
        Ok("the address can be read; only a message would tell more".to_owned())
    }

    fn spacing(&self) -> TimeDelta {
        TimeDelta::milliseconds(500)
    }

    fn receiver(&self) -> String {
        "Teams workflow".to_owned()
    }
}
