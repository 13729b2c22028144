//! `[owner.*]`, `[route.*]`, `[silence.*]`, `[mail]`: who hears what.

use chrono::TimeDelta;

use std::collections::BTreeMap;

use crate::config::{Entry, Reader, SecretRef, Section, Typed};
use crate::model::{Code, DailyHours, Diagnostic, Matcher, Name, Span, Status, Window};

use super::Project;
use super::resolve::Resolver;

/// `[owner.X]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// As people call them.
    pub name: String,
    /// Address.
    pub email: Option<String>,
    /// Slack member id, for mentions.
    pub slack: Option<String>,
}

/// `[route.X]`: who hears of what, by which ways, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Plan name.
    pub name: Name,
    /// What it hears of.
    pub matcher: Matcher,
    /// Only this status or worse.
    pub level: Status,
    /// Channels of the route: the kind (`slack`, `email`, `webhook`) with its table entry.
    pub channels: Vec<ChannelDecl>,
    /// Held during these local hours, except for primary conversions.
    pub quiet: Option<DailyHours>,
    /// Calendars during which nothing is told, not even of primary conversions.
    pub mute: Vec<Name>,
    /// How long to wait for related findings before the first message.
    pub wait: TimeDelta,
    /// Reminder after this long while open; zero for none.
    pub remind: TimeDelta,
    /// At most this many messages a day.
    pub daily: u32,
    /// Another route that hears when this one is dead.
    pub fallback: Option<Name>,
    /// Another route that hears when nobody acknowledges within this time.
    pub escalate: Option<(TimeDelta, Name)>,
    /// Where it was written.
    pub origin: String,
}

/// One way to send, of a route.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelDecl {
    /// `slack`, `email`, `webhook`, ...
    pub kind: String,
    /// The value as typed, wrapped into a section when it is not a table: `{ to = value }`.
    pub section: Section,
    /// The value's place, for complaints.
    pub span: Span,
}

/// `[silence.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct SilenceDecl {
    /// Plan name.
    pub name: Name,
    /// What is muted.
    pub matcher: Matcher,
    /// From when to when, in the project's zone.
    pub window: Window,
    /// Why.
    pub reason: String,
}

/// `[mail]`
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// `Name <address>`
    pub from: String,
    /// An `smtp://` or `smtps://` address with credentials; the variable `TRUECOUNT_SMTP_URL` when
    /// `None`.
    pub smtp: Option<SecretRef>,
}

/// `[owner.*]`
pub(super) fn owners(resolver: &mut Resolver<'_>) -> BTreeMap<Name, Owner> {
    let mut found = BTreeMap::new();
    for (name, _, section) in resolver.family("owner") {
        let owner = resolver.read_section(section, |reader| Owner {
            name: reader.text("name").unwrap_or_else(|| name.to_string()),
            email: reader.text("email"),
            slack: reader.text("slack"),
        });
        found.insert(name, owner);
    }
    found
}

/// `[mail]`
pub(super) fn mail(resolver: &mut Resolver<'_>) -> Option<Mail> {
    let fallback = resolver.environment.smtp_url_set;
    let read = |reader: &mut Reader<'_>| {
        let from = reader.required_text(
            "from",
            "say who the mail is from: from = \"Truecount <truecount@acme.example>\"",
        );
        let smtp = reader.secret("smtp");
        if smtp.is_none() && !fallback {
            reader.missing(
                "smtp",
                "say where the server is: smtp = { env = \"SMTP_URL\" }",
            );
        }
        from.map(|from| Mail { from, smtp })
    };
    let written = resolver.read("mail", read).flatten();
    // The variable alone is enough: then we write as ourselves.
    written.or_else(|| {
        fallback.then(|| Mail {
            from: "Truecount <truecount@localhost>".to_owned(),
            smtp: None,
        })
    })
}

