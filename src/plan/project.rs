//! `[project]`, `[store]`, `[server]`, `[net]`, `[noise]`: the frame around the plan.

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use url::Url;

use crate::config::{Reader, SecretRef, Typed, human, suggest};
use crate::model::{Calendar, Code, Diagnostic, Name};

use super::resolve::Resolver;

/// `[project]`
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Stable id of every stored row; the slug of the name unless given.
    pub id: Name,
    /// As people call it.
    pub name: Name,
    /// The project's zone and ignored days (`[project] ignore`, `[calendar.*]`).
    pub calendar: Calendar,
    /// ISO 4217.
    pub currency: Option<String>,
    /// ISO 3166-1 alpha-2, for holidays.
    pub country: Option<String>,
    /// Address of the dashboard, for links.
    pub url: Option<Url>,
    /// Promised false alarms per week over the whole plan; 1 unless given.
    pub budget: f64,
}

/// `[store]`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoreSettings {
    /// `sqlite:path`; `truecount.db` beside the configuration when `None`.
    pub url: Option<String>,
    /// How long readings are kept; two years when `None`.
    pub keep: Option<TimeDelta>,
}

impl StoreSettings {
    /// How long readings, results and pulls are kept.
    pub fn kept(&self) -> TimeDelta {
        self.keep.unwrap_or(TimeDelta::days(730))
    }
}

/// `[server]`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerSettings {
    /// `127.0.0.1:8787` when `None`.
    pub listen: Option<String>,
    /// `/metrics` with names for everybody.
    pub open_metrics: bool,
    /// A token for the API that needs no database entry.
    pub token: Option<SecretRef>,
}

/// `[net]`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NetSettings {
    /// Private addresses that may be reached: `10.0.0.5/32`, `127.0.0.1`; `["*"]` for `true`.
    pub allow_private: Vec<String>,
    /// Proxy for outgoing calls.
    pub proxy: Option<SecretRef>,
}

/// `[noise]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noise {
    /// Whether findings of one cause become one incident.
    pub group: bool,
}

/// `[project]`
pub(super) fn project(resolver: &mut Resolver<'_>) -> Project {
    let fallback = || Project {
        id: Name::clean("project"),
        name: Name::clean("Project"),
        calendar: Calendar::new(chrono_tz::UTC),
        currency: None,
        country: None,
        url: None,
        budget: 1.0,
    };
    if resolver.document.table("project").is_none() {
        resolver.complaints.push(
            Diagnostic::error(Code(104), "there is no [project]").help(
                "begin with:\n[project]\nname     = \"My shop\"\ntimezone = \"Europe/Berlin\"",
            ),
        );
        return fallback();
    }
    resolver
        .read("project", read_project)
        .unwrap_or_else(fallback)
}

fn read_project(reader: &mut Reader<'_>) -> Project {
    let name = reader.required_text("name", "it stands in every message: name = \"My shop\"");
    let name = Name::clean(name.as_deref().unwrap_or("Project"));
    let id = reader.name("id").map(|(id, _)| id);
    let zone = zone(reader).unwrap_or(chrono_tz::UTC);
    let budget = reader.entry("budget").map(|entry| match &entry.value {
        Typed::Whole(number) => u32::try_from(*number).ok().map(f64::from),
        Typed::Decimal(number) => Some(*number),
        Typed::Text(text) => alarms_a_week(text),
        _ => None,
    });
    if budget.is_some_and(|budget| budget.is_none_or(|budget| !(0.01..=1_000.0).contains(&budget)))
    {
        let at = reader.place("budget");
        reader.complain(
            Diagnostic::error(
                Code(216),
                "`budget` is false alarms a week over the whole plan",
            )
            .at(at, "cannot be read")
            .help("write it like budget = \"1 a week\""),
        );
    }
    let days = ignored(reader, "ignore");
    Project {
        id: id.unwrap_or_else(|| slug(name.as_str())),
        name,
        calendar: Calendar::new(zone).ignoring(days),
        currency: letters(reader, "currency", 3, "EUR"),
        country: letters(reader, "country", 2, "DE"),
        url: reader.url("url"),
        budget: budget.flatten().unwrap_or(1.0),
    }
}

/// Both spellings are accepted, one is suggested.
fn zone(reader: &mut Reader<'_>) -> Option<Tz> {
    let why = "days begin at midnight somewhere: timezone = \"Europe/Berlin\"";
    reader.required_text("timezone", why)?;
    zone_of(reader, "timezone")
}

/// The zone that a key names.
pub(super) fn zone_of(reader: &mut Reader<'_>, key: &str) -> Option<Tz> {
    let text = reader.text(key)?;
    let found = text.parse::<Tz>();
    if found.is_err() {
        let at = reader.place(key);
        let names: Vec<&str> = chrono_tz::TZ_VARIANTS
            .iter()
            .map(|zone| zone.name())
            .collect();
        let mut complaint = Diagnostic::error(Code(207), format!("there is no time zone `{text}`"))
            .at(at, "not known");
        if let Some(near) = suggest(&text, &names) {
            complaint =
                complaint
                    .help("a similar zone exists")
                    .fix(at, format!("\"{near}\""), true);
        } else {
            complaint =
                complaint.help("write it as in the IANA database, such as Europe/Berlin or UTC");
        }
        reader.complain(complaint);
    }
    found.ok()
}

