//! `[event.*]`: what should be measured, and how each source knows it.

use chrono::NaiveDate;

use crate::config::{Reader, Section, Typed, unknown};
use crate::model::{Code, Diagnostic, Mapping, Name, Span};

use super::resolve::Resolver;
use super::{Decl, KindFacts, Parameter, SourceDecl, parameter, source};

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

impl Event {
    /// How a source knows it; `None` when it does not.
    pub fn mapping(&self, source: &Name) -> Option<&Mapping> {
        let mut mappings = self.mappings.iter();
        mappings.find_map(|(name, mapping)| (name == source).then_some(mapping))
    }
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
        let parameters = parameter::parameters(&mut reader, &defaults.required);
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
        let places = reader.table("in");
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
            if resolver.refer(202, "source of this event", &home, at, &known) {
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
            Typed::Flag(false) => None,
            Typed::Flag(true) | Typed::Text(_)
                if facts.is_some_and(|facts| facts.built && !facts.event_named) =>
            {
                complaints.extend(facts.map(|facts| nameless(&source.decl, facts, entry.at)));
                None
            }
            Typed::Flag(true) => Some(native(event.as_str())),
            Typed::Text(text) => Some(native(text)),
            Typed::Table(table) => {
                let mapped = facts.map_or(&[][..], |facts| facts.mapping);
                complaints.extend(source::lacking(table, mapped, &["event"]));
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
            resolver.refer_key(202, "source", &name, entry.key, &known);
        }
    }
    found
}

/// A source whose records have no names of their own cannot be asked for a name.
fn nameless(source: &Decl, facts: &KindFacts, at: Span) -> Diagnostic {
    let keys: Vec<&str> = facts.mapping.iter().map(|setting| setting.key).collect();
    let first = keys.first().copied().unwrap_or("table");
    let message = format!(
        "`{}` ({}) knows no names of events",
        source.name, facts.name
    );
    Diagnostic::error(Code(217), message)
        .at(at, "a name alone does not say what to count")
        .help(format!(
            "write in.{} = {{ {first} = \"…\" }}; known here: {}",
            source.name,
            keys.join(", ")
        ))
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
                    match (Name::parse(parameter), &field.value) {
                        (Ok(name), Typed::Text(field)) => {
                            mapping.fields.insert(name, field.clone());
                        }
                        (_, other) => complaints.push(
                            Diagnostic::error(
                                Code(102),
                                format!("the field of `{parameter}` should be a text in quotes"),
                            )
                            .at(field.at, format!("this is {}", other.what())),
                        ),
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