/// Waits before the first message, reminds, and caps (ux: noise control).
const WAIT: TimeDelta = TimeDelta::minutes(10);
const REMIND: TimeDelta = TimeDelta::hours(24);
const DAILY: u32 = 20;

/// `[route.*]`; `default` comes last.
pub(super) fn routes(
    resolver: &mut Resolver<'_>,
    owners: &BTreeMap<Name, Owner>,
    has_mail: bool,
) -> Vec<Route> {
    let places: Vec<(Name, Span)> = resolver
        .family("route")
        .into_iter()
        .map(|(name, at, _)| (name, at))
        .collect();
    if places.is_empty() {
        resolver.complaints.push(
            Diagnostic::warning(Code(213), "nobody is told: there is no [route.*]").help(
                "add [route.default] with slack = { env = \"SLACK_WEBHOOK_URL\" } or email = [\"you@acme.example\"]",
            ),
        );
    }
    let mut found = Vec::new();
    for (name, span, section) in resolver.family("route") {
        let origin = resolver.origin(span);
        let kinds: Vec<&str> = resolver
            .known
            .channels
            .iter()
            .map(|facts| facts.name)
            .collect();
        let mut others = Vec::new();
        let route = resolver.read_section(section, |reader| {
            let fallback = reader.name("fallback");
            let escalate = escalate(reader);
            others.extend(fallback.clone());
            others.extend(escalate.as_ref().map(|(_, name, at)| (name.clone(), *at)));
            Route {
                matcher: matcher(reader),
                level: level(reader),
                channels: channels(reader, &kinds),
                quiet: reader.hours("quiet"),
                mute: reader
                    .names("mute")
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(name, _)| name)
                    .collect(),
                wait: reader.duration("wait").unwrap_or(WAIT),
                remind: reader.duration("remind").unwrap_or(REMIND),
                daily: reader
                    .whole("daily")
                    .and_then(|most| u32::try_from(most).ok())
                    .unwrap_or(DAILY),
                fallback: fallback.map(|(name, _)| name),
                escalate: escalate.map(|(after, name, _)| (after, name)),
                name,
                origin,
            }
        });
        for (other, at) in others {
            resolver.refer(205, "route", &other, at, &places);
        }
        check_owners_of(resolver, &route, section, owners);
        if route.channels.is_empty() {
            resolver.complaints.push(
                Diagnostic::error(
                    Code(205),
                    format!("[route.{}] has no way to send", route.name),
                )
                .at(span, "in this table")
                .help(format!("give it one of: {}", kinds.join(", "))),
            );
        }
        mail_or_complain(resolver, &route, has_mail);
        found.push(route);
    }
    found.sort_by_key(|route| route.name.as_str() == "default");
    found
}

fn mail_or_complain(resolver: &mut Resolver<'_>, route: &Route, has_mail: bool) {
    if let Some(mail) = route
        .channels
        .iter()
        .find(|channel| channel.kind == "email" && !has_mail)
    {
        resolver.complaints.push(
            Diagnostic::error(
                Code(212),
                format!(
                    "[route.{}] sends mail, and there is no mail server",
                    route.name
                ),
            )
            .at(mail.span, "cannot be served")
            .help("add [mail] with from and smtp, or set TRUECOUNT_SMTP_URL"),
        );
    }
}

fn check_owners_of(
    resolver: &mut Resolver<'_>,
    route: &Route,
    section: &Section,
    owners: &BTreeMap<Name, Owner>,
) {
    let Some(entry) = section.entries.get("owners") else {
        return;
    };
    for owner in &route.matcher.owners {
        let known = owners.keys().any(|name| name.as_str() == owner);
        if !known && !owner.ends_with('*') {
            resolver.complaints.push(
                Diagnostic::error(Code(203), format!("there is no owner `{owner}`"))
                    .at(entry.at, "no such owner")
                    .help(format!("define [owner.{owner}] with a name and an email")),
            );
        }
    }
}

