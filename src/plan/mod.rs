//! What the tables mean: the tracking plan, the rules, and who hears of what.
//!
//! `resolve` turns the typed document into a [`Plan`] and every complaint about it. A plan that
//! exists is consistent: every name it mentions is defined.

mod kind;

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use url::Url;

use crate::config::{SecretRef, Section};
use crate::model::{
    Calendar, DailyHours, Filter, Mapping, Mark, Matcher, Name, Rule, Span, Status, Window,
};

pub use kind::{Build, Decl, Form, Kind, KindFacts, Known, Setting};

/// Everything that was configured, checked and connected.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// `[project]`
    pub project: Project,
    /// `[source.*]` in plan order (files by path, tables by position).
    pub sources: Vec<SourceDecl>,
    /// `[event.*]` in plan order.
    pub events: Vec<Event>,
    /// `[conversion.*]`
    pub conversions: Vec<Conversion>,
    /// `[funnel.*]`
    pub funnels: Vec<Funnel>,
    /// `[compare.*]`
    pub compares: Vec<Compare>,
    /// `[check.*]`
    pub checks: Vec<CheckDecl>,
    /// `[utm]`
    pub utm: Option<Utm>,
    /// `[naming]`
    pub naming: Naming,
    /// `[consent]`
    pub consent: Option<Consent>,
    /// `[owner.*]`
    pub owners: BTreeMap<Name, Owner>,
    /// `[route.*]`; the route `default` comes last.
    pub routes: Vec<Route>,
    /// `[silence.*]`
    pub silences: Vec<SilenceDecl>,
    /// `[mail]`
    pub mail: Option<Mail>,
    /// `[report.*]`
    pub reports: Vec<Report>,
    /// `[store]`
    pub store: StoreSettings,
    /// `[server]`
    pub server: ServerSettings,
    /// `[net]`
    pub net: NetSettings,
    /// `[heartbeat] url`
    pub heartbeat: Option<SecretRef>,
    /// `[noise]`
    pub noise: Noise,
    /// `[release]` and marks written by date.
    pub marks: Vec<Mark>,
    /// Where each setting that is not a default was written: `purchase.volume.sensitivity` to
    /// `truecount.toml:6`. Shown by `explain`.
    pub origins: BTreeMap<String, String>,
}

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

/// `[source.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct SourceDecl {
    /// Name, kind and table.
    pub decl: Decl,
    /// When it is pulled: the text of `every` or `cron`; the kind's default when `None`.
    pub schedule: Option<String>,
    /// Declared `arrives`, overriding the kind's.
    pub arrives: Option<TimeDelta>,
    /// Declared `settles`, overriding the kind's.
    pub settles: Option<TimeDelta>,
    /// Who looks after it.
    pub owner: Option<Name>,
    /// Whether its events have names of their own (GA4, Mixpanel, files of events) so that an
    /// event without `in.*` is expected there under its own name.
    pub event_named: bool,
}

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

/// `[conversion.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// Plan name; may equal the event's.
    pub name: Name,
    /// What it is.
    pub about: Option<String>,
    /// The event.
    pub event: Name,
    /// Which of its events count.
    pub filter: Filter,
    /// Whether the business lives by it.
    pub primary: bool,
    /// What one is worth.
    pub worth: Option<Worth>,
    /// `rules/leads.toml:60`
    pub origin: String,
}

/// What one conversion is worth.
#[derive(Debug, Clone, PartialEq)]
pub enum Worth {
    /// A fixed amount and its currency.
    Fixed(f64, String),
    /// The mean amount of the last 28 days.
    Average,
}

/// `[funnel.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct Funnel {
    /// Plan name.
    pub name: Name,
    /// Events in order, at least two.
    pub steps: Vec<Name>,
    /// Dimensions in which a culprit is sought.
    pub by: Vec<Name>,
    /// Younger cohorts are provisional.
    pub settle: TimeDelta,
    /// Time from first to last step.
    pub within: Option<TimeDelta>,
    /// Where it was written.
    pub origin: String,
}

/// `[compare.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    /// Plan name.
    pub name: Name,
    /// The event.
    pub event: Name,
    /// The system of record.
    pub baseline: Name,
    /// The systems held against it.
    pub against: Vec<Name>,
    /// Compare counts, sums or both; `true` for sums.
    pub sums: Vec<bool>,
    /// Warns when the unexplained part passes this share; `None` judges change only.
    pub limit: Option<f64>,
    /// Buckets younger than this wait.
    pub settle: Option<TimeDelta>,
    /// Expected signed gap per system, as shares.
    pub expect: BTreeMap<Name, (f64, f64)>,
    /// Out-of-scope rows of the baseline: a label and a filter (admin orders, test orders).
    pub exclude: Vec<(Name, Filter)>,
    /// Who answers for it.
    pub owner: Option<Name>,
    /// Where it was written.
    pub origin: String,
}

/// `[check.X]`: a rule of its own, or other settings for a made check.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckDecl {
    /// Plan name.
    pub name: Name,
    /// What it is for.
    pub about: Option<String>,
    /// The check kind it makes or changes; `rate` when `rate` is given.
    pub kind: Option<String>,
    /// The event or conversion it concerns.
    pub event: Option<Name>,
    /// From and to event of a rate.
    pub rate: Option<(Name, Name)>,
    /// Fires below this share or count.
    pub below: Option<f64>,
    /// Fires above this share or count.
    pub above: Option<f64>,
    /// How long it must hold (`for`).
    pub hold: Option<TimeDelta>,
    /// What it becomes when it fires.
    pub level: Status,
    /// quiet, normal or strict.
    pub sensitivity: Option<String>,
    /// false switches a made check off.
    pub enabled: bool,
    /// Who answers for it.
    pub owner: Option<Name>,
    /// Where it was written.
    pub origin: String,
}

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
    /// An `smtp://`, `smtps://` or `smtp+starttls` address with credentials.
    pub smtp: SecretRef,
}

/// `[report.weekly]`
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Plan name.
    pub name: Name,
    /// When: `Monday 08:00`.
    pub at: String,
    /// Addresses and owner ids.
    pub to: Vec<String>,
    /// Parts to include; empty for all.
    pub include: Vec<String>,
}

/// `[store]`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoreSettings {
    /// `sqlite:path`; `truecount.db` beside the configuration when `None`.
    pub url: Option<String>,
    /// How long readings are kept; two years when `None`.
    pub keep: Option<TimeDelta>,
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
