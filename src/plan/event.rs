//! `[event.*]`: what should be measured, and how each source knows it.

use chrono::NaiveDate;

use crate::config::{Reader, Section, Typed, suggest, unknown};
use crate::model::{Code, Diagnostic, Mapping, Name, Rule, Span};

use super::resolve::Resolver;
use super::{KindFacts, SourceDecl};

/// `[event.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Plan name.
    pub name: Name,
    /// What it is.
    pub about: Option<String>,
    /// Who answers for it.
    pub owner: Option<Name>,
    /// What is decided with it.
    pub decision: Option<String>,
    /// When it was asked for, for *time to implement*.
    pub requested: Option<NaiveDate>,
    /// Deduplication key, a parameter.
    pub unique: Option<Name>,
    /// The source that `volume` reads (decision 19).
    pub home: Option<Name>,
    /// Parameters, required first.
    pub parameters: Vec<Parameter>,
    /// Dimensions in which a culprit is sought.
    pub by: Vec<Name>,
    /// Former plan name whose history carries over.
    pub was: Option<Name>,
    /// Sources that know it, in plan order; resolved, so never empty unless no source can.
    pub mappings: Vec<(Name, Mapping)>,
    /// Header.
    pub span: Span,
    /// `rules/leads.toml:36`
    pub origin: String,
}

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

/// What `[defaults]` adds to every event.
#[derive(Default)]
struct Defaults {
    by: Vec<Name>,
    required: Vec<Name>,
}

/// `[event.*]` with `[defaults]`.
pub(super) fn events(resolver: &mut Resolver<'_>, sources: &[SourceDecl]) -> Vec<Event> {
    let plain = |names: Option<Vec<(Name, Span)>>| {
        names
            .unwrap_or_default()
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<Name>>()
    };
    let read = |reader: &mut Reader<'_>| Defaults {
        by: plain(reader.names("by")),
        required: plain(reader.names("required")),
    };
    let defaults = resolver.read("defaults", read).unwrap_or_default();
    let mut found = Vec::new();
    for (name, span, section) in resolver.family("event") {
        let origin = resolver.origin(span);
        let mut reader = Reader::new(section);
        let mut parameters = required(&mut reader, &defaults);
        parameters.extend(optional(&mut reader));
        let by = reader
            .names("by")
            .map(|by| by.into_iter().map(|(name, _)| name).collect());
        let mut event = Event {
            about: reader.text("about"),
            owner: reader.name("owner").map(|(name, _)| name),
            decision: reader.text("decision"),
            requested: reader.date("requested"),
            unique: reader.name("unique").map(|(name, _)| name),
            home: None,
            parameters,
            by: by.unwrap_or_else(|| defaults.by.clone()),
            was: reader.name("was").map(|(name, _)| name),
            mappings: Vec::new(),
            name,
            span,
            origin,
        };
        let home = reader.name("home");
        let places = reader.has("in").then(|| reader.table("in")).flatten();
        let mut complaints = reader.finish();
        match places {
            None => event.mappings = own_name(&event.name, sources),
            Some(places) => {
                event.mappings = mappings(resolver, &event.name, places, sources, &mut complaints);
            }
        }
        resolver.complaints.extend(complaints);
        if let Some((home, at)) = home {
            let known: Vec<(Name, Span)> = event
                .mappings
                .iter()
                .filter_map(|(name, _)| sources.iter().find(|source| source.decl.name == *name))
                .map(|source| (source.decl.name.clone(), source.decl.span))
                .collect();
            if resolver.refer(202, "source", &home, at, &known) {
                event.home = Some(home);
            }
        }
        if event.mappings.is_empty() && places.is_none() {
            resolver.complaints.push(
                Diagnostic::warning(Code(215), format!("no source can count `{}`", event.name))
                    .at(span, "nobody knows this event")
                    .help(format!(
                        "say where it is: [event.{}] in.<source> = …",
                        event.name
                    )),
            );
        }
        found.push(event);
    }
    found
}

/// Without any `in.*` an event is expected under its own name in every event-named source.
fn own_name(name: &Name, sources: &[SourceDecl]) -> Vec<(Name, Mapping)> {
    sources
        .iter()
        .filter(|source| source.event_named)
        .map(|source| (source.decl.name.clone(), native(name.as_str())))
        .collect()
}

fn native(name: &str) -> Mapping {
    Mapping {
        native: Some(name.to_owned()),
        ..Mapping::default()
    }
}

