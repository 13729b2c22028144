//! What only shows when tables are held against each other.

use crate::config::{Section, Typed, suggest};
use crate::model::{Code, Diagnostic, Matcher, Name, Span, Status, Term};

use super::resolve::Resolver;
use super::{NameStyle, Plan, Route, Worth};

/// First words of check names that are made without an event.
const MADE: [&str; 5] = ["traffic", "plan", "utm", "naming", "consent"];

/// Complains of tables that are fine alone and wrong together.
pub(super) fn check(resolver: &mut Resolver<'_>, plan: &Plan) {
    compares_have_counts(resolver, plan);
    averages_have_amounts(resolver, plan);
    names_keep_the_standard(resolver, plan);
    conditions_know_their_parameters(resolver, plan);
    former_names_are_gone(resolver, plan);
    patterns_match(resolver, plan, "route", None);
    patterns_match(resolver, plan, "silence", Some("match"));
    routes_end(resolver, plan);
    somebody_hears_everything(resolver, plan);
}

/// A mean amount needs a currency and a source that knows amounts.
fn averages_have_amounts(resolver: &mut Resolver<'_>, plan: &Plan) {
    for one in &plan.conversions {
        let (Some(Worth::Average), Some(section)) =
            (&one.worth, resolver.named("conversion", &one.name))
        else {
            continue;
        };
        let at = place(section, "worth", "average");
        let event = plan.event(&one.event);
        let knows = event.and_then(|event| {
            let source = plan.amounts(event)?;
            let mapping = event.mapping(&source)?;
            let decl = plan.source(&source)?;
            Some(mapping.settings.contains_key("sum") || decl.decl.kind != "sql")
        });
        let complaint = if plan.project.currency.is_none() {
            Diagnostic::warning(Code(104), "an average worth needs the project's currency")
                .at(at, "in which currency?")
                .help("add it to [project]: currency = \"EUR\"")
        } else if knows == Some(false) {
            let message = format!(
                "no source says which column holds the amount of `{}`",
                one.event
            );
            Diagnostic::warning(Code(104), message)
                .at(at, "the mean of what?")
                .help("name it where the event is counted: in.orders = { …, sum = \"total\" }")
        } else {
            continue;
        };
        resolver.complaints.push(complaint);
    }
}

/// Names of the plan against `[naming]`: of events as they arrive where names are events' own, and of
/// their parameters.
fn names_keep_the_standard(resolver: &mut Resolver<'_>, plan: &Plan) {
    let pattern = |style: &Option<NameStyle>| {
        let style = style.as_ref()?;
        let pattern = regex_lite::Regex::new(style.pattern()).ok()?;
        Some((pattern, style.word().to_owned()))
    };
    let (events, parameters) = (
        pattern(&plan.naming.events),
        pattern(&plan.naming.parameters),
    );
    for event in &plan.events {
        let Some(section) = resolver.named("event", &event.name) else {
            continue;
        };
        let mut wrong = Vec::new();
        let mut native = event
            .mappings
            .iter()
            .filter_map(|(_, one)| one.native.as_deref());
        if let Some((style, word)) = &events
            && let Some(name) = native.find(|name| !style.is_match(name))
        {
            wrong.push((event.span, format!("the event `{name}` is not {word}")));
        }
        if let Some((style, word)) = &parameters {
            for one in event
                .parameters
                .iter()
                .filter(|one| !style.is_match(one.name.as_str()))
            {
                let key = if one.required { "required" } else { "optional" };
                let at = place(section, key, one.name.as_str());
                wrong.push((at, format!("the parameter `{}` is not {word}", one.name)));
            }
        }
        for (at, message) in wrong {
            let complaint = Diagnostic::warning(Code(220), message)
                .at(at, "against [naming]")
                .help("rename it where it is sent, or change the standard");
            resolver.complaints.push(complaint);
        }
    }
}

/// The place of a text value in a table, or of one item of its list.
pub(super) fn place(section: &Section, key: &str, word: &str) -> Span {
    let Some(entry) = section.entries.get(key) else {
        return section.span;
    };
    match &entry.value {
        Typed::List(items) => items
            .iter()
            .find(|(_, item)| matches!(item, Typed::Text(text) if text == word))
            .map_or(entry.at, |(at, _)| *at),
        Typed::Table(table) => table.entries.get(word).map_or(entry.at, |inner| inner.key),
        _ => entry.at,
    }
}

