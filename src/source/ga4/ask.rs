//! Questions as report requests.

use std::collections::BTreeSet;

use chrono::{Duration, NaiveDate};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::model::{Measure, Name, Question, Rule, Subject, Term};
use crate::source::Ask;

use super::DIMENSIONS;
use super::wire::Metadata;

/// Dimensions and metrics of the property.
#[derive(Debug, Clone, Default)]
pub(super) struct Dictionary {
    dimensions: BTreeSet<String>,
    metrics: BTreeSet<String>,
}

impl Dictionary {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let names =
            |list: &[super::wire::Named]| list.iter().map(|one| one.api_name.clone()).collect();
        Self {
            dimensions: names(&metadata.dimensions),
            metrics: names(&metadata.metrics),
        }
    }

    /// The dimension that shows a parameter: mapped, registered, or built in.
    fn parameter(&self, question: &Question, name: &Name) -> Result<String, String> {
        let mapped = question.mapping.fields.get(name);
        let registered = format!("customEvent:{name}");
        let candidates = [
            mapped.cloned(),
            Some(registered),
            Some(camel(name.as_str())),
        ];
        candidates.into_iter().flatten().find(|one| self.dimensions.contains(one)).ok_or_else(|| {
            format!("`{name}` is not registered as a custom dimension (Admin > Custom definitions > Create)")
        })
    }

    fn dimension(&self, question: &Question, name: &Name) -> Result<String, String> {
        let known = DIMENSIONS
            .iter()
            .find(|(ours, _)| *ours == name.as_str())
            .map(|(_, theirs)| (*theirs).to_owned());
        match known {
            Some(theirs) if self.dimensions.contains(&theirs) || self.dimensions.is_empty() => {
                Ok(theirs)
            }
            _ => self.parameter(question, name),
        }
    }
}

/// `transaction_id` becomes `transactionId`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut text = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let mut letters = part.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

/// A request with what to know about its answer.
pub(super) struct Asked {
    pub(super) body: Value,
    /// Rows are identifiers, to be counted for repeats.
    pub(super) counts_ids: bool,
    /// The dimensions of the question's `by`, in its order.
    pub(super) by: Vec<String>,
    /// What was left out.
    pub(super) note: Option<String>,
}

/// The smallest report: it tells the zone and the quota.
pub(super) fn look(day: NaiveDate) -> Value {
    let day = day.to_string();
    json!({
        "dateRanges": [{ "startDate": day, "endDate": day }],
        "dimensions": [{ "name": "date" }],
        "metrics": [{ "name": "eventCount" }],
        "limit": "1",
        "offset": "0",
        "returnPropertyQuota": true,
    })
}

/// Days of the property's zone that cover the window.
fn range(ask: &Ask, zone: Tz) -> Value {
    let local = |at: crate::model::Timestamp| at.with_timezone(&zone).date_naive();
    let last = local(ask.window.to - Duration::seconds(1)).min(local(ask.now));
    let first = local(ask.window.from).min(last);
    json!([{ "startDate": first.to_string(), "endDate": last.to_string() }])
}

fn report(
    dimensions: &[String],
    metric: &str,
    filter: Option<Value>,
    ask: &Ask,
    zone: Tz,
) -> Value {
    let names: Vec<Value> = dimensions
        .iter()
        .map(|name| json!({ "name": name }))
        .collect();
    // By every dimension, so that no row moves from one page to another.
    let order: Vec<Value> = dimensions
        .iter()
        .map(|name| json!({ "dimension": { "dimensionName": name } }))
        .collect();
    let mut body = json!({
        "dateRanges": range(ask, zone),
        "dimensions": names,
        "metrics": [{ "name": metric }],
        "orderBys": order,
        "returnPropertyQuota": true,
    });
    if let Some(filter) = filter {
        body["dimensionFilter"] = filter;
    }
    body
}

fn time(hourly: bool) -> String {
    if hourly { "dateHour" } else { "date" }.to_owned()
}

/// Plain counts of many events at once.
pub(super) fn counts(names: &BTreeSet<&str>, hourly: bool, ask: &Ask, zone: Tz) -> Value {
    let filter = json!({ "filter": {
        "fieldName": "eventName",
        "inListFilter": { "values": names, "caseSensitive": true },
    } });
    report(
        &[time(hourly), "eventName".to_owned()],
        "eventCount",
        Some(filter),
        ask,
        zone,
    )
}

fn exact(field: &str, value: &str) -> Value {
    json!({ "filter": {
        "fieldName": field,
        "stringFilter": { "matchType": "EXACT", "value": value, "caseSensitive": true },
    } })
}

fn any_of(field: &str, values: &[String]) -> Value {
    json!({ "filter": {
        "fieldName": field,
        "inListFilter": { "values": values, "caseSensitive": true },
    } })
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "expressions are built inside out"
)]
fn not(expression: Value) -> Value {
    json!({ "notExpression": expression })
}

/// Present: neither `(not set)` nor empty.
fn present(field: &str) -> Value {
    not(empty(field))
}

fn empty(field: &str) -> Value {
    json!({ "filter": { "fieldName": field, "emptyFilter": {} } })
}

fn all(mut expressions: Vec<Value>) -> Option<Value> {
    match expressions.len() {
        0 => None,
        1 => expressions.pop(),
        _ => Some(json!({ "andGroup": { "expressions": expressions } })),
    }
}

fn number(field: &str, operation: &str, value: &str) -> Value {
    json!({ "filter": {
        "fieldName": field,
        "numericFilter": { "operation": operation, "value": { "doubleValue": value.parse::<f64>().unwrap_or(0.0) } },
    } })
}

