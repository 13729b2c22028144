//! What each table says, key by key, for holding two plans against each other.

use chrono::TimeDelta;

use crate::config::Typed;
use crate::model::{Filter, Name, Rule, Status, Term, Value};

use super::{
    CheckDecl, Compare, Conversion, Event, Funnel, Parameter, Report, Route, SourceDecl, Worth,
};

/// How one family is compared.
pub(super) struct Family<T> {
    pub(super) name: fn(&T) -> &Name,
    /// What its table says, key and value as a user would write them.
    pub(super) facts: fn(&T) -> Vec<(String, String)>,
    /// Whether data that was fine, or history that was kept, is so no longer.
    pub(super) breaks: fn(&T, &T) -> bool,
}

/// Facts that are written; what is absent is left out.
fn written(facts: Vec<(&str, Option<String>)>) -> Vec<(String, String)> {
    let written = facts.into_iter();
    written
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}

fn list<T: ToString>(items: &[T]) -> Option<String> {
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn shown<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}

fn flag(value: bool) -> Option<String> {
    value.then(|| "true".to_owned())
}

/// A share without the dust of binary fractions.
fn percent(share: f64) -> String {
    format!("{}%", (share * 1e8).round() / 1e6)
}

fn span(time: TimeDelta) -> String {
    for (seconds, unit) in [
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ] {
        let total = time.num_seconds();
        if total % seconds == 0 && (total != 0 || seconds == 1) {
            let count = total / seconds;
            return format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
        }
    }
    String::new()
}

fn condition(filter: &Filter) -> Option<String> {
    let value = |value: &Value| match value {
        Value::Text(text) => format!("'{text}'"),
        Value::Number(number) => number.clone(),
    };
    let terms: Vec<String> = filter
        .0
        .iter()
        .map(|term| match term {
            Term::Equal(field, one) => format!("{field} = {}", value(one)),
            Term::NotEqual(field, one) => format!("{field} != {}", value(one)),
            Term::AtLeast(field, one) => format!("{field} >= {}", value(one)),
            Term::AtMost(field, one) => format!("{field} <= {}", value(one)),
            Term::In(field, all) => {
                let all: Vec<String> = all.iter().map(value).collect();
                format!("{field} in ({})", all.join(", "))
            }
        })
        .collect();
    (!terms.is_empty()).then(|| terms.join(" and "))
}

pub(super) const EVENT: Family<Event> = Family {
    name: |one| &one.name,
    facts: |one| {
        let mut facts = written(vec![
            ("owner", shown(one.owner.as_ref())),
            ("decision", one.decision.clone()),
            ("requested", shown(one.requested.as_ref())),
            ("unique", shown(one.unique.as_ref())),
            ("home", shown(one.home.as_ref())),
            ("was", shown(one.was.as_ref())),
            ("by", list(&one.by)),
        ]);
        for parameter in &one.parameters {
            let key = if parameter.required {
                "required"
            } else {
                "optional"
            };
            let rule = parameter
                .rule
                .as_ref()
                .map_or_else(|| parameter.form.clone(), Rule::text);
            facts.push((format!("{key} {}", parameter.name), rule));
        }
        for (source, mapping) in &one.mappings {
            let named = mapping.native.iter().map(|name| format!("\"{name}\""));
            let settings = mapping
                .settings
                .iter()
                .map(|(key, value)| format!("{key} {value}"));
            let fields = mapping
                .fields
                .iter()
                .map(|(key, value)| format!("{key} as {value}"));
            let all: Vec<String> = named.chain(settings).chain(fields).collect();
            facts.push((format!("in.{source}"), all.join(", ")));
        }
        facts
    },
    breaks: |old, new| {
        let before = |wanted: &Parameter| old.parameters.iter().find(|one| one.name == wanted.name);
        let tighter = new.parameters.iter().any(|now| match before(now) {
            None => now.required,
            Some(then) => {
                (now.required && !then.required) || (now.rule != then.rule && now.rule.is_some())
            }
        });
        let moved = old.mappings.iter().any(|(source, mapping)| {
            let now = new.mappings.iter().find(|(other, _)| other == source);
            now.is_none_or(|(_, other)| other != mapping)
        });
        tighter || moved || old.unique != new.unique
    },
};

pub(super) const CONVERSION: Family<Conversion> = Family {
    name: |one| &one.name,
    facts: |one| {
        written(vec![
            ("event", Some(one.event.to_string())),
            ("where", condition(&one.filter)),
            ("primary", flag(one.primary)),
            (
                "worth",
                one.worth.as_ref().map(|worth| match worth {
                    Worth::Fixed(amount, currency) => format!("{amount} {currency}"),
                    Worth::Average => "average".to_owned(),
                }),
            ),
        ])
    },
    breaks: |old, new| old.filter != new.filter || old.event != new.event,
};

pub(super) const FUNNEL: Family<Funnel> = Family {
    name: |one| &one.name,
    facts: |one| {
        written(vec![
            ("steps", list(&one.steps)),
            ("by", list(&one.by)),
            ("settle", Some(span(one.settle))),
            ("within", one.within.map(span)),
        ])
    },
    breaks: |old, new| old.steps != new.steps,
};

