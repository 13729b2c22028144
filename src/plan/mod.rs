//! What the tables mean: the tracking plan, the rules, and who hears of what.
//!
//! `resolve` turns the typed document into a [`Plan`] and every complaint about it. A plan that
//! exists is consistent: every name it mentions is defined.

mod calendar;
mod compare;
mod consistent;
mod conversion;
mod diff;
mod event;
mod example;
mod facts;
mod filter;
mod kind;
mod parameter;
mod project;
mod reference;
mod report;
mod resolve;
mod route;
mod rule;
mod schema;
mod source;
mod standard;
mod table;
mod test;

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::config::SecretRef;
use crate::model::{Fix, Mapping, Name, Times};

pub use compare::Compare;
pub use conversion::{Conversion, Funnel, Worth};
pub use diff::{How, PlanChange, diff};
pub use event::Event;
pub use filter::parse as parse_filter;
pub use parameter::Parameter;
pub use project::{NetSettings, Noise, Project, ServerSettings, StoreSettings};
pub use reference::reference;
pub use report::Report;
pub use resolve::{Environment, resolve};
pub use route::{ChannelDecl, Mail, Owner, Route, SilenceDecl};
pub use rule::CheckDecl;
pub use schema::schema;
pub use source::{COMMON as SOURCE_KEYS, SourceDecl};
pub use standard::{Consent, NameStyle, Naming, Utm};
pub use test::{Expected, Given, RuleTest, Today, unknown_checks};

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
    /// `[calendar.*]`
    pub calendars: BTreeMap<Name, Times>,
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
    /// `[[test]]`
    pub tests: Vec<RuleTest>,
    /// `[release] watch`: for this long after a release payloads are judged strictly.
    pub watch: Option<TimeDelta>,
}

impl Plan {
    /// The event of this name.
    pub fn event(&self, name: &Name) -> Option<&Event> {
        self.events.iter().find(|event| event.name == *name)
    }

    /// The source of this name.
    pub fn source(&self, name: &Name) -> Option<&SourceDecl> {
        self.sources.iter().find(|source| source.decl.name == *name)
    }

    /// How a source knows an event; `None` when it does not.
    pub fn mapping(&self, event: &Name, source: &Name) -> Option<&Mapping> {
        self.event(event)?.mapping(source)
    }

    /// The source that `<event>.volume` reads: `home`, else the first event-named source that knows
    /// it, else the first that does (decision 19).
    pub fn home(&self, event: &Event) -> Option<Name> {
        if event.home.is_some() {
            return event.home.clone();
        }
        let named = |name: &Name| self.source(name).is_some_and(|source| source.event_named);
        let first_named = event.mappings.iter().find(|(name, _)| named(name));
        first_named
            .or_else(|| event.mappings.first())
            .map(|(name, _)| name.clone())
    }

    /// Whether a primary conversion depends on the event.
    pub fn is_primary(&self, event: &Name) -> bool {
        self.conversions
            .iter()
            .any(|one| one.primary && one.event == *event)
    }

    /// What one event is worth, by its primary conversion first.
    pub fn worth(&self, event: &Name) -> Option<&Worth> {
        let mine = || self.conversions.iter().filter(|one| one.event == *event);
        mine()
            .filter(|one| one.primary)
            .chain(mine())
            .find_map(|one| one.worth.as_ref())
    }

    /// The source that knows amounts of an event: the first whose mapping names one, else its home.
    pub fn amounts(&self, event: &Event) -> Option<Name> {
        let names_one = event
            .mappings
            .iter()
            .find(|(_, mapping)| mapping.settings.contains_key("sum"));
        names_one
            .map(|(source, _)| source.clone())
            .or_else(|| self.home(event))
    }

    /// The same plan with what events are worth on average, where that is learnt.
    #[must_use]
    pub fn with_averages(mut self, averages: &BTreeMap<Name, f64>) -> Self {
        let Some(currency) = self.project.currency.clone() else {
            return self;
        };
        for one in &mut self.conversions {
            let learnt = averages.get(&one.event);
            if let (Some(Worth::Average), Some(average)) = (&one.worth, learnt) {
                one.worth = Some(Worth::Fixed(*average, currency.clone()));
            }
        }
        self
    }

    /// The setting of a made check that a `[check.*]` table changes.
    pub fn rule_for(&self, kind: &str, event: &Name) -> Option<&CheckDecl> {
        self.checks
            .iter()
            .find(|rule| rule.kind.as_deref() == Some(kind) && rule.event.as_ref() == Some(event))
    }

    /// Every secret that the plan mentions, with the place that needs it.
    pub fn secrets(&self) -> Vec<(String, SecretRef)> {
        let mut found = Vec::new();
        for source in &self.sources {
            secrets_in(&source.decl.section, &mut found);
        }
        for route in &self.routes {
            for channel in &route.channels {
                secrets_in(&channel.section, &mut found);
            }
        }
        let named = [
            (
                "mail.smtp",
                self.mail.as_ref().and_then(|mail| mail.smtp.clone()),
            ),
            ("server.token", self.server.token.clone()),
            ("heartbeat.url", self.heartbeat.clone()),
            ("net.proxy", self.net.proxy.clone()),
        ];
        found.extend(
            named
                .into_iter()
                .filter_map(|(place, at)| Some((place.to_owned(), at?))),
        );
        found
    }
}

/// Tables that look like a secret reference, at any depth.
fn secrets_in(section: &crate::config::Section, found: &mut Vec<(String, SecretRef)>) {
    use crate::config::Typed;
    for entry in section.entries.values() {
        let Typed::Table(table) = &entry.value else {
            continue;
        };
        let only = table
            .entries
            .iter()
            .next()
            .filter(|_| table.entries.len() == 1);
        let secret = only.and_then(|(key, inner)| match (key.as_str(), &inner.value) {
            ("env", Typed::Text(text)) => Some(SecretRef::Env(text.clone())),
            ("file", Typed::Text(text)) => Some(SecretRef::File(text.clone())),
            ("credential", Typed::Text(text)) => Some(SecretRef::Credential(text.clone())),
            _ => None,
        });
        match secret {
            Some(secret) => found.push((table.title(), secret)),
            None => secrets_in(table, found),
        }
    }
}

/// Applies patches to the text of one file, from its end to its beginning; overlapping ones are
/// left out.
pub fn apply_fixes(text: &str, fixes: &[Fix]) -> String {
    let mut ordered: Vec<&Fix> = fixes.iter().collect();
    ordered.sort_by_key(|fix| std::cmp::Reverse(fix.at));
    let mut patched = text.to_owned();
    let mut edge = patched.len();
    for fix in ordered {
        let (start, end) = (fix.at.start as usize, fix.at.end as usize);
        let fits = start <= end
            && end <= edge
            && text.is_char_boundary(start)
            && text.is_char_boundary(end);
        if fits {
            patched.replace_range(start..end, &fix.with);
            edge = start;
        }
    }
    patched
}