fn term(field: &str, term: &Term) -> Value {
    match term {
        Term::Equal(_, value) => exact(field, value.as_str()),
        Term::NotEqual(_, value) => not(exact(field, value.as_str())),
        Term::In(_, values) => any_of(
            field,
            &values
                .iter()
                .map(|value| value.as_str().to_owned())
                .collect::<Vec<_>>(),
        ),
        Term::AtLeast(_, value) => number(field, "GREATER_THAN_OR_EQUAL", value.as_str()),
        Term::AtMost(_, value) => number(field, "LESS_THAN_OR_EQUAL", value.as_str()),
    }
}

fn rule(field: &str, rule: &Rule) -> Value {
    let matches = |pattern: &str| {
        json!({ "filter": {
            "fieldName": field,
            "stringFilter": { "matchType": "FULL_REGEXP", "value": pattern, "caseSensitive": true },
        } })
    };
    match rule {
        Rule::OneOf(values) => any_of(field, values),
        Rule::Pattern(pattern) => matches(pattern.trim_start_matches('^').trim_end_matches('$')),
        Rule::Url => matches("https?://.*"),
        // Bounds cannot be asked of a text dimension; the form of the number can.
        Rule::Number { .. } => matches("-?[0-9]+([.][0-9]+)?"),
    }
}

/// The metric of an amount.
fn metric_of_sum(question: &Question, dictionary: &Dictionary) -> Result<String, String> {
    let native = question.mapping.native.as_deref();
    let usual = if native == Some("purchase") {
        "purchaseRevenue"
    } else {
        "eventValue"
    };
    let metric = question
        .mapping
        .settings
        .get("sum")
        .map_or(usual, String::as_str);
    if dictionary.metrics.is_empty() || dictionary.metrics.contains(metric) {
        Ok(metric.to_owned())
    } else {
        Err(format!("the property has no metric `{metric}`"))
    }
}

/// A question by itself, or the reason why it cannot be asked.
#[expect(clippy::too_many_lines, reason = "one arm a measure")]
pub(super) fn single(
    question: &Question,
    hourly: bool,
    ask: &Ask,
    zone: Tz,
    dictionary: &Dictionary,
) -> Result<Asked, String> {
    let mut filters = Vec::new();
    let mut dimensions = vec![time(hourly)];
    let mut note = None;
    let mut counts_ids = false;
    let mut metric = match question.subject {
        Subject::Sessions => "sessions".to_owned(),
        Subject::Event(_) | Subject::AnyEvent => "eventCount".to_owned(),
    };
    if let (Subject::Event(_), Some(native)) = (&question.subject, &question.mapping.native) {
        filters.push(exact("eventName", native));
    }
    match &question.measure {
        Measure::Count => {}
        Measure::Sum { .. } => metric = metric_of_sum(question, dictionary)?,
        Measure::Users => "totalUsers".clone_into(&mut metric),
        Measure::Having(names) => {
            let found: Vec<(&Name, Result<String, String>)> = names
                .iter()
                .map(|name| (name, dictionary.parameter(question, name)))
                .collect();
            let missing: Vec<&str> = found
                .iter()
                .filter(|(_, found)| found.is_err())
                .map(|(name, _)| name.as_str())
                .collect();
            if missing.len() == names.len() {
                return Err(format!(
                    "no required parameter is registered as a custom dimension: {} (Admin > Custom definitions)",
                    missing.join(", ")
                ));
            }
            if !missing.is_empty() {
                let event = question.mapping.native.as_deref().unwrap_or("");
                note = Some(format!(
                    "completeness of {event} leaves out {}: not registered as custom dimensions",
                    missing.join(", ")
                ));
            }
            filters.extend(
                found
                    .into_iter()
                    .filter_map(|(_, found)| found.ok())
                    .map(|field| present(&field)),
            );
        }
        Measure::Valid {
            parameter,
            rule: wanted,
        } => {
            let field = dictionary.parameter(question, parameter)?;
            filters.push(present(&field));
            filters.push(rule(&field, wanted));
        }
        Measure::Repeats(name) => {
            let field = dictionary.parameter(question, name)?;
            filters.push(present(&field));
            dimensions.push(field);
            counts_ids = true;
        }
        Measure::WithoutId(name) => filters.push(empty(&dictionary.parameter(question, name)?)),
        Measure::Unknown => filters.push(json!({ "orGroup": { "expressions": [
            any_of("sessionSource", &["(not set)".to_owned(), String::new()]),
            any_of("sessionDefaultChannelGroup", &["Unassigned".to_owned()]),
        ] } })),
        Measure::Consented => return Err("GA4 does not show events without consent".to_owned()),
    }
    for one in &question.filter.0 {
        let field = dictionary.parameter(question, one.field())?;
        filters.push(present(&field));
        filters.push(term(&field, one));
    }
    let by = question
        .by
        .iter()
        .map(|name| dictionary.dimension(question, name))
        .collect::<Result<Vec<String>, String>>()?;
    // A dimension may be asked for once.
    let new: Vec<String> = by
        .iter()
        .filter(|one| !dimensions.contains(one))
        .cloned()
        .collect();
    dimensions.extend(new);
    if dimensions.len() > 9 {
        return Err("GA4 takes at most nine dimensions".to_owned());
    }
    Ok(Asked {
        body: report(&dimensions, &metric, all(filters), ask, zone),
        counts_ids,
        by,
        note,
    })
}