/// `1 a week`, `2 a month`
fn alarms_a_week(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace();
    let number: f64 = words.next()?.parse().ok()?;
    let unit = words.next_back();
    let weeks = match unit.unwrap_or("week") {
        "day" => 1.0 / 7.0,
        "week" => 1.0,
        "month" => 365.0 / 12.0 / 7.0,
        "year" => 365.0 / 7.0,
        _ => return None,
    };
    Some(number / weeks)
}

/// A code of so many capital letters.
fn letters(reader: &mut Reader<'_>, key: &str, count: usize, example: &str) -> Option<String> {
    let text = reader.text(key)?;
    if text.len() == count && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Some(text);
    }
    let at = reader.place(key);
    let complaint = Diagnostic::error(Code(105), format!("`{text}` is not a {key} code"))
        .at(at, "cannot be read");
    let upper = text.to_uppercase();
    let spelled = upper.len() == count && upper.bytes().all(|byte| byte.is_ascii_uppercase());
    reader.complain(if spelled {
        complaint
            .help("codes are written in capital letters")
            .fix(at, format!("\"{upper}\""), true)
    } else {
        complaint.help(format!(
            "write {count} capital letters, such as {key} = \"{example}\""
        ))
    });
    None
}

fn ignored(reader: &mut Reader<'_>, key: &str) -> Vec<NaiveDate> {
    let mut days = Vec::new();
    for (text, at) in reader.texts(key).unwrap_or_default() {
        match human::days(&text) {
            Ok(more) => days.extend(more),
            Err(why) => reader.complain(Diagnostic::error(Code(105), why).at(at, "cannot be read")),
        }
    }
    days
}

/// `Acme shop` becomes `acme-shop`.
fn slug(name: &str) -> Name {
    let mut text = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            text.push(c);
        } else if !text.ends_with('-') && !text.is_empty() {
            text.push('-');
        }
    }
    Name::parse(text.trim_end_matches('-')).unwrap_or_else(|_| Name::clean("project"))
}

/// What is younger is never thinned, and a shorter past teaches too little.
const LEAST_KEPT: TimeDelta = TimeDelta::days(90);

/// `[store]`
pub(super) fn store(resolver: &mut Resolver<'_>) -> StoreSettings {
    let read = |reader: &mut Reader<'_>| {
        let keep = reader.duration("keep");
        if keep.is_some_and(|keep| keep < LEAST_KEPT) {
            let at = reader.place("keep");
            reader.complain(
                Diagnostic::error(Code(216), "readings are kept for at least 90 days")
                    .at(at, "too short")
                    .help("checks learn from the past: write \"400 days\" or leave it out"),
            );
        }
        StoreSettings {
            url: reader.text("url"),
            keep,
        }
    };
    resolver.read("store", read).unwrap_or_default()
}

/// `[server]`
pub(super) fn server(resolver: &mut Resolver<'_>) -> ServerSettings {
    let read = |reader: &mut Reader<'_>| ServerSettings {
        listen: reader.text("listen"),
        open_metrics: reader.flag("open_metrics").unwrap_or(false),
        token: reader.secret("token"),
    };
    resolver.read("server", read).unwrap_or_default()
}

/// `[net]`
pub(super) fn net(resolver: &mut Resolver<'_>) -> NetSettings {
    let read = |reader: &mut Reader<'_>| {
        let flag = reader
            .section()
            .entries
            .get("allow_private")
            .map(|entry| &entry.value);
        let allow_private = match flag {
            Some(Typed::Flag(all)) => {
                let all = *all;
                reader.flag("allow_private");
                if all {
                    vec!["*".to_owned()]
                } else {
                    Vec::new()
                }
            }
            _ => {
                let texts = reader.texts("allow_private").unwrap_or_default();
                texts.into_iter().map(|(text, _)| text).collect()
            }
        };
        let proxy = reader.secret("proxy");
        NetSettings {
            allow_private,
            proxy,
        }
    };
    resolver.read("net", read).unwrap_or_default()
}

/// `[heartbeat]`
pub(super) fn heartbeat(resolver: &mut Resolver<'_>) -> Option<SecretRef> {
    resolver
        .read("heartbeat", |reader| reader.secret("url"))
        .flatten()
}

/// `[noise]`
pub(super) fn noise(resolver: &mut Resolver<'_>) -> Noise {
    let group = resolver
        .read("noise", |reader| reader.flag("group"))
        .flatten();
    Noise {
        group: group.unwrap_or(true),
    }
}