fn mappings(
    resolver: &mut Resolver<'_>,
    event: &Name,
    places: &Section,
    sources: &[SourceDecl],
    complaints: &mut Vec<Diagnostic>,
) -> Vec<(Name, Mapping)> {
    let known: Vec<(Name, Span)> = sources
        .iter()
        .map(|source| (source.decl.name.clone(), source.decl.span))
        .collect();
    let mut found = Vec::new();
    for source in sources {
        let Some(entry) = places.entries.get(source.decl.name.as_str()) else {
            continue;
        };
        let facts = resolver
            .known
            .sources
            .iter()
            .find(|facts| facts.name == source.decl.kind);
        let mapping = match &entry.value {
            Typed::Flag(true) => Some(native(event.as_str())),
            Typed::Flag(false) => None,
            Typed::Text(text) => Some(native(text)),
            Typed::Table(table) => {
                let named = facts
                    .is_some_and(|facts| facts.event_named)
                    .then(|| event.as_str());
                Some(table_mapping(table, facts, named, complaints))
            }
            other => {
                let what = other.what();
                complaints.push(
                    Diagnostic::error(
                        Code(102),
                        format!(
                            "`in.{}` should be true, a name or a table",
                            source.decl.name
                        ),
                    )
                    .at(entry.at, format!("this is {what}")),
                );
                None
            }
        };
        found.extend(mapping.map(|mapping| (source.decl.name.clone(), mapping)));
    }
    for (key, entry) in &places.entries {
        let Ok(name) = Name::parse(key) else { continue };
        if !known.iter().any(|(source, _)| *source == name) {
            resolver.refer(202, "source", &name, entry.key, &known);
        }
    }
    found
}

/// The settings of `in.<source>` as texts; keys that the kind does not know are complained of.
fn table_mapping(
    table: &Section,
    facts: Option<&KindFacts>,
    named: Option<&str>,
    complaints: &mut Vec<Diagnostic>,
) -> Mapping {
    let mut mapping = Mapping {
        native: named.map(str::to_owned),
        ..Mapping::default()
    };
    let known: Vec<&str> = facts
        .map_or(&[][..], |facts| facts.mapping)
        .iter()
        .map(|setting| setting.key)
        .collect();
    for (key, entry) in &table.entries {
        let text = match &entry.value {
            Typed::Text(text) => Some(text.clone()),
            Typed::Whole(number) => Some(number.to_string()),
            Typed::Decimal(number) => Some(number.to_string()),
            Typed::Flag(flag) => Some(flag.to_string()),
            _ => None,
        };
        match (key.as_str(), text, &entry.value) {
            ("fields", _, Typed::Table(fields)) => {
                for (parameter, field) in &fields.entries {
                    if let (Ok(name), Typed::Text(field)) = (Name::parse(parameter), &field.value) {
                        mapping.fields.insert(name, field.clone());
                    }
                }
            }
            ("event" | "name", Some(text), _) => mapping.native = Some(text),
            (key, Some(text), _) => {
                let checked = facts.is_some_and(|facts| facts.built);
                if checked && !known.contains(&key) {
                    complaints.push(unknown(&table.title(), key, entry.key, &known));
                }
                mapping.settings.insert(key.to_owned(), text);
            }
            (key, None, other) => complaints.push(
                Diagnostic::error(Code(102), format!("`{key}` should be a text or a number"))
                    .at(entry.at, format!("this is {}", other.what())),
            ),
        }
    }
    mapping
}

fn required(reader: &mut Reader<'_>, defaults: &Defaults) -> Vec<Parameter> {
    let mut found = parameters(reader, "required", true);
    for name in &defaults.required {
        if found.iter().all(|parameter| parameter.name != *name) {
            found.push(plain(name.clone(), true));
        }
    }
    found
}

fn optional(reader: &mut Reader<'_>) -> Vec<Parameter> {
    parameters(reader, "optional", false)
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
fn parameters(reader: &mut Reader<'_>, key: &str, required: bool) -> Vec<Parameter> {
    let is_table = matches!(
        reader.section().entries.get(key).map(|entry| &entry.value),
        Some(Typed::Table(_))
    );
    if !is_table {
        let names = reader.names(key).unwrap_or_default();
        return names
            .into_iter()
            .map(|(name, _)| plain(name, required))
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
            Ok((form, rule)) => found.push(Parameter {
                name,
                required,
                rule,
                form,
            }),
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
        Some(Typed::Whole(number)) => Some(number.to_string()),
        Some(Typed::Decimal(number)) => Some(number.to_string()),
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
        Some(Rule::Number { .. }) => Ok((
            word,
            Some(Rule::Number {
                min: text("min"),
                max: text("max"),
            }),
        )),
        rule => Ok((word, rule)),
    }
}
