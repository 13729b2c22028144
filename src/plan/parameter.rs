//! `required` and `optional` of an event: its parameters and what their values look like.

use crate::config::{Reader, Section, Typed, suggest};
use crate::model::{Code, Diagnostic, Name, Rule, Span};

/// A parameter of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Plan name.
    pub name: Name,
    /// Whether every event must carry it.
    pub required: bool,
    /// What its values look like; `None` for free text.
    pub rule: Option<Rule>,
    /// The declared type word: `text`, `id`, `url`, `money`, `number`, `enum`, `pattern`.
    pub form: String,
}

/// Required ones first, then those of `[defaults]`, then optional ones; each once.
pub(super) fn parameters(reader: &mut Reader<'_>, usual: &[Name]) -> Vec<Parameter> {
    let mut found: Vec<Parameter> = Vec::new();
    let written = [("required", true), ("optional", false)];
    for (key, is_required) in written {
        for (parameter, at) in written_parameters(reader, key, is_required) {
            if found.iter().any(|one| one.name == parameter.name) {
                let message = format!("the parameter `{}` is named twice", parameter.name);
                reader.complain(
                    Diagnostic::error(Code(209), message)
                        .at(at, "named again here")
                        .help("a parameter is either required or optional, once"),
                );
            } else {
                found.push(parameter);
            }
        }
    }
    let missing = usual
        .iter()
        .filter(|name| found.iter().all(|one| one.name != **name));
    let added: Vec<Parameter> = missing.map(|name| plain(name.clone(), true)).collect();
    let place = found
        .iter()
        .position(|one| !one.required)
        .unwrap_or(found.len());
    found.splice(place..place, added);
    found
}

fn plain(name: Name, required: bool) -> Parameter {
    Parameter {
        name,
        required,
        rule: None,
        form: "text".to_owned(),
    }
}

/// A list of names, or a table of names with what their values look like.
fn written_parameters(
    reader: &mut Reader<'_>,
    key: &str,
    required: bool,
) -> Vec<(Parameter, Span)> {
    let is_table = matches!(
        reader.section().entries.get(key).map(|entry| &entry.value),
        Some(Typed::Table(_))
    );
    if !is_table {
        let names = reader.names(key).unwrap_or_default();
        return names
            .into_iter()
            .map(|(name, at)| (plain(name, required), at))
            .collect();
    }
    let Some(table) = reader.table(key) else {
        return Vec::new();
    };
    let mut entries: Vec<_> = table.entries.iter().collect();
    entries.sort_by_key(|(_, entry)| entry.key);
    let mut found = Vec::new();
    for (name, entry) in entries {
        let Ok(name) = Name::parse(name) else {
            continue;
        };
        match form(&entry.value) {
            Ok((form, rule)) => {
                let parameter = Parameter {
                    name,
                    required,
                    rule,
                    form,
                };
                found.push((parameter, entry.key));
            }
            Err(why) => {
                reader.complain(Diagnostic::error(Code(105), why).at(entry.at, "cannot be read"));
            }
        }
    }
    found
}

/// The words that say what values look like.
const FORMS: &[&str] = &[
    "text", "id", "url", "money", "number", "integer", "date", "flag",
];

fn form(value: &Typed) -> Result<(String, Option<Rule>), String> {
    match value {
        Typed::Text(word) => word_form(word),
        Typed::List(items) => {
            let texts: Vec<String> = items
                .iter()
                .filter_map(|(_, item)| match item {
                    Typed::Text(text) => Some(text.clone()),
                    _ => None,
                })
                .collect();
            if texts.len() != items.len() || texts.is_empty() {
                return Err("a list of allowed values holds texts".to_owned());
            }
            Ok(("enum".to_owned(), Some(Rule::OneOf(texts))))
        }
        Typed::Table(table) => table_form(table),
        other => Err(format!(
            "a parameter is a word, a list or a table, not {}",
            other.what()
        )),
    }
}

fn word_form(word: &str) -> Result<(String, Option<Rule>), String> {
    let number = || {
        Some(Rule::Number {
            min: None,
            max: None,
        })
    };
    match word {
        "text" | "id" | "date" | "flag" => Ok((word.to_owned(), None)),
        "url" => Ok((word.to_owned(), Some(Rule::Url))),
        "money" | "number" | "integer" => Ok((word.to_owned(), number())),
        pattern if pattern.starts_with('^') => pattern_form(pattern),
        other => {
            let near = suggest(other, FORMS)
                .map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
            Err(format!(
                "`{other}` is not a type{near} (known: {}; a pattern begins with ^)",
                FORMS.join(", ")
            ))
        }
    }
}

fn pattern_form(pattern: &str) -> Result<(String, Option<Rule>), String> {
    regex_lite::Regex::new(pattern).map_err(|why| format!("the pattern cannot be used: {why}"))?;
    Ok((
        "pattern".to_owned(),
        Some(Rule::Pattern(pattern.to_owned())),
    ))
}

fn table_form(table: &Section) -> Result<(String, Option<Rule>), String> {
    let text = |key: &str| match table.entries.get(key).map(|entry| &entry.value) {
        Some(Typed::Text(text)) => Some(text.clone()),
        _ => None,
    };
    for key in table.entries.keys() {
        if !["type", "min", "max", "pattern", "values"].contains(&key.as_str()) {
            return Err(format!(
                "a parameter table knows type, min, max, pattern and values, not `{key}`"
            ));
        }
    }
    if let Some(pattern) = text("pattern") {
        return pattern_form(&pattern);
    }
    if let Some(values) = table.entries.get("values") {
        return form(&values.value);
    }
    let word =
        text("type").ok_or("a parameter table says its type: { type = \"money\", min = 0 }")?;
    let (word, rule) = word_form(&word)?;
    match rule {
        Some(Rule::Number { .. }) => {
            let (min, max) = (limit(table, "min")?, limit(table, "max")?);
            let value =
                |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<f64>().ok());
            if value(&min)
                .zip(value(&max))
                .is_some_and(|(min, max)| min > max)
            {
                return Err("`min` lies above `max`".to_owned());
            }
            Ok((word, Some(Rule::Number { min, max })))
        }
        _ if table.entries.contains_key("min") || table.entries.contains_key("max") => Err(
            format!("`min` and `max` belong to numbers, not to `{word}`"),
        ),
        rule => Ok((word, rule)),
    }
}

/// A lowest or highest value, as written.
fn limit(table: &Section, key: &str) -> Result<Option<String>, String> {
    match table.entries.get(key).map(|entry| &entry.value) {
        None => Ok(None),
        Some(Typed::Whole(number)) => Ok(Some(number.to_string())),
        Some(Typed::Decimal(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(format!(
            "`{key}` is a number without quotes, not {}",
            other.what()
        )),
    }
}
