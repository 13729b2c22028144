//! The reference of the configuration as a page, made of the schema so that it cannot lie.

use serde_json::{Map, Value};

use super::example::EXAMPLES;
use super::{Known, schema};

const HEAD: &str = "# Configuration

`truecount.toml` and the files that its `include` names (`rules/**/*.toml` unless given) are read as one document. `truecount validate` reports every mistake of every file at once, with the place, the reason and the remedy; `truecount validate --fix` corrects misspelt names; `truecount explain TC201` explains a code. `truecount schema` prints the same keys as a JSON Schema for editors. This page is printed by `truecount schema --as markdown`; its examples together are one sound configuration.

Everything is a table with a name, such as `[event.purchase]`. A family such as `[event.…]` may be spread over files, a single table may not. Names of tables consist of letters, digits, `_` and `-` and begin with a letter.

| value | how it is written |
| --- | --- |
| duration | `\"15 minutes\"`, `\"2 hours\"`, `\"2 days\"`, `\"1 week\"` |
| share | `\"5%\"`; a band of shares is `\"60%..85%\"` or `\"+5%..+25%\"` |
| schedule | `\"15 minutes\"`, `\"daily 07:30\"`, `\"Monday 08:00\"`, or five cron fields in `cron` |
| hours of the day | `\"20:00-07:00\"` |
| date | `2026-10-23`, without quotes; a span is `\"2026-12-24..2027-01-02\"`, both ends included |
| amount | `\"400 EUR\"` |
| secret | `{ env = \"NAME\" }`, `{ file = \"path\" }`, `{ credential = \"name\" }` (systemd) or `{ command = [\"program\", \"argument\"] }`. A secret in clear is refused; an address without a password is none |
";

/// Markdown of every table and key, in reading order.
pub fn reference(known: &Known) -> String {
    let schema = schema(known);
    let mut page = HEAD.to_owned();
    for (name, about, example) in EXAMPLES {
        let table = &schema["properties"][*name];
        let table = if table["type"] == "array" {
            &table["items"]
        } else {
            table
        };
        let is_family = table["additionalProperties"].is_object();
        let title = match (is_family, table["properties"].is_object()) {
            _ if *name == "test" => "[[test]]".to_owned(),
            (true, _) => format!("[{name}.NAME]"),
            (false, true) => format!("[{name}]"),
            (false, false) => (*name).to_owned(),
        };
        page += &format!("\n## {title}\n\n");
        if !table["description"].is_null() {
            page += &format!("{}. ", described(table));
        }
        page += &format!("{about}\n\n");
        if !example.is_empty() {
            page += &format!("```toml\n{example}```\n\n");
        }
        let inner = if is_family {
            &table["additionalProperties"]
        } else {
            table
        };
        match inner["oneOf"].as_array() {
            Some(kinds) => kinds.iter().for_each(|kind| source(&mut page, kind)),
            None => keys(&mut page, inner),
        }
    }
    page
}

/// The keys of one type of source; of a type that is not built there is nothing to set.
fn source(page: &mut String, kind: &Value) {
    if kind["additionalProperties"] == Value::Bool(true) {
        return;
    }
    let word = kind["properties"]["type"]["const"]
        .as_str()
        .unwrap_or_default();
    *page += &format!("### type = \"{word}\"\n\n");
    keys(page, kind);
}

fn keys(page: &mut String, table: &Value) {
    let required: Vec<&str> = table["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut rows: Vec<(&String, &Value)> = table["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != "type")
        .collect();
    rows.sort_by_key(|(key, _)| !required.contains(&key.as_str()));
    if rows.is_empty() {
        return;
    }
    *page += "| key | value | what it is |\n| --- | --- | --- |\n";
    for (key, value) in rows {
        let must = if required.contains(&key.as_str()) {
            ", required"
        } else {
            ""
        };
        let usual = match &value["default"] {
            Value::Null => String::new(),
            Value::String(text) => format!("; `{text}` unless given"),
            other => format!("; `{other}` unless given"),
        };
        let told = described(value).replace('|', "\\|");
        *page += &format!("| `{key}` | {}{must} | {told}{usual} |\n", form(value));
    }
    *page += "\n";
}

fn described(value: &Value) -> &str {
    value["description"].as_str().unwrap_or_default()
}

/// What may be written, in words.
fn form(value: &Value) -> String {
    if let Some(words) = value["enum"].as_array() {
        let words: Vec<String> = words
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("`\"{word}\"`"))
            .collect();
        return words.join(" or ");
    }
    if let Some(ways) = value["anyOf"].as_array() {
        let mut ways: Vec<String> = ways.iter().map(form).collect();
        ways.dedup();
        return ways.join(" or ");
    }
    let is_secret = |properties: &Map<String, Value>| properties.contains_key("credential");
    match &value["type"] {
        Value::Array(_) => "number or text",
        Value::String(word) => match word.as_str() {
            "string" if value["format"] == "date" => "date",
            "string" if value["format"] == "uri" => "address",
            "string" => "text",
            "integer" => "whole number",
            "boolean" => "true or false",
            "array" => "list of texts",
            _ if value["properties"].as_object().is_some_and(is_secret) => "secret",
            _ => "table",
        },
        _ => "anything",
    }
    .to_owned()
}
