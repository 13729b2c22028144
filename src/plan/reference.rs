//! The reference of the configuration as a page, made of the schema so that it cannot lie.

use serde_json::{Map, Value};

use super::{Known, schema};

const HEAD: &str = "# Configuration

`truecount.toml` and the files that its `include` names (`rules/**/*.toml` unless given) are read as one document. `truecount validate` reports every mistake of every file at once; `truecount schema` prints the same keys as a JSON Schema for editors. This page is printed by `truecount schema --as markdown`.

Durations are texts such as `\"15 minutes\"` and `\"2 days\"`. Secrets stand by reference only: `{ env = \"NAME\" }`, `{ file = \"path\" }`, `{ credential = \"name\" }` (systemd) or `{ command = [\"program\", \"argument\"] }`.
";

/// Markdown of every table and key.
pub fn reference(known: &Known) -> String {
    let schema = schema(known);
    let mut page = HEAD.to_owned();
    for (name, table) in entries(&schema, "properties") {
        match table.get("additionalProperties") {
            Some(inner @ Value::Object(_)) => family(&mut page, name, inner),
            _ => single(&mut page, name, table),
        }
    }
    page
}

fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value
        .get(key)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn single(page: &mut String, name: &str, table: &Value) {
    if table.get("type").and_then(Value::as_str) == Some("object") {
        *page += &format!("\n## [{name}]\n\n");
        keys(page, table);
    } else {
        *page += &format!("\n## {name}\n\n{}.\n", about(table));
    }
}

/// `[event.NAME]`; sources have a table of keys for each type.
fn family(page: &mut String, name: &str, inner: &Value) {
    *page += &format!("\n## [{name}.NAME]\n\n");
    let Some(kinds) = inner.get("oneOf").and_then(Value::as_array) else {
        return keys(page, inner);
    };
    for kind in kinds {
        let word = kind
            .pointer("/properties/type/const")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if kind.get("additionalProperties") == Some(&Value::Bool(true)) {
            continue; // Known to the plan, not built: there is nothing to set.
        }
        *page += &format!("\n### type = \"{word}\"\n\n");
        keys(page, kind);
    }
}

fn keys(page: &mut String, table: &Value) {
    let about = about(table);
    if !about.is_empty() {
        *page += &format!("{about}.\n\n");
    }
    let required: Vec<&str> = table
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut rows: Vec<(&String, &Value)> = entries(table, "properties")
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
        let default = value
            .get("default")
            .and_then(Value::as_str)
            .map_or_else(String::new, |text| format!("; `{text}` unless given"));
        let told = self::about(value).replace('|', "\\|");
        *page += &format!("| `{key}` | {}{must} | {told}{default} |\n", form(value));
    }
}

fn about(value: &Value) -> String {
    value
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// What may be written, in words.
fn form(value: &Value) -> String {
    if let Some(words) = value.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = words
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("`\"{word}\"`"))
            .collect();
        return words.join(" or ");
    }
    if value.get("oneOf").is_some() {
        return "text or texts".to_owned();
    }
    let secret = |properties: &Map<String, Value>| properties.contains_key("credential");
    match value.get("type").and_then(Value::as_str) {
        Some("string") => "text",
        Some("integer") => "whole number",
        Some("boolean") => "true or false",
        Some("object")
            if value
                .get("properties")
                .and_then(Value::as_object)
                .is_some_and(secret) =>
        {
            "secret"
        }
        Some("object") => "table",
        _ => "see right",
    }
    .to_owned()
}
