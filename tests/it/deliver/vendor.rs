//! What each vendor refuses: rules of the receivers, held against every request.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// One request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Result<Value, String> {
        hold(
            self.header("content-type").starts_with("application/json"),
            "content type",
        )?;
        serde_json::from_str(&self.body).map_err(|why| format!("{why}: {}", self.body))
    }
}

/// What a vendor answers to a request that it takes; `Err` says which rule was broken.
pub(super) type Rule = fn(&Asked) -> Result<(u16, String), String>;

fn hold(true_: bool, what: &str) -> Result<(), String> {
    true_
        .then_some(())
        .ok_or_else(|| format!("broken rule: {what}"))
}

fn text<'a>(value: &'a Value, most: usize, what: &str) -> Result<&'a str, String> {
    let text = value.as_str().ok_or_else(|| format!("no {what}"))?;
    hold(!text.trim().is_empty(), &format!("{what} is empty"))?;
    hold(
        text.chars().count() <= most,
        &format!("{what} is longer than {most}"),
    )?;
    Ok(text)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn only(value: &Value, keys: &[&str]) -> Result<(), String> {
    let found = value.as_object().ok_or("no object")?;
    let odd: Vec<&String> = found
        .keys()
        .filter(|key| !keys.contains(&key.as_str()))
        .collect();
    hold(odd.is_empty(), &format!("unknown fields {odd:?}"))
}

/// Block Kit as `slack_sdk` enforces it, and our own promise of six blocks.
fn blocks(message: &Value) -> Result<(), String> {
    let fallback = text(&message["text"], 4_000, "text")?;
    unpinged(fallback)?;
    hold(list(&message["blocks"]).len() <= 6, "six blocks")?;
    for block in list(&message["blocks"]) {
        match block["type"].as_str() {
            Some("header") => {
                hold(
                    block["text"]["type"] == "plain_text",
                    "a header is plain text",
                )?;
                text(&block["text"]["text"], 149, "header")?;
            }
            Some("section") => {
                hold(
                    block["text"].is_object() || block["fields"].is_array(),
                    "empty section",
                )?;
                if block["text"].is_object() {
                    unpinged(text(&block["text"]["text"], 2_999, "section")?)?;
                }
                hold(list(&block["fields"]).len() <= 10, "ten fields")?;
                for field in list(&block["fields"]) {
                    unpinged(text(&field["text"], 2_000, "field")?)?;
                }
            }
            Some("context") => {
                hold(list(&block["elements"]).len() <= 10, "ten elements")?;
                for element in list(&block["elements"]) {
                    unpinged(text(&element["text"], 2_000, "element")?)?;
                }
            }
            other => return Err(format!("block of type {other:?}")),
        }
    }
    Ok(())
}

/// Whatever an event is called, it calls nobody.
fn unpinged(text: &str) -> Result<(), String> {
    hold(!text.contains("<!"), "a name pings a channel")?;
    hold(!text.contains("<@UEVIL"), "a name pings a person")?;
    hold(!text.contains("<https://evil"), "a name is a link")
}

pub(super) fn slack_webhook(asked: &Asked) -> Result<(u16, String), String> {
    hold(asked.path == "/services/T0/B0/canary", "path")?;
    blocks(&asked.json()?)?;
    Ok((200, "ok".to_owned()))
}

pub(super) fn slack_bot(asked: &Asked) -> Result<(u16, String), String> {
    hold(
        asked.header("authorization") == "Bearer xoxb-canary",
        "token",
    )?;
    let body = asked.json()?;
    hold(body["channel"] == "C0123456", "channel")?;
    blocks(&body)?;
    match asked.path.as_str() {
        "/api/chat.postMessage" => Ok((
            200,
            json!({ "ok": true, "ts": "1767225600.000100" }).to_string(),
        )),
        "/api/chat.update" => {
            text(&body["ts"], 40, "ts")?;
            hold(body.get("thread_ts").is_none(), "an update has no thread")?;
            Ok((200, json!({ "ok": true, "ts": body["ts"] }).to_string()))
        }
        other => Err(format!("no method {other}")),
    }
}

/// Computed here by the definition of HMAC (RFC 2104), not by the library that signs.
pub(super) fn signature(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    assert!(key.len() <= 64, "a longer key would be hashed first");
    let padded = |pad: u8| -> Vec<u8> {
        (0..64)
            .map(|at| key.get(at).copied().unwrap_or(0) ^ pad)
            .collect()
    };
    let sha = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA256, bytes);
    let mut inner = padded(0x36);
    inner.extend_from_slice(format!("{id}.{timestamp}.{body}").as_bytes());
    let mut outer = padded(0x5c);
    outer.extend_from_slice(sha(&inner).as_ref());
    format!("v1,{}", STANDARD.encode(sha(&outer)))
}

pub(super) const WEBHOOK_SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