fn plain(texts: Option<Vec<(String, Span)>>) -> Vec<String> {
    texts
        .unwrap_or_default()
        .into_iter()
        .map(|(text, _)| text)
        .collect()
}

fn matcher(reader: &mut Reader<'_>) -> Matcher {
    let primary_only = reader.has("when")
        && reader.one_of("when", &["primary", "always"]).as_deref() == Some("primary");
    Matcher {
        checks: plain(reader.texts("checks")),
        events: plain(reader.texts("events")),
        owners: plain(reader.texts("owners")),
        sources: plain(reader.texts("sources")),
        primary_only,
    }
}

fn level(reader: &mut Reader<'_>) -> Status {
    let word = reader.one_of("level", &["warning", "failing"]);
    word.and_then(|word| Status::parse(&word))
        .unwrap_or(Status::Warning)
}

/// `escalate = { after = "2 hours", to = "oncall" }`
fn escalate(reader: &mut Reader<'_>) -> Option<(TimeDelta, Name, Span)> {
    if !reader.has("escalate") {
        return None;
    }
    let table = reader.table("escalate")?;
    let mut inner = Reader::new(table);
    let after = inner.duration("after");
    let to = inner.name("to");
    for complaint in inner.finish() {
        reader.complain(complaint);
    }
    let (name, at) = to?;
    Some((after?, name, at))
}

/// Keys of a route that name a kind of channel.
fn channels(reader: &mut Reader<'_>, kinds: &[&str]) -> Vec<ChannelDecl> {
    let plain_secrets = reader.section().plain_secrets;
    kinds
        .iter()
        .filter_map(|kind| {
            reader.entry(kind).map(|entry| ChannelDecl {
                kind: (*kind).to_owned(),
                section: wrapped(entry, kind, plain_secrets),
                span: entry.at,
            })
        })
        .collect()
}

/// A table stays; anything else, also a bare secret, becomes `{ to = value }`.
fn wrapped(entry: &Entry, kind: &str, plain_secrets: bool) -> Section {
    if let Typed::Table(table) = &entry.value {
        let secret = table.entries.len() == 1
            && table
                .entries
                .keys()
                .all(|key| ["env", "file", "credential", "command"].contains(&key.as_str()));
        if !secret {
            return table.clone();
        }
    }
    let path = vec![kind.to_owned()];
    Section {
        path,
        span: entry.at,
        entries: BTreeMap::from([("to".to_owned(), entry.clone())]),
        plain_secrets,
    }
}

/// `[silence.*]`
pub(super) fn silences(resolver: &mut Resolver<'_>, project: &Project) -> Vec<SilenceDecl> {
    let mut found = Vec::new();
    for (name, span, section) in resolver.family("silence") {
        let silence = resolver.read_section(section, |reader| {
            let (from, to) = (day(reader, "from"), day(reader, "to"));
            let reason =
                reader.required_text("reason", "whoever reads this later wants to know why");
            let matcher = reader.table("match").map(|table| {
                let mut inner = Reader::new(table);
                let matcher = matcher(&mut inner);
                for complaint in inner.finish() {
                    reader.complain(complaint);
                }
                matcher
            });
            let window = from.zip(to).map(|(from, to)| Window {
                from: project.calendar.day(from).start,
                to: project.calendar.day(to).end,
            });
            Some(SilenceDecl {
                name,
                matcher: matcher.unwrap_or_default(),
                window: window?,
                reason: reason?,
            })
        });
        match silence {
            Some(silence) if silence.window.from < silence.window.to => found.push(silence),
            Some(silence) => resolver.complaints.push(
                Diagnostic::error(
                    Code(216),
                    format!("[silence.{}] ends before it begins", silence.name),
                )
                .at(span, "in this table"),
            ),
            None => {}
        }
    }
    found
}

fn day(reader: &mut Reader<'_>, key: &str) -> Option<chrono::NaiveDate> {
    if !reader.has(key) {
        reader.missing(key, "a silence has a first and a last day, both included");
    }
    reader.date(key)
}