pub(super) const COMPARE: Family<Compare> = Family {
    name: |one| &one.name,
    facts: |one| {
        let measures: Vec<&str> = one
            .sums
            .iter()
            .map(|sum| if *sum { "sum" } else { "count" })
            .collect();
        let mut facts = written(vec![
            ("event", Some(one.event.to_string())),
            ("baseline", Some(one.baseline.to_string())),
            ("against", list(&one.against)),
            ("measure", list(&measures)),
            ("limit", one.limit.map(percent)),
            ("settle", one.settle.map(span)),
            ("owner", shown(one.owner.as_ref())),
        ]);
        for (source, (low, high)) in &one.expect {
            facts.push((
                format!("expect.{source}"),
                format!("{}..{}", percent(*low), percent(*high)),
            ));
        }
        for (label, filter) in &one.exclude {
            facts.push((
                format!("exclude.{label}"),
                condition(filter).unwrap_or_default(),
            ));
        }
        facts
    },
    breaks: |old, new| {
        let tighter = new
            .limit
            .is_some_and(|new| old.limit.is_none_or(|old| new < old));
        tighter || old.event != new.event || old.baseline != new.baseline
    },
};

pub(super) const CHECK: Family<CheckDecl> = Family {
    name: |one| &one.name,
    facts: |one| {
        let rate = one.rate.as_ref().map(|(from, to)| format!("{from}, {to}"));
        written(vec![
            ("kind", one.kind.clone()),
            ("event", shown(one.event.as_ref())),
            ("rate", rate),
            ("below", one.below.map(percent)),
            ("above", one.above.map(percent)),
            ("for", one.hold.map(span)),
            (
                "level",
                (one.level == Status::Failing).then(|| "failing".to_owned()),
            ),
            ("sensitivity", one.sensitivity.clone()),
            ("enabled", (!one.enabled).then(|| "false".to_owned())),
            ("owner", shown(one.owner.as_ref())),
        ])
    },
    breaks: |old, new| {
        let raised = new.below > old.below;
        let lowered = new
            .above
            .is_some_and(|new| old.above.is_none_or(|old| new < old));
        raised || lowered
    },
};

pub(super) const SOURCE: Family<SourceDecl> = Family {
    name: |one| &one.decl.name,
    facts: |one| {
        let entries = one.decl.section.entries.iter();
        entries
            .map(|(key, written)| (key.clone(), entry(key, &written.value)))
            .collect()
    },
    breaks: |old, new| old.decl.kind != new.decl.kind,
};

pub(super) const ROUTE: Family<Route> = Family {
    name: |one| &one.name,
    facts: |one| {
        let mut facts = written(vec![
            ("owners", list(&one.matcher.owners)),
            ("events", list(&one.matcher.events)),
            ("checks", list(&one.matcher.checks)),
            ("sources", list(&one.matcher.sources)),
            (
                "when",
                one.matcher.primary_only.then(|| "primary".to_owned()),
            ),
            (
                "level",
                (one.level == Status::Failing).then(|| "failing".to_owned()),
            ),
            (
                "quiet",
                one.quiet.map(|hours| {
                    format!(
                        "{}-{}",
                        hours.from.format("%H:%M"),
                        hours.to.format("%H:%M")
                    )
                }),
            ),
            ("mute", list(&one.mute)),
            ("wait", Some(span(one.wait))),
            ("remind", Some(span(one.remind))),
            ("daily", Some(one.daily.to_string())),
            ("fallback", shown(one.fallback.as_ref())),
            (
                "escalate",
                one.escalate
                    .as_ref()
                    .map(|(after, to)| format!("to {to} after {}", span(*after))),
            ),
        ]);
        for channel in &one.channels {
            let entries = channel.section.entries.iter();
            let values: Vec<String> = entries
                .map(|(key, written)| entry(key, &written.value))
                .collect();
            facts.push((channel.kind.clone(), values.join(", ")));
        }
        facts
    },
    breaks: |_, _| false,
};

pub(super) const REPORT: Family<Report> = Family {
    name: |one| &one.name,
    facts: |one| {
        written(vec![
            ("at", Some(one.at.clone())),
            ("to", list(&one.to)),
            ("include", list(&one.include)),
        ])
    },
    breaks: |_, _| false,
};

/// Keys whose value may be a secret, also in a revision that was refused for it.
const SECRET: [&str; 6] = ["token", "key", "secret", "bearer", "password", "to"];

fn entry(key: &str, typed: &Typed) -> String {
    let is_mail = |text: &str| key == "to" && text.contains('@');
    match typed {
        Typed::Text(text) if SECRET.contains(&key) && !is_mail(text) => {
            "a text in the file".to_owned()
        }
        _ => value(typed),
    }
}

/// A value without its place. Addresses may hold a password or be one, so they are not repeated.
fn value(value: &Typed) -> String {
    match value {
        Typed::Text(text) if text.contains("://") => "an address".to_owned(),
        Typed::Text(text) | Typed::Moment(text) => text.clone(),
        Typed::Whole(number) => number.to_string(),
        Typed::Decimal(number) => number.to_string(),
        Typed::Flag(flag) => flag.to_string(),
        Typed::Date(date) => date.to_string(),
        Typed::List(items) => {
            let items: Vec<String> = items.iter().map(|(_, item)| self::value(item)).collect();
            items.join(", ")
        }
        Typed::Table(table) => {
            let inner = table.entries.iter();
            let inner: Vec<String> = inner
                .map(|(key, written)| format!("{key} {}", entry(key, &written.value)))
                .collect();
            inner.join(", ")
        }
    }
}
