//! Signed webhooks by the Standard Webhooks rules: the id stays over retries, the time is of the
//! attempt.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use ring::hmac;
use secrecy::ExposeSecret as _;

use crate::config::{Reader, SecretRef};
use crate::model::{Diagnostic, Timestamp};
use crate::net::{Request, retry_after, shown_start};
use crate::notify::{Letter, Notification, Payload};
use crate::plan::{Decl, Form, Kind, Plan, Setting};
use crate::render;

use super::{Channel, Desk, Means, SendError, address, read, unreached};

pub(super) const KIND: Kind<dyn Channel> = Kind {
    name: "webhook",
    about: include_str!("../../docs/notifications.md"),
    settings: &[
        Setting {
            key: "to",
            about: "The address",
            form: Form::Secret,
            required: false,
            default: "",
        },
        Setting {
            key: "url",
            about: "The address, beside other keys",
            form: Form::Secret,
            required: false,
            default: "",
        },
        Setting {
            key: "secret",
            about: "The key of the signature: whsec_…",
            form: Form::Secret,
            required: false,
            default: "",
        },
        Setting {
            key: "old_secret",
            about: "The key before it, while receivers change over",
            form: Form::Secret,
            required: false,
            default: "",
        },
    ],
    mapping: &[],
    event_named: false,
    build,
};

struct Webhook {
    url: SecretRef,
    secrets: Vec<SecretRef>,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Channel>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    let key = if reader.has("url") { "url" } else { "to" };
    let url = reader.secret(key);
    if url.is_none() && !reader.has(key) {
        reader.missing(
            "url",
            "say where to post: webhook = { url = { env = \"WEBHOOK_URL\" } }",
        );
    }
    let secrets: Vec<SecretRef> = ["secret", "old_secret"]
        .into_iter()
        .filter_map(|key| reader.has(key).then(|| reader.secret(key)).flatten())
        .collect();
    let complaints = reader.finish();
    match url {
        Some(url) if complaints.is_empty() => Ok(Box::new(Webhook { url, secrets })),
        _ => Err(complaints),
    }
}

/// `v1,` and the signature of `id.timestamp.body`; the key is base64 behind `whsec_`.
fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Result<String, String> {
    let text = secret
        .trim()
        .strip_prefix("whsec_")
        .ok_or("the webhook secret should begin with whsec_")?;
    let key = STANDARD
        .decode(text)
        .map_err(|_| "the webhook secret is not base64 behind whsec_")?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{id}.{timestamp}.").as_bytes());
    context.update(body);
    Ok(format!("v1,{}", STANDARD.encode(context.sign())))
}

#[async_trait]
impl Channel for Webhook {
    fn letter(&self, notification: &Notification, desk: &Desk<'_>) -> Payload {
        Payload {
            content_type: "application/json".to_owned(),
            body: render::webhook::body(desk.plan, notification)
                .to_string()
                .into_bytes(),
            extra: std::collections::BTreeMap::new(),
        }
    }

    async fn send(
        &self,
        letter: &Letter,
        _earlier: &[String],
        now: Timestamp,
        means: &Means,
    ) -> Result<String, SendError> {
        let url = address(read(means, &self.url).await?.expose_secret(), "the webhook")?;
        let id = format!("msg_{}", letter.id);
        let timestamp = now.timestamp();
        let mut signatures = Vec::new();
        for secret in &self.secrets {
            let text = read(means, secret).await?;
            let signature = sign(text.expose_secret(), &id, timestamp, &letter.payload.body);
            signatures.push(signature.map_err(|why| SendError::Refused { why })?);
        }
        let mut request = Request {
            method: crate::net::Method::Post,
            body: letter.payload.body.clone(),
            timeout: std::time::Duration::from_secs(20),
            limit: 64 << 10,
            ..Request::get(url)
        }
        .header("content-type", "application/json")
        .header("webhook-id", &id)
        .header("webhook-timestamp", &timestamp.to_string());
        if !signatures.is_empty() {
            request = request.header("webhook-signature", &signatures.join(" "));
        }
        let reply = means
            .net
            .transport
            .call(&request)
            .await
            .map_err(|why| unreached(&why))?;
        let told = format!("the webhook answered {}", reply.status);
        match reply.status {
            200..=299 => Ok(reply.status.to_string()),
            410 => Err(SendError::Refused {
                why: format!("{told}: it is gone for good"),
            }),
            300..=399 => Err(SendError::Refused {
                why: format!("{told}: redirects are not followed"),
            }),
            408 | 425 | 429 | 500..=599 => Err(SendError::Wait {
                after: retry_after(&reply, now),
                why: told,
            }),
            _ => Err(SendError::Refused {
                why: format!("{told}: {}", shown_start(&reply.body)),
            }),
        }
    }

    async fn probe(&self, means: &Means) -> Result<String, SendError> {
        address(read(means, &self.url).await?.expose_secret(), "the webhook")?;
        for secret in &self.secrets {
            let text = read(means, secret).await?;
            sign(text.expose_secret(), "msg_probe", 0, b"")
                .map_err(|why| SendError::Refused { why })?;
        }
        Ok("the address and its keys can be read; only a message would tell more".to_owned())
    }

    fn spacing(&self) -> TimeDelta {
        TimeDelta::zero()
    }

    fn receiver(&self) -> String {
        "webhook".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hmac over the same bytes.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
        assert_eq!(
            sign(secret, "msg_1", 1_767_225_600, b"{\"a\":1}").as_deref(),
            Ok("v1,0Ud8OcCNFjx1ntpzsrZcFsX85Gq5zrTv2y1pQkuKzNI=")
        );
        assert!(sign("hunter2", "msg_1", 0, b"").is_err());
    }
}
