//! Telegram: a bot writes to a chat; what belongs to one incident answers its first message.

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

/// Where bots are served.
const USUAL: &str = "https://api.telegram.org";

pub(super) const KIND: Kind<dyn Channel> = Kind {
    name: "telegram",
    about: include_str!("../../docs/notifications.md"),
    settings: &[
        Setting {
            key: "token",
            about: "The bot's token",
            form: Form::Secret,
            required: true,
            default: "",
        },
        Setting {
            key: "chat",
            about: "The chat's id, such as -1001234567890, or @name of a public channel",
            form: Form::Text,
            required: true,
            default: "",
        },
        Setting {
            key: "topic",
            about: "The topic's number, in a group with topics",
            form: Form::Whole,
            required: false,
            default: "",
        },
        Setting {
            key: "base_url",
            about: "Another address of the bot API",
            form: Form::Url,
            required: false,
            default: USUAL,
        },
    ],
    mapping: &[],
    event_named: false,
    build,
};

struct Telegram {
    token: SecretRef,
    chat: String,
    topic: Option<u64>,
    base: url::Url,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Channel>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    let token = reader.secret("token");
    if token.is_none() && !reader.has("token") {
        reader.missing(
            "token",
            "a bot needs its token: token = { env = \"TELEGRAM_TOKEN\" }",
        );
    }
    let chat = reader.required_text("chat", "say which chat: chat = \"-1001234567890\"");
    let topic = reader.has("topic").then(|| reader.whole("topic")).flatten();
    let base = answer::base(&mut reader, USUAL);
    let complaints = reader.finish();
    match (token, chat, base) {
        (Some(token), Some(chat), Some(base)) if complaints.is_empty() => Ok(Box::new(Telegram {
            token,
            chat,
            topic,
            base,
        })),
        _ => Err(complaints),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    ok: bool,
    description: String,
    result: Sent,
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    message_id: i64,
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    retry_after: Option<f64>,
    migrate_to_chat_id: Option<i64>,
}

impl Telegram {
    async fn url(&self, means: &Means, method: &str) -> Result<url::Url, SendError> {
        let token = read(means, &self.token).await?;
        let token = token.expose_secret().trim();
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-');
        if token.is_empty() || !token.chars().all(known) {
            return Err(SendError::Refused {
                why: "the Telegram token is not one: it looks like 123456:ABC-DEF".to_owned(),
            });
        }
        answer::under(&self.base, &format!("/bot{token}/{method}"))
    }
}

#[async_trait]
impl Channel for Telegram {
    fn letter(&self, notification: &Notification, desk: &Desk<'_>) -> Payload {
        answer::frozen(&json!({
            "text": render::telegram::text(desk.plan, notification),
            "parse_mode": "HTML",
            "link_preview_options": { "is_disabled": true },
        }))
    }

    async fn send(
        &self,
        letter: &Letter,
        earlier: &[String],
        now: Timestamp,
        means: &Means,
    ) -> Result<String, SendError> {
        let mut body = answer::thawed(letter)?;
        body["chat_id"] = json!(self.chat);
        if let Some(topic) = self.topic {
            body["message_thread_id"] = json!(topic);
        }
        let first = earlier
            .first()
            .and_then(|receipt| receipt.strip_prefix("message "));
        if let Some(first) = first.and_then(|id| id.parse::<i64>().ok()) {
            body["reply_parameters"] =
                json!({ "message_id": first, "allow_sending_without_reply": true });
        }
        let url = self.url(means, "sendMessage").await?;
        let reply = answer::call(means, &answer::post(url, body.to_string().into_bytes())).await?;
        let told: Answer = serde_json::from_slice(&reply.body).unwrap_or_default();
        if reply.is_success() && told.ok {
            return Ok(format!("message {}", told.result.message_id));
        }
        if let Some(id) = told.parameters.migrate_to_chat_id {
            return Err(SendError::Refused {
                why: format!("the Telegram group became a supergroup; write chat = \"{id}\""),
            });
        }
        if reply.is_success() {
            // 200 with anything but `ok` comes from something in between.
            return Err(SendError::Wait {
                after: None,
                why: "Telegram answered 200 without `ok`".to_owned(),
            });
        }
        let refusal = answer::refusal("Telegram", &reply, &told.description, now);
        Err(answer::or_after(refusal, told.parameters.retry_after))
    }

    async fn probe(&self, means: &Means) -> Result<String, SendError> {
        let url = self.url(means, "getMe").await?;
        let reply = answer::call(means, &Request::get(url)).await?;
        let told: Answer = serde_json::from_slice(&reply.body).unwrap_or_default();
        if reply.is_success() && told.ok {
            let name = answer::receipt(&told.result.username);
            return Ok(format!("the token is that of {name}"));
        }
        let now = means.net.clock.now();
        Err(answer::refusal("Telegram", &reply, &told.description, now))
    }

    /// A group takes 20 messages a minute, any chat one a second.
    fn spacing(&self) -> TimeDelta {
        TimeDelta::seconds(3)
    }

    fn receiver(&self) -> String {
        format!("Telegram chat {}", self.chat)
    }
}