pub(super) fn webhook(asked: &Asked) -> Result<(u16, String), String> {
    let (id, at) = (
        asked.header("webhook-id"),
        asked.header("webhook-timestamp"),
    );
    hold(id.starts_with("msg_") && !id.contains('.'), "webhook-id")?;
    let sent: i64 = at.parse().map_err(|_| "webhook-timestamp is no number")?;
    hold(
        (sent - super::bench::machine_time().timestamp()).abs() < 300,
        "five minutes",
    )?;
    let good = signature(WEBHOOK_SECRET, id, at, &asked.body);
    hold(
        asked.header("webhook-signature") == good,
        "webhook-signature",
    )?;
    let body = asked.json()?;
    text(&body["type"], 100, "type")?;
    hold(
        body["version"] == 1 && body["data"].is_object(),
        "version and data",
    )?;
    Ok((204, String::new()))
}

pub(super) fn teams(asked: &Asked) -> Result<(u16, String), String> {
    hold(
        asked.path == "/workflows/1/triggers/manual/paths/invoke",
        "path",
    )?;
    hold(
        asked.query == "api-version=1&sp=%2Ftriggers&sig=canary%2Fb",
        "query as it is",
    )?;
    hold(asked.body.len() < 28_000, "28 KB")?;
    let body = asked.json()?;
    hold(body["type"] == "message", "type")?;
    let [one] = list(&body["attachments"]) else {
        return Err("one attachment".to_owned());
    };
    hold(
        one["contentType"] == "application/vnd.microsoft.card.adaptive",
        "content type of the card",
    )?;
    let card = &one["content"];
    hold(
        card["type"] == "AdaptiveCard" && card["version"] == "1.4",
        "card",
    )?;
    for part in list(&card["body"]) {
        match part["type"].as_str() {
            Some("TextBlock") => {
                hold(part["wrap"] == true, "text that does not wrap is cut")?;
                let shown = text(&part["text"], 5_000, "text")?;
                hold(!shown.contains("[evil]("), "a name is a link")?;
            }
            Some("FactSet") => {
                for fact in list(&part["facts"]) {
                    text(&fact["title"], 100, "title")?;
                    text(&fact["value"], 2_000, "value")?;
                }
            }
            other => return Err(format!("element {other:?}")),
        }
    }
    hold(
        list(&card["actions"])
            .iter()
            .all(|action| action["type"] == "Action.OpenUrl"),
        "actions",
    )?;
    Ok((202, String::new()))
}

pub(super) fn pagerduty(asked: &Asked) -> Result<(u16, String), String> {
    hold(
        asked.path == "/v2/enqueue" && asked.body.len() < 512_000,
        "path and size",
    )?;
    let body = asked.json()?;
    only(
        &body,
        &[
            "routing_key",
            "event_action",
            "dedup_key",
            "client",
            "client_url",
            "payload",
            "links",
            "images",
        ],
    )?;
    hold(
        text(&body["routing_key"], 32, "routing_key")?.len() == 32,
        "routing_key",
    )?;
    let key = text(&body["dedup_key"], 255, "dedup_key")?;
    match body["event_action"].as_str() {
        Some("trigger") => {
            let payload = &body["payload"];
            only(
                payload,
                &[
                    "summary",
                    "source",
                    "severity",
                    "timestamp",
                    "component",
                    "group",
                    "class",
                    "custom_details",
                ],
            )?;
            text(&payload["summary"], 1_024, "summary")?;
            text(&payload["source"], 1_000, "source")?;
            let known = ["critical", "error", "warning", "info"];
            hold(
                payload["severity"]
                    .as_str()
                    .is_some_and(|word| known.contains(&word)),
                "severity",
            )?;
        }
        Some("acknowledge" | "resolve") => {}
        other => return Err(format!("event_action {other:?}")),
    }
    let yes = json!({ "status": "success", "message": "Event processed", "dedup_key": key });
    Ok((202, yes.to_string()))
}

pub(super) fn discord(asked: &Asked) -> Result<(u16, String), String> {
    hold(
        asked.path == "/api/v10/webhooks/1/canary" && asked.query == "wait=true",
        "address",
    )?;
    let body = asked.json()?;
    only(
        &body,
        &["content", "username", "embeds", "allowed_mentions"],
    )?;
    hold(
        body["allowed_mentions"] == json!({ "parse": [] }),
        "allowed_mentions",
    )?;
    text(&body["content"], 2_000, "content")?;
    hold(list(&body["embeds"]).len() <= 10, "ten embeds")?;
    for embed in list(&body["embeds"]) {
        let mut all = text(&embed["title"], 256, "title")?.chars().count();
        if embed["description"] != "" {
            all += text(&embed["description"], 4_096, "description")?
                .chars()
                .count();
        }
        all += text(&embed["footer"]["text"], 2_048, "footer")?
            .chars()
            .count();
        hold(list(&embed["fields"]).len() <= 25, "25 fields")?;
        for field in list(&embed["fields"]) {
            all += text(&field["name"], 256, "name")?.chars().count();
            all += text(&field["value"], 1_024, "value")?.chars().count();
        }
        hold(all <= 6_000, "6,000 characters")?;
    }
    Ok((200, json!({ "id": "7", "content": "" }).to_string()))
}

