//! Event-level questions as text for the SQL engine: one row an event, one column a parameter.

use std::collections::BTreeSet;

use crate::model::{Filter, Grain, Measure, Question, Rule, Subject, Term, Value};

/// Which columns an event table has beside its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventColumns {
    /// When it happened.
    pub time: String,
    /// The event's name.
    pub event: String,
}

/// Why event rows cannot answer a question.
pub fn refusal(question: &Question) -> Option<String> {
    match (&question.subject, &question.measure) {
        (Subject::Sessions, _) => Some("event rows do not know sessions".to_owned()),
        (_, Measure::Users | Measure::Unknown | Measure::Consented) => {
            Some("event rows do not know users, traffic sources or consent".to_owned())
        }
        _ => None,
    }
}

/// A name as SQL.
fn column(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn as_text(column: &str) -> String {
    format!("CAST({column} AS VARCHAR)")
}

fn as_number(expression: &str) -> String {
    format!("TRY_CAST({} AS DOUBLE)", as_text(expression))
}

fn present(column: &str) -> String {
    format!("({column} IS NOT NULL AND {} <> '')", as_text(column))
}

/// The table that [`text`] asks.
pub const EVENTS: &str = "events";

/// The function from a time to the start of its bucket, in seconds since 1970.
pub fn slot_function(grain: Grain) -> &'static str {
    match grain {
        Grain::Hour => "hour_of",
        Grain::Day => "day_of",
        Grain::Week => "week_of",
    }
}

/// Every column that a question reads.
pub fn columns(question: &Question, known: &EventColumns) -> BTreeSet<String> {
    let field = |name: &crate::model::Name| question.mapping.field(name).to_owned();
    let mut found: BTreeSet<String> = [known.time.clone(), known.event.clone()].into();
    found.extend(
        question
            .by
            .iter()
            .map(|name| dimension(question, name, known)),
    );
    found.extend(question.filter.0.iter().map(|term| field(term.field())));
    match &question.measure {
        Measure::Sum { of, currency } => {
            found.insert(field(of));
            found.extend(currency.as_ref().map(|_| currency_column(question)));
        }
        Measure::Having(names) => found.extend(names.iter().map(field)),
        Measure::Valid {
            parameter: name, ..
        }
        | Measure::Repeats(name)
        | Measure::WithoutId(name) => {
            found.insert(field(name));
        }
        Measure::Count | Measure::Users | Measure::Unknown | Measure::Consented => {}
    }
    found
}

fn dimension(question: &Question, name: &crate::model::Name, known: &EventColumns) -> String {
    if name.as_str() == "event" {
        known.event.clone()
    } else {
        question.mapping.field(name).to_owned()
    }
}

fn currency_column(question: &Question) -> String {
    let fields = &question.mapping.fields;
    let mapped = fields.iter().find(|(name, _)| name.as_str() == "currency");
    mapped.map_or_else(|| "currency".to_owned(), |(_, field)| field.clone())
}

/// The statement: start of the bucket, value, then one column for each dimension.
pub fn text(question: &Question, known: &EventColumns, from: i64, to: i64) -> String {
    let slot = format!(
        "{}({})",
        slot_function(question.grain),
        as_text(&column(&known.time))
    );
    let mut wanted = vec![slot.clone(), measure(question)];
    for name in &question.by {
        wanted.push(as_text(&column(&dimension(question, name, known))));
    }
    let mut conditions = vec![format!("{slot} >= {from} AND {slot} < {to}")];
    if let (Subject::Event(_), Some(native)) = (&question.subject, &question.mapping.native) {
        conditions.insert(
            0,
            format!("{} = {}", as_text(&column(&known.event)), literal(native)),
        );
    }
    conditions.extend(filter(&question.filter, question));
    if let Measure::Sum {
        currency: Some(wanted),
        ..
    } = &question.measure
    {
        let column = column(&currency_column(question));
        conditions.push(format!("{} = {}", as_text(&column), literal(wanted)));
    }
    let groups: Vec<String> = std::iter::once(1)
        .chain(3..3 + question.by.len())
        .map(|at| at.to_string())
        .collect();
    format!(
        "SELECT {} FROM {EVENTS} WHERE {} GROUP BY {}",
        wanted.join(", "),
        conditions.join(" AND "),
        groups.join(", ")
    )
}

/// The statement for the starts of the first and the last day with events.
pub fn range(known: &EventColumns) -> String {
    let slot = format!(
        "{}({})",
        slot_function(Grain::Day),
        as_text(&column(&known.time))
    );
    format!("SELECT MIN({slot}), MAX({slot}) FROM {EVENTS}")
}

fn measure(question: &Question) -> String {
    let field = |name: &crate::model::Name| column(question.mapping.field(name));
    let when = |condition: &str| format!("SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)");
    match &question.measure {
        Measure::Sum { of, .. } => format!("SUM({})", as_number(&field(of))),
        Measure::Having(names) => {
            let parts: Vec<String> = names.iter().map(|name| present(&field(name))).collect();
            when(&parts.join(" AND "))
        }
        Measure::Valid { parameter, rule } => {
            let column = field(parameter);
            when(&format!(
                "{} AND {}",
                present(&column),
                valid(&column, rule)
            ))
        }
        Measure::Repeats(name) => {
            let id = format!("NULLIF({}, '')", as_text(&field(name)));
            format!("COUNT({id}) - COUNT(DISTINCT {id})")
        }
        Measure::WithoutId(name) => when(&format!("NOT {}", present(&field(name)))),
        Measure::Count | Measure::Users | Measure::Unknown | Measure::Consented => {
            "COUNT(*)".to_owned()
        }
    }
}

fn valid(column: &str, rule: &Rule) -> String {
    let text = as_text(column);
    match rule {
        Rule::OneOf(values) => {
            let list: Vec<String> = values.iter().map(|value| literal(value)).collect();
            format!("{text} IN ({})", list.join(", "))
        }
        Rule::Pattern(pattern) => format!("{text} ~ {}", literal(&format!("^(?:{pattern})$"))),
        Rule::Url => format!("({text} LIKE 'http://%' OR {text} LIKE 'https://%')"),
        Rule::Number { min, max } => {
            let number = as_number(column);
            let mut parts = vec![format!("{number} IS NOT NULL")];
            parts.extend(min.as_ref().map(|min| format!("{number} >= {min}")));
            parts.extend(max.as_ref().map(|max| format!("{number} <= {max}")));
            parts.join(" AND ")
        }
    }
}

/// A missing value never matches, also not `!=`.
fn filter(filter: &Filter, question: &Question) -> Vec<String> {
    let condition = |term: &Term| {
        let column = column(question.mapping.field(term.field()));
        let compare = |sign: &str, value: &Value| match value {
            Value::Text(text) => format!("{} {sign} {}", as_text(&column), literal(text)),
            Value::Number(number) => format!("{} {sign} {number}", as_number(&column)),
        };
        let found = match term {
            Term::Equal(_, value) => compare("=", value),
            Term::NotEqual(_, value) => compare("<>", value),
            Term::AtLeast(_, value) => compare(">=", value),
            Term::AtMost(_, value) => compare("<=", value),
            Term::In(_, values) => {
                let list: Vec<String> =
                    values.iter().map(|value| literal(value.as_str())).collect();
                format!("{} IN ({})", as_text(&column), list.join(", "))
            }
        };
        format!("({} AND {found})", present(&column))
    };
    filter.0.iter().map(condition).collect()
}
