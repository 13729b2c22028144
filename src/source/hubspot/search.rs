//! Questions as search requests: filters inside one group, all five fields always sent.

use serde_json::{Value, json};

use crate::model::{Measure, Question, Rule, Term, Timestamp};
use crate::plan::parse_filter;

/// Most filters of a group that the search takes.
const MOST: usize = 6;

/// Whether there is room for the date and for the number of the last record that was read.
pub(super) fn can_walk(filters: &[Value]) -> bool {
    filters.len() + 2 <= MOST
}

/// The conditions of a question without its dates, or why it cannot be asked.
pub(super) fn filters(question: &Question) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    if let Some(text) = question.mapping.settings.get("filter") {
        let own = parse_filter(text).map_err(|why| format!("`filter`: {why}"))?;
        for one in &own.0 {
            found.extend(term(one.field().as_str(), one));
        }
    }
    for one in &question.filter.0 {
        found.extend(term(question.mapping.field(one.field()), one));
    }
    match &question.measure {
        Measure::Having(names) => {
            found.extend(
                names
                    .iter()
                    .map(|name| plain(question.mapping.field(name), "HAS_PROPERTY")),
            );
        }
        Measure::WithoutId(name) => {
            found.push(plain(question.mapping.field(name), "NOT_HAS_PROPERTY"));
        }
        Measure::Valid { parameter, rule } => {
            let field = question.mapping.field(parameter);
            found.push(plain(field, "HAS_PROPERTY"));
            found.extend(follows(field, rule)?);
        }
        Measure::Count | Measure::Sum { .. } => {}
        Measure::Repeats(_) | Measure::Users | Measure::Unknown | Measure::Consented => {
            return Err("a search of HubSpot cannot count that".to_owned());
        }
    }
    // A sum must read the records.
    let room = match question.measure {
        Measure::Sum { .. } => MOST - 2,
        _ => MOST - 1,
    };
    if found.len() > room {
        return Err(format!(
            "a search of HubSpot takes at most {room} conditions beside the date"
        ));
    }
    Ok(found)
}

fn plain(property: &str, operator: &str) -> Value {
    json!({ "propertyName": property, "operator": operator })
}

fn with(property: &str, operator: &str, value: &str) -> Value {
    json!({ "propertyName": property, "operator": operator, "value": value })
}

fn term(property: &str, term: &Term) -> Vec<Value> {
    match term {
        Term::Equal(_, value) => vec![with(property, "EQ", value.as_str())],
        // A missing value never matches, also not `!=`.
        Term::NotEqual(_, value) => {
            vec![
                with(property, "NEQ", value.as_str()),
                plain(property, "HAS_PROPERTY"),
            ]
        }
        Term::AtLeast(_, value) => vec![with(property, "GTE", value.as_str())],
        Term::AtMost(_, value) => vec![with(property, "LTE", value.as_str())],
        Term::In(_, values) => {
            let values: Vec<&str> = values.iter().map(crate::model::Value::as_str).collect();
            vec![json!({ "propertyName": property, "operator": "IN", "values": values })]
        }
    }
}

fn follows(property: &str, rule: &Rule) -> Result<Vec<Value>, String> {
    match rule {
        Rule::OneOf(values) => Ok(vec![
            json!({ "propertyName": property, "operator": "IN", "values": values }),
        ]),
        Rule::Number { min, max } => {
            let low = min.iter().map(|min| with(property, "GTE", min));
            Ok(low
                .chain(max.iter().map(|max| with(property, "LTE", max)))
                .collect())
        }
        Rule::Pattern(_) | Rule::Url => Err("HubSpot's search knows no patterns".to_owned()),
    }
}

/// From when to when a search looks at its date property; the end is excluded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// Both ends of BETWEEN are included, so the last millisecond is left out.
fn between(date: &str, span: Span) -> Value {
    let (from, until) = (span.from.timestamp_millis(), span.until.timestamp_millis());
    json!({
        "propertyName": date,
        "operator": "BETWEEN",
        "value": from.to_string(),
        "highValue": (until - 1).max(from).to_string(),
    })
}

fn body(filters: &[Value], properties: &[&str], sort: &str, limit: u64) -> Value {
    json!({
        "filterGroups": [{ "filters": filters }],
        "properties": properties,
        "sorts": [sort],
        "limit": limit,
        "after": "0",
    })
}

/// One result is enough: the total is what counts.
pub(super) fn count(filters: &[Value], date: &str, span: Span) -> Value {
    let mut all = vec![between(date, span)];
    all.extend_from_slice(filters);
    body(&all, &[date], date, 1)
}

/// A page of records behind the last one that was read, by rising number. This way goes on behind
/// the 10,000 records that `after` can reach, and is not confused by records that come meanwhile.
pub(super) fn rows(
    filters: &[Value],
    date: &str,
    span: Span,
    properties: &[&str],
    last: Option<u64>,
) -> Value {
    let mut all = vec![between(date, span)];
    all.extend_from_slice(filters);
    if let Some(last) = last {
        all.push(with("hs_object_id", "GT", &last.to_string()));
    }
    body(&all, properties, "hs_object_id", super::PAGE)
}

/// The cheapest search of an object, for `doctor`.
pub(super) fn look() -> Value {
    body(
        &[plain("createdate", "HAS_PROPERTY")],
        &["createdate"],
        "createdate",
        1,
    )
}
