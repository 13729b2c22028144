//! JSON Schema (draft-07) of the configuration, for editors that complete and explain keys.

use serde_json::{Map, Value, json};

use super::source::COMMON;
use super::{Form, KindFacts, Known, Setting};

/// The schema of a whole configuration with every kind that is known.
pub fn schema(known: &Known) -> Value {
    let channels: Map<String, Value> = known
        .channels
        .iter()
        .map(|facts| {
            (
                facts.name.to_owned(),
                json!({ "description": format!("Send by {}", facts.name) }),
            )
        })
        .collect();
    let named = |inner: Value| json!({ "type": "object", "additionalProperties": inner });
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Truecount",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "include": texts("Further files, as patterns; rules/**/*.toml unless given"),
            "project": project(),
            "defaults": object(&[("by", texts("Where a culprit is sought")), ("required", texts("On every event"))]),
            "source": named(json!({ "oneOf": known.sources.iter().map(source).collect::<Vec<_>>() })),
            "event": named(event()),
            "conversion": named(conversion()),
            "funnel": named(object(&[
                ("steps", texts("Events in order")), ("by", texts("Where a culprit is sought")),
                ("settle", duration("Younger cohorts are provisional")), ("within", duration("From first to last step")),
            ])),
            "compare": named(compare()),
            "check": named(rule()),
            "utm": object(&[
                ("required", texts("UTM fields that every visit with any of them must carry")), ("case", json!({ "enum": ["lower", "any"] })),
                ("source", texts("Allowed values, or a pattern")), ("medium", texts("Allowed values, or a pattern")),
                ("campaign", texts("Allowed values, or a pattern")), ("term", texts("Allowed values, or a pattern")),
                ("content", texts("Allowed values, or a pattern")), ("unknown", json!({ "description": "Warn above this share of unknown traffic: \"10%\"" })),
            ]),
            "naming": object(&[("events", text("snake_case, camelCase, kebab-case, object_verbed or a pattern")), ("parameters", text("As events"))]),
            "consent": object(&[("granted", text("Usual share that grants: \"60%..85%\""))]),
            "owner": named(object(&[("name", text("As people call them")), ("email", text("Address")), ("slack", text("Slack member id"))])),
            "route": named(route(channels)),
            "silence": named(silence()),
            "calendar": named(object(&[("days", texts("Days that teach nothing: \"2026-12-24..2027-01-02\"")), ("hours", texts("Reserved")), ("zone", text("Reserved"))])),
            "mail": object(&[("from", text("Name <address>")), ("smtp", secret("smtp://user:password@host:587"))]),
            "report": named(object(&[("at", text("\"Monday 08:00\"")), ("to", texts("Addresses and owners")), ("include", texts("Parts"))])),
            "store": object(&[("url", text("sqlite:truecount.db")), ("keep", duration("How long readings are kept"))]),
            "server": object(&[("listen", text("127.0.0.1:8787")), ("open_metrics", flag("Names in /metrics for everybody")), ("token", secret("A token for the API"))]),
            "net": object(&[("allow_private", json!({ "description": "Private addresses that may be reached" })), ("proxy", secret("A proxy for outgoing calls"))]),
            "heartbeat": object(&[("url", secret("Called after each whole round"))]),
            "noise": object(&[("group", flag("One cause, one incident"))]),
            "release": json!({ "type": "object", "description": "Reserved: releases are posted to the API or noted by `truecount mark`" }),
        },
    })
}

fn object(properties: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> = properties
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

fn texts(about: &str) -> Value {
    json!({ "description": about, "oneOf": [
        { "type": "string" },
        { "type": "array", "items": { "type": "string" } },
    ] })
}

fn flag(about: &str) -> Value {
    json!({ "type": "boolean", "description": about })
}

fn duration(about: &str) -> Value {
    json!({ "type": "string", "description": format!("{about}: \"2 days\", \"15 minutes\"") })
}

fn secret(about: &str) -> Value {
    json!({
        "description": about,
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false,
        "properties": {
            "env": { "type": "string" },
            "file": { "type": "string" },
            "credential": { "type": "string" },
            "command": { "type": "array", "items": { "type": "string" } },
        },
    })
}

fn setting(setting: &Setting) -> Value {
    let mut value = match setting.form {
        Form::Text => text(setting.about),
        Form::Duration => duration(setting.about),
        Form::Whole => json!({ "type": "integer", "minimum": 0, "description": setting.about }),
        Form::Share => json!({ "type": ["number", "string"], "description": setting.about }),
        Form::Flag => flag(setting.about),
        Form::Texts => texts(setting.about),
        Form::Secret => secret(setting.about),
        Form::Url => json!({ "type": "string", "format": "uri", "description": setting.about }),
        Form::Table => json!({ "type": "object", "description": setting.about }),
        Form::OneOf(words) => json!({ "enum": words, "description": setting.about }),
    };
    if !setting.default.is_empty() {
        value["default"] = json!(setting.default);
    }
    value
}

fn source(facts: &KindFacts) -> Value {
    let mut properties = Map::new();
    for key in COMMON {
        properties.insert(key.to_owned(), common(key));
    }
    properties.insert("type".to_owned(), json!({ "const": facts.name }));
    for one in facts.settings {
        properties.insert(one.key.to_owned(), setting(one));
    }
    let required: Vec<&str> = std::iter::once("type")
        .chain(
            facts
                .settings
                .iter()
                .filter(|one| one.required)
                .map(|one| one.key),
        )
        .collect();
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": !facts.built,
    })
}