/// A source that does not know the event would leave the comparison without a result for ever.
fn compares_have_counts(resolver: &mut Resolver<'_>, plan: &Plan) {
    for compare in &plan.compares {
        let Some(section) = resolver.named("compare", &compare.name) else {
            continue;
        };
        let sides = std::iter::once(("baseline", &compare.baseline))
            .chain(compare.against.iter().map(|source| ("against", source)));
        for (key, source) in sides {
            if plan.mapping(&compare.event, source).is_some() {
                continue;
            }
            let complaint = Diagnostic::error(
                Code(217),
                format!("`{source}` does not count `{}`", compare.event),
            )
            .at(place(section, key, source.as_str()), "knows no such event")
            .help(format!(
                "say how it knows it: [event.{}] in.{source} = …",
                compare.event
            ));
            resolver.complaints.push(complaint);
        }
        if compare.against.contains(&compare.baseline) {
            let at = place(section, "against", compare.baseline.as_str());
            let complaint = Diagnostic::error(
                Code(216),
                format!("`{}` is compared with itself", compare.baseline),
            );
            resolver
                .complaints
                .push(complaint.at(at, "the baseline again"));
        }
        let against: Vec<(Name, Span)> = compare
            .against
            .iter()
            .map(|source| (source.clone(), place(section, "against", source.as_str())))
            .collect();
        let Some(Typed::Table(bands)) = section.entries.get("expect").map(|entry| &entry.value)
        else {
            continue;
        };
        for (source, entry) in &bands.entries {
            if let Ok(source) = Name::parse(source) {
                resolver.refer_key(202, "compared source", &source, entry.key, &against);
            }
        }
    }
}

