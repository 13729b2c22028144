//! The CRM search of a made-up account: refuses what HubSpot refuses.

use serde::Deserialize;
use serde_json::{Value, json};

use super::http_api::{Answer, HttpApi, good};

/// A record: milliseconds of its date, stage, amount.
pub(crate) type Record = (i64, &'static str, Option<&'static str>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    filter_groups: Vec<Group>,
    properties: Vec<String>,
    sorts: Vec<String>,
    limit: u64,
    after: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Filter {
    property_name: String,
    operator: String,
    value: Option<String>,
    high_value: Option<String>,
    values: Option<Vec<String>>,
}

fn refused(status: u16, category: &str, why: &str) -> Answer {
    let body =
        json!({ "status": "error", "message": why, "correlationId": "x", "category": category });
    (status, "application/json", body.to_string())
}

/// Starts the search of one object.
pub(crate) async fn start(path: &'static str, records: Vec<Record>) -> HttpApi {
    HttpApi::start(move |asked, body| {
        if asked != path {
            return refused(404, "OBJECT_NOT_FOUND", "no such path");
        }
        search(&records, body)
    })
    .await
}

fn search(records: &[Record], body: &str) -> Answer {
    let body: Body = match serde_json::from_str(body) {
        Ok(body) => body,
        Err(why) => return refused(400, "VALIDATION_ERROR", &why.to_string()),
    };
    let after: u64 = body.after.parse().unwrap_or(u64::MAX);
    let many = body.filter_groups.len() > 5
        || body
            .filter_groups
            .iter()
            .any(|group| group.filters.len() > 6);
    if body.limit == 0 || body.limit > 200 || after >= 10_000 || many || body.sorts.len() > 1 {
        return refused(
            400,
            "VALIDATION_ERROR",
            "limit, after, sorts or filters are wrong",
        );
    }
    let mut found: Vec<(usize, &Record)> = records.iter().enumerate().collect();
    for filter in body.filter_groups.iter().flat_map(|group| &group.filters) {
        if ![
            "BETWEEN",
            "EQ",
            "NEQ",
            "GTE",
            "LTE",
            "GT",
            "IN",
            "HAS_PROPERTY",
            "NOT_HAS_PROPERTY",
        ]
        .contains(&filter.operator.as_str())
        {
            return refused(400, "VALIDATION_ERROR", "no such operator");
        }
        found.retain(|(id, record)| keeps(filter, *id, record));
    }
    let total = found.len();
    let limit = usize::try_from(body.limit).unwrap();
    let results: Vec<Value> = found
        .into_iter()
        .take(limit)
        .map(|(id, (_, stage, amount))| {
            let mut properties = json!({ "dealstage": stage, "amount": amount });
            if let Some(all) = properties.as_object_mut() {
                all.retain(|key, _| body.properties.contains(key));
            }
            json!({ "id": format!("{:09}", id + 1), "properties": properties, "archived": false })
        })
        .collect();
    good(json!({ "total": total, "results": results }).to_string())
}

fn keeps(filter: &Filter, id: usize, (at, stage, amount): &Record) -> bool {
    let number = |text: &Option<String>| {
        text.as_deref()
            .and_then(|text| text.parse::<i64>().ok())
            .unwrap_or(i64::MIN)
    };
    let text = match filter.property_name.as_str() {
        "closedate" | "createdate" => {
            return filter.operator != "BETWEEN"
                || (number(&filter.value)..=number(&filter.high_value)).contains(at);
        }
        "hs_object_id" => return i64::try_from(id + 1).unwrap() > number(&filter.value),
        "dealstage" => Some(*stage),
        "amount" => *amount,
        _ => None,
    };
    match filter.operator.as_str() {
        "HAS_PROPERTY" => text.is_some(),
        "NOT_HAS_PROPERTY" => text.is_none(),
        "EQ" => text == filter.value.as_deref(),
        "NEQ" => text != filter.value.as_deref(),
        "IN" => text.is_some_and(|text| filter.values.iter().flatten().any(|one| one == text)),
        _ => false,
    }
}