pub(super) fn google_chat(asked: &Asked) -> Result<(u16, String), String> {
    hold(
        asked.path == "/v1/spaces/S/messages" && asked.body.len() <= 32_000,
        "path and size",
    )?;
    for needed in [
        "key=k",
        "token=canary",
        "messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
        "requestId=",
    ] {
        hold(asked.query.contains(needed), needed)?;
    }
    let body = asked.json()?;
    only(&body, &["text", "thread", "cardsV2"])?;
    let shown = text(&body["text"], 4_000, "text")?;
    hold(!shown.contains('<'), "a name mentions or links")?;
    text(&body["thread"]["threadKey"], 4_000, "threadKey")?;
    for card in list(&body["cardsV2"]) {
        only(card, &["cardId", "card"])?;
        only(&card["card"], &["header", "sections"])?;
        for widget in list(&card["card"]["sections"][0]["widgets"]) {
            only(widget, &["textParagraph", "decoratedText", "buttonList"])?;
        }
    }
    Ok((200, json!({ "name": "spaces/S/messages/M" }).to_string()))
}

pub(super) fn telegram(asked: &Asked) -> Result<(u16, String), String> {
    hold(asked.path == "/bot1:canary/sendMessage", "path")?;
    let body = asked.json()?;
    hold(
        body["chat_id"] == "-1001" && body["message_thread_id"] == 7,
        "chat and topic",
    )?;
    hold(body["parse_mode"] == "HTML", "parse_mode")?;
    let mut open: Vec<&str> = Vec::new();
    let mut shown = String::new();
    let mut rest = body["text"].as_str().ok_or("no text")?;
    while let Some((before, after)) = rest.split_once('<') {
        shown.push_str(before);
        let (tag, after) = after.split_once('>').ok_or("a tag that does not end")?;
        match tag.strip_prefix('/') {
            Some(name) => hold(open.pop() == Some(name), "tags nest")?,
            None => {
                let name = tag.split(' ').next().unwrap();
                hold(
                    ["b", "i", "u", "s", "code", "pre", "a"].contains(&name),
                    "known tags",
                )?;
                open.push(name);
            }
        }
        rest = after;
    }
    shown.push_str(rest);
    hold(open.is_empty(), "tags are closed")?;
    for (at, _) in shown.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;"];
        hold(
            known.iter().any(|one| shown[at..].starts_with(one)),
            "entities",
        )?;
    }
    let plain = shown
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&");
    text(&json!(plain), 4_096, "text")?;
    Ok((
        200,
        json!({ "ok": true, "result": { "message_id": 7 } }).to_string(),
    ))
}

pub(super) fn ntfy(asked: &Asked) -> Result<(u16, String), String> {
    hold(
        asked.path == "/" && asked.header("authorization") == "Bearer tk_canary",
        "address and token",
    )?;
    let body = asked.json()?;
    only(
        &body,
        &[
            "topic", "title", "message", "priority", "tags", "click", "actions", "markdown",
        ],
    )?;
    hold(body["topic"] == "canary-topic", "topic")?;
    hold(
        body["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty() && text.len() <= 4_096),
        "4,096 bytes",
    )?;
    hold(
        body["title"].as_str().is_some_and(|text| text.len() <= 250),
        "title",
    )?;
    hold(
        body["priority"]
            .as_u64()
            .is_some_and(|one| (1..=5).contains(&one)),
        "priority",
    )?;
    Ok((
        200,
        json!({ "id": "n1", "event": "message", "topic": "canary-topic" }).to_string(),
    ))
}

pub(super) fn alertmanager(asked: &Asked) -> Result<(u16, String), String> {
    hold(asked.path == "/api/v2/alerts", "path")?;
    hold(asked.header("authorization") == "Bearer canary", "token")?;
    let body = asked.json()?;
    let alerts = body.as_array().ok_or("no array")?;
    hold(!alerts.is_empty(), "at least one alert")?;
    for alert in alerts {
        only(
            alert,
            &[
                "labels",
                "annotations",
                "startsAt",
                "endsAt",
                "generatorURL",
            ],
        )?;
        text(&alert["labels"]["alertname"], 100, "alertname")?;
        for part in ["labels", "annotations"] {
            for (key, value) in alert[part].as_object().ok_or("no labels")? {
                let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                hold(
                    plain && !key.starts_with(|c: char| c.is_ascii_digit()),
                    "label names",
                )?;
                hold(value.is_string(), "values are strings")?;
            }
        }
        let time = |key: &str| {
            let at = alert[key].as_str().unwrap_or("");
            chrono::DateTime::parse_from_rfc3339(at).map_err(|_| format!("{key} is no time"))
        };
        hold(
            time("startsAt")? <= time("endsAt")?,
            "it ends before it begins",
        )?;
    }
    Ok((200, String::new()))
}
