//! `[utm]`, `[naming]`, `[consent]`: standards that names and traffic keep.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::config::{Reader, Typed};
use crate::model::{Code, Diagnostic, Name, Rule};

use super::resolve::Resolver;

/// `[utm]`
#[derive(Debug, Clone, PartialEq)]
pub struct Utm {
    /// Fields that must be there, such as `utm_source`.
    pub required: Vec<Name>,
    /// Only lower case.
    pub lower: bool,
    /// Allowed values by field (`source`, `medium`, ...); a pattern or a list.
    pub rules: BTreeMap<Name, Rule>,
    /// Share of unknown traffic above which to warn.
    pub unknown: Option<f64>,
}

/// `[naming]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Naming {
    /// The style of event names.
    pub events: Option<NameStyle>,
    /// The style of parameter names.
    pub parameters: Option<NameStyle>,
}

/// A style of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameStyle {
    /// `add_to_cart`
    Snake,
    /// `addToCart`
    Camel,
    /// `add-to-cart`
    Kebab,
    /// `Add To Cart`
    Title,
    /// `account_connected`: snake case that ends in a verb of the past.
    ObjectVerbed,
    /// A regular expression for the whole name.
    Pattern(String),
}

/// `[consent]`
#[derive(Debug, Clone, PartialEq)]
pub struct Consent {
    /// Usual share of visitors who grant, low and high.
    pub granted: (f64, f64),
}

/// `[utm]`
pub(super) fn utm(resolver: &mut Resolver<'_>) -> Option<Utm> {
    resolver.read("utm", |reader| {
        let required = reader.names("required").unwrap_or_default();
        let case = reader.one_of("case", &["lower", "any"]);
        let mut rules = BTreeMap::new();
        for field in ["source", "medium", "campaign", "term", "content"] {
            if let Some(rule) = rule(reader, field) {
                rules.insert(Name::clean(&format!("utm_{field}")), rule);
            }
        }
        Utm {
            required: required.into_iter().map(|(name, _)| name).collect(),
            lower: case.as_deref() == Some("lower"),
            rules,
            unknown: reader.part("unknown"),
        }
    })
}

/// A list of allowed values, or a pattern.
fn rule(reader: &mut Reader<'_>, field: &str) -> Option<Rule> {
    let is_list = matches!(
        reader
            .section()
            .entries
            .get(field)
            .map(|entry| &entry.value),
        Some(Typed::List(_))
    );
    if is_list {
        let values = reader.texts(field)?;
        return Some(Rule::OneOf(
            values.into_iter().map(|(text, _)| text).collect(),
        ));
    }
    let pattern = reader.text(field)?;
    checked(reader, field, pattern).map(Rule::Pattern)
}

fn checked(reader: &mut Reader<'_>, key: &str, pattern: String) -> Option<String> {
    match regex_lite::Regex::new(&pattern) {
        Ok(_) => Some(pattern),
        Err(why) => {
            let at = reader.place(key);
            let message = format!("the pattern cannot be used: {why}");
            reader.complain(Diagnostic::error(Code(211), message).at(at, "cannot be used"));
            None
        }
    }
}

/// `[naming]`
pub(super) fn naming(resolver: &mut Resolver<'_>) -> Naming {
    let read = |reader: &mut Reader<'_>| Naming {
        events: style(reader, "events"),
        parameters: style(reader, "parameters"),
    };
    resolver.read("naming", read).unwrap_or_default()
}

/// The words for styles, in the order of the documentation.
const STYLES: &[&str] = &[
    "snake_case",
    "camelCase",
    "kebab-case",
    "Title Case",
    "object_verbed",
];

fn style(reader: &mut Reader<'_>, key: &str) -> Option<NameStyle> {
    let written = reader.section().entries.get(key).map(|entry| &entry.value);
    if let Some(Typed::Text(text)) = written
        && text.starts_with('^')
    {
        let pattern = reader.text(key)?;
        return checked(reader, key, pattern).map(NameStyle::Pattern);
    }
    Some(match reader.one_of(key, STYLES)?.as_str() {
        "snake_case" => NameStyle::Snake,
        "camelCase" => NameStyle::Camel,
        "kebab-case" => NameStyle::Kebab,
        "Title Case" => NameStyle::Title,
        _ => NameStyle::ObjectVerbed,
    })
}

impl NameStyle {
    /// The regular expression that a whole name must match.
    pub fn pattern(&self) -> &str {
        match self {
            Self::Snake => "^[a-z][a-z0-9]*(_[a-z0-9]+)*$",
            Self::Camel => "^[a-z][a-zA-Z0-9]*$",
            Self::Kebab => "^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
            Self::Title => "^[A-Z][A-Za-z0-9]*( [A-Z0-9][A-Za-z0-9]*)*$",
            Self::ObjectVerbed => {
                "^[a-z][a-z0-9]*(_[a-z0-9]+)*_([a-z]+ed|sent|made|won|lost|paid|begun|seen|done|met|read|built|bought|sold|shown|taken|given|chosen|kept|found|left)$"
            }
            Self::Pattern(pattern) => pattern,
        }
    }

    /// The word of the configuration.
    pub fn word(&self) -> &str {
        match self {
            Self::Snake => "snake_case",
            Self::Camel => "camelCase",
            Self::Kebab => "kebab-case",
            Self::Title => "Title Case",
            Self::ObjectVerbed => "object_verbed",
            Self::Pattern(pattern) => pattern,
        }
    }
}

/// `[consent]`
pub(super) fn consent(resolver: &mut Resolver<'_>) -> Option<Consent> {
    resolver
        .read("consent", |reader| {
            let granted = reader.band("granted")?;
            if granted.0 < 0.0 || granted.1 > 1.0 {
                let at = reader.place("granted");
                reader.complain(
                    Diagnostic::error(Code(216), "shares of visitors lie between 0% and 100%")
                        .at(at, "outside"),
                );
            }
            Some(Consent { granted })
        })
        .flatten()
}

/// `[release]`: releases come through the API or `truecount mark`.
pub(super) fn release(resolver: &mut Resolver<'_>) -> Option<TimeDelta> {
    let read = |reader: &mut Reader<'_>| {
        reader.one_of("from", &["api"]);
        reader.duration("watch")
    };
    resolver.read("release", read).flatten()
}
