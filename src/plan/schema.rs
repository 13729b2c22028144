//! JSON Schema (draft-07) of the configuration, for editors that complete and explain keys.

use serde_json::{Map, Value, json};

use super::table::{FAMILIES, INCLUDE, OF_EVERY_SOURCE, PARAMETER, SINGLE};
use super::{Form, KindFacts, Known, Setting, test};

/// The schema of a whole configuration with every kind that is known.
pub fn schema(known: &Known) -> Value {
    let mut properties = Map::new();
    properties.insert("include".to_owned(), setting(&INCLUDE));
    for (name, about, keys) in SINGLE {
        properties.insert((*name).to_owned(), table(about, keys));
    }
    for (name, about, keys) in FAMILIES {
        properties.insert((*name).to_owned(), family(about, &table(about, keys)));
    }
    let tests = table("What a check must say of given counts", test::KEYS);
    properties.insert(
        "test".to_owned(),
        json!({ "type": "array", "description": "Rule tests", "items": tests }),
    );
    properties.insert(
        "source".to_owned(),
        family("The systems that know counts", &sources(known)),
    );
    add(&mut properties, "event", event());
    add(&mut properties, "check", checks(known));
    add(&mut properties, "route", channels(known));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Truecount",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn family(about: &str, inner: &Value) -> Value {
    json!({ "type": "object", "description": about, "additionalProperties": inner })
}

fn table(about: &str, keys: &[Setting]) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|one| (one.key.to_owned(), setting(one)))
        .collect();
    let needed: Vec<&str> = keys
        .iter()
        .filter(|one| one.required)
        .map(|one| one.key)
        .collect();
    json!({
        "type": "object",
        "description": about,
        "additionalProperties": false,
        "required": needed,
        "properties": properties,
    })
}

/// Further keys of the tables of a family.
fn add(properties: &mut Map<String, Value>, family: &str, keys: Map<String, Value>) {
    if let Some(inner) = properties
        .get_mut(family)
        .and_then(|family| family["additionalProperties"]["properties"].as_object_mut())
    {
        inner.extend(keys);
    }
}

fn secret() -> Value {
    json!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false,
        "properties": {
            "env": { "type": "string", "description": "An environment variable" },
            "file": { "type": "string", "description": "A file, relative to the configuration" },
            "credential": { "type": "string", "description": "A systemd credential" },
            "command": { "type": "array", "items": { "type": "string" }, "description": "A program that prints it" },
        },
    })
}

fn setting(one: &Setting) -> Value {
    let texts =
        || json!([{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]);
    let mut value = match one.form {
        Form::Text if matches!(one.key, "requested" | "on") => {
            json!({ "type": "string", "format": "date" })
        }
        Form::Text | Form::Duration => json!({ "type": "string" }),
        Form::Whole => json!({ "type": "integer", "minimum": 0 }),
        Form::Share => json!({ "type": ["number", "string"] }),
        Form::Flag => json!({ "type": "boolean" }),
        Form::Texts if one.key == "allow_private" => {
            json!({ "anyOf": [{ "type": "boolean" }, { "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
        }
        Form::Texts => json!({ "anyOf": texts() }),
        // An address without a password is no secret.
        Form::Secret if one.key == "url" => json!({ "anyOf": [{ "type": "string" }, secret()] }),
        Form::Secret => secret(),
        Form::Url => json!({ "type": "string", "format": "uri" }),
        Form::Table => json!({ "type": "object" }),
        Form::OneOf(words) => json!({ "enum": words }),
    };
    value["description"] = json!(one.about);
    match (one.form, one.default) {
        (_, "") => {}
        (Form::Flag, word) => value["default"] = json!(word == "true"),
        (Form::Whole, word) => value["default"] = json!(word.parse::<u64>().unwrap_or_default()),
        (_, word) => value["default"] = json!(word),
    }
    value
}

/// One shape for each kind; of a kind that is not built the own keys are unknown.
fn sources(known: &Known) -> Value {
    let one = |facts: &KindFacts| {
        let keys: Vec<Setting> = OF_EVERY_SOURCE
            .iter()
            .chain(facts.settings)
            .copied()
            .collect();
        let mut value = table("A system that knows counts", &keys);
        value["properties"]["type"] = json!({ "const": facts.name });
        let needed = facts
            .settings
            .iter()
            .filter(|one| one.required)
            .map(|one| one.key);
        value["required"] = std::iter::once("type").chain(needed).collect();
        value["additionalProperties"] = json!(!facts.built);
        value
    };
    json!({ "oneOf": known.sources.iter().map(one).collect::<Vec<Value>>() })
}

fn event() -> Map<String, Value> {
    let parameters = |about: &str| {
        json!({ "description": about, "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" } },
            { "type": "object", "additionalProperties": { "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" } },
                table("What its values look like", &PARAMETER),
            ] } },
        ] })
    };
    let mapping = json!({
        "type": "object",
        "description": "How each source knows it: true for the same name, another name, or a table",
        "additionalProperties": { "anyOf": [{ "type": "boolean" }, { "type": "string" }, { "type": "object" }] },
    });
    Map::from_iter([
        (
            "required".to_owned(),
            parameters("Parameters that every event must carry"),
        ),
        (
            "optional".to_owned(),
            parameters("Parameters that an event may carry"),
        ),
        ("in".to_owned(), mapping),
    ])
}

/// What `[check.*]` takes is said by the kinds of checks.
fn checks(known: &Known) -> Map<String, Value> {
    let settings = known.checks.iter().flat_map(|facts| facts.settings);
    settings
        .map(|one| (one.key.to_owned(), setting(one)))
        .collect()
}

/// A channel is a secret address, a list of receivers, or a table.
fn channels(known: &Known) -> Map<String, Value> {
    let one = |facts: &KindFacts| {
        let about = format!("Tell by {}", facts.name);
        let value = json!({ "description": about, "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" } },
            secret(),
            table("With settings", facts.settings),
        ] });
        (facts.name.to_owned(), value)
    };
    known.channels.iter().map(one).collect()
}
