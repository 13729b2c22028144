//! Slack: an incoming webhook, or a bot token that keeps one thread per incident.

use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;

use crate::config::{Reader, SecretRef};
use crate::model::{Diagnostic, Timestamp};
use crate::net::{Reply, Request, retry_after, shown_start};
use crate::notify::{Letter, Notification, Payload, Reason};
use crate::plan::{Decl, Form, Kind, Plan, Setting};
use crate::render;

use super::{Channel, Desk, Means, SendError, address, read, unreached};

pub(super) const KIND: Kind<dyn Channel> = Kind {
    name: "slack",
    about: include_str!("../../docs/notifications.md"),
    settings: &[
        Setting {
            key: "to",
            about: "An incoming webhook",
            form: Form::Secret,
            required: false,
            default: "",
        },
        Setting {
            key: "token",
            about: "A bot token, in place of a webhook",
            form: Form::Secret,
            required: false,
            default: "",
        },
        Setting {
            key: "channel",
            about: "The channel's id, with a token",
            form: Form::Text,
            required: false,
            default: "",
        },
        Setting {
            key: "base_url",
            about: "Another address of Slack's API",
            form: Form::Url,
            required: false,
            default: "https://slack.com",
        },
    ],
    mapping: &[],
    event_named: false,
    build,
};

enum Way {
    Webhook(SecretRef),
    Bot {
        token: SecretRef,
        channel: String,
        base: url::Url,
    },
}

struct Slack {
    way: Way,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Channel>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    let way = if reader.has("token") {
        let token = reader.secret("token");
        let channel = reader.required_text(
            "channel",
            "a bot needs the channel's id: channel = \"C0123456\"",
        );
        let usual = || url::Url::parse("https://slack.com").ok();
        let base = if reader.has("base_url") {
            reader.url("base_url")
        } else {
            usual()
        };
        token
            .zip(channel)
            .zip(base)
            .map(|((token, channel), base)| Way::Bot {
                token,
                channel,
                base,
            })
    } else {
        reader.secret("to").map(Way::Webhook)
    };
    let complaints: Vec<Diagnostic> = reader.finish();
    match way {
        Some(way) if complaints.is_empty() => Ok(Box::new(Slack { way })),
        _ => Err(complaints),
    }
}

#[async_trait]
impl Channel for Slack {
    fn letter(&self, notification: &Notification, desk: &Desk<'_>) -> Payload {
        let body = render::slack::message(desk.plan, notification);
        Payload {
            content_type: "application/json".to_owned(),
            body: body.to_string().into_bytes(),
            extra: std::collections::BTreeMap::new(),
        }
    }

    async fn send(
        &self,
        letter: &Letter,
        earlier: &[String],
        now: Timestamp,
        means: &Means,
    ) -> Result<String, SendError> {
        match &self.way {
            Way::Webhook(at) => {
                let text = read(means, at).await?;
                let url = address(text.expose_secret(), "the Slack webhook")?;
                let request = request(url, letter.payload.body.clone());
                let reply = means
                    .net
                    .transport
                    .call(&request)
                    .await
                    .map_err(|why| unreached(&why))?;
                webhook_answer(&reply, now)
            }
            Way::Bot {
                token,
                channel,
                base,
            } => {
                let token = read(means, token).await?;
                let mut body: serde_json::Value = serde_json::from_slice(&letter.payload.body)
                    .map_err(|why| SendError::Refused {
                        why: format!("the frozen message is damaged: {why}"),
                    })?;
                body["channel"] = json!(channel);
                let bot = Bot {
                    token: &token,
                    base,
                    now,
                    means,
                };
                if let Some(thread) = earlier
                    .first()
                    .and_then(|receipt| receipt.strip_prefix("ts "))
                {
                    if changes_the_head(letter.reason) {
                        let mut head = body.clone();
                        head["ts"] = json!(thread);
                        match bot.call("chat.update", &head).await {
                            // A first message that was deleted or is too old to edit stays; the
                            // thread is told all the same.
                            Ok(_) | Err(SendError::Refused { .. }) => {}
                            Err(busy) => return Err(busy),
                        }
                    }
                    body["thread_ts"] = json!(thread);
                    body["reply_broadcast"] =
                        json!(letter.reason == crate::notify::Reason::Resolved);
                }
                body["unfurl_links"] = json!(false);
                bot.call("chat.postMessage", &body).await
            }
        }
    }