/// A condition on a parameter that the plan does not name is most often a slip of the pen.
fn conditions_know_their_parameters(resolver: &mut Resolver<'_>, plan: &Plan) {
    for conversion in &plan.conversions {
        let parameters = plan.event(&conversion.event).map(|event| &event.parameters);
        let names: Vec<&str> = parameters
            .into_iter()
            .flatten()
            .map(|parameter| parameter.name.as_str())
            .collect();
        let section = resolver.named("conversion", &conversion.name);
        let (Some(section), false) = (section, names.is_empty()) else {
            continue;
        };
        for term in &conversion.filter.0 {
            let (Term::Equal(field, _)
            | Term::NotEqual(field, _)
            | Term::In(field, _)
            | Term::AtLeast(field, _)
            | Term::AtMost(field, _)) = term;
            if names.contains(&field.as_str()) {
                continue;
            }
            let near = suggest(field.as_str(), &names).map_or_else(
                || format!("the plan has {}", names.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let complaint = Diagnostic::warning(
                Code(218),
                format!(
                    "the plan gives `{}` no parameter `{field}`",
                    conversion.event
                ),
            )
            .at(place(section, "where", ""), "names it")
            .help(near);
            resolver.complaints.push(complaint);
        }
    }
}

/// History moves from a former name to a new one; it cannot move from a name that is in use.
fn former_names_are_gone(resolver: &mut Resolver<'_>, plan: &Plan) {
    for event in &plan.events {
        let Some(there) = event.was.as_ref().and_then(|was| plan.event(was)) else {
            continue;
        };
        let Some(section) = resolver.named("event", &event.name) else {
            continue;
        };
        let complaint = Diagnostic::error(
            Code(209),
            format!(
                "`{}` is the former name of `{}` and an event too",
                there.name, event.name
            ),
        )
        .at(place(section, "was", ""), "named as former here")
        .also(there.span, "still an event here");
        resolver.complaints.push(complaint);
    }
}

/// A pattern that matches nothing is an alert that nobody hears, or a silence that mutes nothing.
fn patterns_match(resolver: &mut Resolver<'_>, plan: &Plan, family: &str, inner: Option<&str>) {
    let events: Vec<&str> = plan
        .events
        .iter()
        .map(|event| event.name.as_str())
        .collect();
    let sources: Vec<&str> = plan
        .sources
        .iter()
        .map(|source| source.decl.name.as_str())
        .collect();
    let heads: Vec<&str> = events
        .iter()
        .copied()
        .chain(sources.iter().copied())
        .chain(plan.conversions.iter().map(|one| one.name.as_str()))
        .chain(plan.funnels.iter().map(|one| one.name.as_str()))
        .chain(plan.compares.iter().map(|one| one.name.as_str()))
        .chain(plan.checks.iter().map(|one| one.name.as_str()))
        .chain(MADE)
        .collect();
    let document = resolver.document;
    for (_, _, section) in document.family(family) {
        let section = match inner.map(|key| section.entries.get(key).map(|entry| &entry.value)) {
            None => section,
            Some(Some(Typed::Table(table))) => table,
            Some(_) => continue,
        };
        for (key, code, known) in [
            ("events", 201, &events),
            ("sources", 202, &sources),
            ("checks", 219, &heads),
        ] {
            for (word, at) in words(section, key) {
                // Of a check only the word before the first point is known here.
                let head = match (key, word.split_once('.')) {
                    ("checks", Some((head, _))) => head,
                    _ => word,
                };
                if matches_one(head, known) {
                    continue;
                }
                let complaint = Diagnostic::error(
                    Code(code),
                    format!("`{word}` matches none of the {key} of this plan"),
                )
                .at(at, "matches nothing");
                resolver.complaints.push(match suggest(head, known) {
                    Some(near) => complaint.help("a similar name exists").fix(
                        at,
                        format!("\"{}\"", word.replacen(head, near, 1)),
                        true,
                    ),
                    None => complaint.help(format!("known here: {}", known.join(", "))),
                });
            }
        }
    }
}

fn words<'a>(section: &'a Section, key: &str) -> Vec<(&'a str, Span)> {
    let Some(entry) = section.entries.get(key) else {
        return Vec::new();
    };
    match &entry.value {
        Typed::Text(text) => vec![(text.as_str(), entry.at)],
        Typed::List(items) => items
            .iter()
            .filter_map(|(at, item)| match item {
                Typed::Text(text) => Some((text.as_str(), *at)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn matches_one(pattern: &str, known: &[&str]) -> bool {
    match pattern.strip_suffix('*') {
        Some(stem) => known.iter().any(|name| name.starts_with(stem)),
        None => known.contains(&pattern),
    }
}

/// Fallbacks and escalations that lead in a circle would pass a message round for ever.
fn routes_end(resolver: &mut Resolver<'_>, plan: &Plan) {
    let next = |key: &str, route: &Route| match key {
        "fallback" => route.fallback.clone(),
        _ => route.escalate.as_ref().map(|(_, to)| to.clone()),
    };
    for key in ["fallback", "escalate"] {
        for route in &plan.routes {
            let mut step = next(key, route);
            // A way that passes every route once without coming back never does.
            for _ in &plan.routes {
                step = step.filter(|name| *name != route.name).and_then(|name| {
                    let there = plan.routes.iter().find(|one| one.name == name)?;
                    next(key, there)
                });
                if step.as_ref() == Some(&route.name) {
                    break;
                }
            }
            let circle = step.as_ref() == Some(&route.name)
                || next(key, route).as_ref() == Some(&route.name);
            let section = resolver.named("route", &route.name);
            if let (true, Some(section)) = (circle, section) {
                let complaint = Diagnostic::error(
                    Code(205),
                    format!("`{key}` of [route.{}] leads back to it", route.name),
                );
                let at = place(section, key, "");
                resolver.complaints.push(complaint.at(at, "a circle"));
            }
        }
    }
}

/// When every route has conditions, some alerts reach nobody.
fn somebody_hears_everything(resolver: &mut Resolver<'_>, plan: &Plan) {
    let open =
        |route: &Route| route.matcher == Matcher::default() && route.level == Status::Warning;
    if !plan.routes.is_empty() && !plan.routes.iter().any(open) {
        resolver.complaints.push(
            Diagnostic::warning(
                Code(213),
                "some alerts reach nobody: every [route.*] has conditions",
            )
            .help("add [route.default] without conditions for whatever no other route hears"),
        );
    }
}