fn common(key: &str) -> Value {
    match key {
        "every" => text("How often it is pulled: \"15 minutes\""),
        "cron" => text("When it is pulled: \"*/15 * * * *\""),
        "arrives" => duration("When a day is usually there, after its end"),
        "settles" => duration("When a day no longer changes, after its end"),
        "owner" => text("Who answers for it"),
        "base_url" => {
            json!({ "type": "string", "format": "uri", "description": "Another address of the API: a sandbox or a proxy" })
        }
        _ => text("What it is"),
    }
}

fn project() -> Value {
    let mut value = object(&[
        (
            "id",
            text("Stable id of every stored row; made of the name unless given"),
        ),
        ("name", text("Stands in every message")),
        ("timezone", text("IANA zone: Europe/Berlin")),
        ("currency", text("ISO 4217: EUR")),
        ("country", text("ISO 3166: DE, for holidays")),
        ("url", text("Address of the dashboard, for links")),
        (
            "budget",
            json!({ "description": "False alarms a week over the whole plan: \"1 a week\"" }),
        ),
        (
            "ignore",
            texts("Days that teach nothing: \"2026-12-24..2027-01-02\""),
        ),
    ]);
    value["required"] = json!(["name", "timezone"]);
    value
}

fn event() -> Value {
    object(&[
        ("about", text("What it is")),
        ("owner", text("Who answers for it")),
        ("decision", text("What is decided with it")),
        (
            "requested",
            json!({ "description": "When it was asked for" }),
        ),
        ("unique", text("The parameter that must not repeat")),
        ("home", text("The source that volume reads")),
        ("was", text("Former name whose history carries over")),
        ("by", texts("Where a culprit is sought")),
        (
            "required",
            json!({ "description": "Parameters every event must carry: names, or a table of types" }),
        ),
        (
            "optional",
            json!({ "description": "Parameters an event may carry" }),
        ),
        (
            "in",
            json!({ "type": "object", "description": "How each source knows it" }),
        ),
    ])
}

fn conversion() -> Value {
    object(&[
        ("about", text("What it is")),
        ("event", text("The event")),
        (
            "where",
            text("Which of its events count: \"company_size != '1-10'\""),
        ),
        ("primary", flag("Whether the business lives by it")),
        ("worth", text("\"400 EUR\" or \"average\"")),
    ])
}

fn compare() -> Value {
    let mut value = object(&[
        ("event", text("The event both count")),
        ("measure", texts("count, sum or both")),
        ("baseline", text("The system of record")),
        ("against", texts("The systems held against it")),
        (
            "limit",
            json!({ "description": "Warn when the unexplained part passes this share" }),
        ),
        ("settle", duration("Wait for late data")),
        (
            "expect",
            json!({ "type": "object", "description": "Expected gap per system: \"+5%..+25%\"" }),
        ),
        (
            "exclude",
            json!({ "type": "object", "description": "Out-of-scope rows: a label and a condition" }),
        ),
        ("owner", text("Who answers for it")),
    ]);
    value["required"] = json!(["event", "baseline", "against"]);
    value
}

fn silence() -> Value {
    let mut value = object(&[
        (
            "from",
            json!({ "description": "First day, as a date: 2026-12-24" }),
        ),
        ("to", json!({ "description": "Last day, included" })),
        ("reason", text("For whoever reads this later")),
        (
            "match",
            json!({ "type": "object", "description": "What is silenced: owners, events, checks, sources" }),
        ),
    ]);
    value["required"] = json!(["from", "to", "reason"]);
    value
}

fn rule() -> Value {
    object(&[
        ("about", text("What it is for")),
        ("kind", text("The made check it changes")),
        ("event", text("The event or conversion it concerns")),
        ("rate", texts("From and to event")),
        ("below", json!({ "description": "Fires below" })),
        ("above", json!({ "description": "Fires above" })),
        ("for", duration("How long it must hold")),
        ("level", json!({ "enum": ["warning", "failing"] })),
        (
            "sensitivity",
            json!({ "enum": ["quiet", "normal", "strict"] }),
        ),
        ("enabled", flag("false switches a made check off")),
        ("owner", text("Who answers for it")),
    ])
}

fn route(channels: Map<String, Value>) -> Value {
    let mut value = object(&[
        ("owners", texts("Only what these owners answer for")),
        ("events", texts("Only these events")),
        ("checks", texts("Only these checks")),
        ("sources", texts("Only these sources")),
        ("when", json!({ "enum": ["primary", "always"] })),
        ("level", json!({ "enum": ["warning", "failing"] })),
        ("quiet", text("Held during these hours: \"20:00-07:00\"")),
        ("wait", duration("Wait for related findings")),
        ("remind", duration("Remind while it lasts")),
        ("daily", json!({ "type": "integer", "minimum": 1 })),
        (
            "fallback",
            text("Another route that hears when this one is dead"),
        ),
        (
            "escalate",
            json!({ "type": "object", "description": "{ after = \"2 hours\", to = \"oncall\" }" }),
        ),
    ]);
    if let Some(properties) = value["properties"].as_object_mut() {
        properties.extend(channels);
    }
    value
}