    async fn probe(&self, means: &Means) -> Result<String, SendError> {
        match &self.way {
            Way::Webhook(at) => {
                address(read(means, at).await?.expose_secret(), "the Slack webhook")?;
                Ok("the address can be read; only a message would tell more".to_owned())
            }
            Way::Bot { token, base, .. } => {
                let bot = Bot {
                    token: &read(means, token).await?,
                    base,
                    now: means.net.clock.now(),
                    means,
                };
                bot.call("auth.test", &json!({})).await?;
                Ok("the token is good".to_owned())
            }
        }
    }

    fn spacing(&self) -> TimeDelta {
        TimeDelta::seconds(1)
    }

    fn receiver(&self) -> String {
        match &self.way {
            Way::Webhook(_) => "Slack webhook".to_owned(),
            Way::Bot { channel, .. } => format!("Slack channel {channel}"),
        }
    }
}

/// Reasons that say how the incident stands now: the first message is edited to say it too.
fn changes_the_head(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Worsened
            | Reason::Eased
            | Reason::VerdictChanged
            | Reason::Acknowledged
            | Reason::Resolved
            | Reason::Reopened
            | Reason::Flapping
    )
}

/// One attempt with a bot's token.
struct Bot<'a> {
    token: &'a crate::secret::SecretString,
    base: &'a url::Url,
    now: Timestamp,
    means: &'a Means,
}

impl Bot<'_> {
    /// Calls a method of the API; the receipt is the message's time stamp.
    async fn call(&self, method: &str, body: &serde_json::Value) -> Result<String, SendError> {
        let base = self.base.as_str().trim_end_matches('/');
        let url = address(&format!("{base}/api/{method}"), "base_url")?;
        let bearer = format!("Bearer {}", self.token.expose_secret().trim());
        let request = request(url, body.to_string().into_bytes()).header("authorization", &bearer);
        let reply = self.means.net.call(&request).await;
        bot_answer(&reply.map_err(|why| unreached(&why))?, self.now)
    }
}

fn request(url: url::Url, body: Vec<u8>) -> Request {
    Request {
        method: crate::net::Method::Post,
        body,
        timeout: std::time::Duration::from_secs(15),
        limit: 64 << 10,
        ..Request::get(url)
    }
    .header("content-type", "application/json; charset=utf-8")
}

/// A webhook answers in plain text: `ok`, or a word of what is wrong.
fn webhook_answer(reply: &Reply, now: Timestamp) -> Result<String, SendError> {
    let text = shown_start(&reply.body);
    match reply.status {
        200..=299 if text == "ok" || text == "(empty)" => Ok("ok".to_owned()),
        429 | 500..=599 | 408 => Err(SendError::Wait {
            after: retry_after(reply, now),
            why: format!("Slack answered {}: {text}", reply.status),
        }),
        status => Err(SendError::Refused {
            why: format!("Slack answered {status}: {text}"),
        }),
    }
}

#[derive(Deserialize)]
struct BotAnswer {
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    ts: String,
}

/// The API answers 200 also when it refuses.
fn bot_answer(reply: &Reply, now: Timestamp) -> Result<String, SendError> {
    let wait = |why: String| SendError::Wait {
        after: retry_after(reply, now),
        why,
    };
    if reply.status == 429 || reply.status >= 500 {
        return Err(wait(format!("Slack answered {}", reply.status)));
    }
    let answer: BotAnswer = serde_json::from_slice(&reply.body).map_err(|_| {
        let why = format!("Slack answered {} without JSON", reply.status);
        match reply.status {
            408 => wait(why),
            // A redirect or a wrong address does not mend itself.
            300..=499 => SendError::Refused { why },
            _ => wait(why),
        }
    })?;
    if answer.ok {
        // A time is short; whatever else stands there is kept as a name at most.
        return Ok(format!("ts {}", super::answer::receipt(&answer.ts)));
    }
    let why = format!("Slack refused: {}", shown_start(answer.error.as_bytes()));
    let temporary = [
        "ratelimited",
        "fatal_error",
        "internal_error",
        "service_unavailable",
        "request_timeout",
    ];
    if temporary.contains(&answer.error.as_str()) {
        Err(wait(why))
    } else {
        Err(SendError::Refused { why })
    }
}
