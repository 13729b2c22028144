//! The Data API of a made-up property: refuses what Google refuses.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::http_api::{Answer, HttpApi, good};

/// What the property knows, and how it behaves.
#[derive(Clone, Default)]
pub(crate) struct Property {
    /// IANA zone.
    pub(crate) zone: &'static str,
    /// Seconds for which a token is said to last, if not an hour.
    pub(crate) lasts: Option<i64>,
    /// Count by `YYYYMMDD` or `YYYYMMDDHH` and event.
    pub(crate) counts: BTreeMap<(&'static str, &'static str), u64>,
    /// Rows for reports with other dimensions than time and event name: values and count.
    pub(crate) rows: Vec<(Vec<&'static str>, &'static str)>,
    /// Dimensions beside the usual ones.
    pub(crate) custom: Vec<&'static str>,
    /// Rows that are counted and never come.
    pub(crate) lost: usize,
    /// Rows a page holds at most.
    pub(crate) page: usize,
    /// What the metadata of a report says beside the zone.
    pub(crate) flags: Value,
    /// Answers in place of reports.
    pub(crate) instead: Option<(u16, &'static str, &'static str)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "fields are read to be checked")]
struct Body {
    date_ranges: Vec<Range>,
    dimensions: Vec<Named>,
    metrics: Vec<Named>,
    dimension_filter: Option<Value>,
    order_bys: Option<Vec<Value>>,
    limit: String,
    offset: String,
    return_property_quota: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Range {
    start_date: String,
    end_date: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

const DIMENSIONS: &[&str] = &[
    "date",
    "dateHour",
    "eventName",
    "deviceCategory",
    "browser",
    "country",
    "transactionId",
    "sessionSource",
    "sessionMedium",
    "sessionDefaultChannelGroup",
    "currencyCode",
];
const METRICS: &[&str] = &[
    "eventCount",
    "keyEvents",
    "sessions",
    "totalUsers",
    "purchaseRevenue",
    "eventValue",
];

fn refused(status: u16, word: &str, why: &str) -> Answer {
    let body = json!({ "error": { "code": status, "message": why, "status": word } });
    (status, "application/json", body.to_string())
}

/// Starts the API together with the token address.
pub(crate) async fn start(property: Property) -> HttpApi {
    HttpApi::start(move |path, body| answer(&property, path, body)).await
}

fn answer(property: &Property, path: &str, body: &str) -> Answer {
    if path == "/token" {
        let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
        let parts = body.strip_prefix(grant).map_or(0, |jwt| {
            jwt.split('.').filter(|part| !part.is_empty()).count()
        });
        if parts != 3 {
            return (
                400,
                "application/json",
                json!({ "error": "invalid_grant" }).to_string(),
            );
        }
        return good(
            json!({ "access_token": "ya29.x", "expires_in": property.lasts.unwrap_or(3599), "token_type": "Bearer" })
                .to_string(),
        );
    }
    if let Some((status, kind, text)) = property.instead {
        return (status, kind, text.to_owned());
    }
    match path {
        "/v1beta/properties/123/metadata" => {
            let names = DIMENSIONS.iter().map(|name| json!({ "apiName": name }));
            let custom = property
                .custom
                .iter()
                .map(|name| json!({ "apiName": name, "customDefinition": true }));
            good(json!({
                "dimensions": names.chain(custom).collect::<Vec<_>>(),
                "metrics": METRICS.iter().map(|name| json!({ "apiName": name })).collect::<Vec<_>>(),
            }).to_string())
        }
        "/v1beta/properties/123:runReport" => report(property, body),
        other => refused(404, "NOT_FOUND", &format!("no such path {other}")),
    }
}

fn report(property: &Property, body: &str) -> Answer {
    let body: Body = match serde_json::from_str(body) {
        Ok(body) => body,
        Err(why) => return refused(400, "INVALID_ARGUMENT", &why.to_string()),
    };
    let known = |name: &str| DIMENSIONS.contains(&name) || property.custom.contains(&name);
    let unknown = body
        .dimensions
        .iter()
        .map(|one| one.name.as_str())
        .find(|name| !known(name));
    let strange = body
        .metrics
        .iter()
        .map(|one| one.name.as_str())
        .find(|name| !METRICS.contains(name));
    let iso = |text: &str| chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok();
    let dated = body.date_ranges.iter().all(|range| {
        iso(&range.start_date) && iso(&range.end_date) && range.start_date <= range.end_date
    });
    let limit: usize = body.limit.parse().unwrap_or(0);
    let offset: usize = body.offset.parse().unwrap_or(usize::MAX);
    if body.dimensions.len() > 9 || body.metrics.len() > 10 || body.date_ranges.len() > 4 {
        return refused(
            400,
            "INVALID_ARGUMENT",
            "too many dimensions, metrics or ranges",
        );
    }
    if let Some(name) = unknown.or(strange) {
        return refused(
            400,
            "INVALID_ARGUMENT",
            &format!("{name} is not a valid name"),
        );
    }
    if !dated || limit == 0 || limit > 250_000 || offset == usize::MAX {
        return refused(400, "INVALID_ARGUMENT", "a date, limit or offset is wrong");
    }
    let names: Vec<&str> = body
        .dimensions
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let rows = rows(property, &names, &body.date_ranges[0]);
    let total = rows.len();
    let page: Vec<Value> = rows
        .into_iter()
        .skip(offset)
        .take(limit.min(property.page.max(1)))
        .map(|(values, count)| {
            json!({
                // In another order than asked for: only the headers say which column is which.
                "dimensionValues": values.iter().rev().map(|value| json!({ "value": value })).collect::<Vec<_>>(),
                "metricValues": [{ "value": count }],
            })
        })
        .collect();
    let mut metadata = json!({ "timeZone": property.zone, "currencyCode": "EUR" });
    if let (Some(all), Some(more)) = (metadata.as_object_mut(), property.flags.as_object()) {
        all.extend(more.clone());
    }
    let mut answer = json!({
        "dimensionHeaders": names.iter().rev().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "metricHeaders": [{ "name": body.metrics[0].name, "type": "TYPE_INTEGER" }],
        "metadata": metadata,
        "propertyQuota": { "tokensPerDay": { "consumed": 184, "remaining": 199_816 } },
        "kind": "analyticsData#runReport",
    });
    // An empty report has neither rows nor their count.
    if total > 0 {
        answer["rows"] = json!(page);
        answer["rowCount"] = json!(total + property.lost);
    }
    good(answer.to_string())
}

/// Rows of the wanted dimensions within the dates.
fn rows(property: &Property, names: &[&str], range: &Range) -> Vec<(Vec<String>, String)> {
    let (from, to) = (
        range.start_date.replace('-', ""),
        range.end_date.replace('-', ""),
    );
    let within = |time: &str| {
        time.get(..8)
            .is_some_and(|day| day >= from.as_str() && day <= to.as_str())
    };
    let width = if names.contains(&"dateHour") { 10 } else { 8 };
    if names.len() > 2
        || (names.len() == 2 && names[1] != "eventName")
        || (names.len() == 1 && !property.rows.is_empty())
    {
        let own = property
            .rows
            .iter()
            .filter(|(values, _)| values.len() == names.len() && within(values[0]));
        return own
            .map(|(values, count)| {
                (
                    values.iter().map(ToString::to_string).collect(),
                    (*count).to_owned(),
                )
            })
            .collect();
    }
    property
        .counts
        .iter()
        .filter(|((time, _), _)| time.len() == width && within(time))
        .map(|((time, event), count)| {
            let mut values = vec![(*time).to_owned()];
            if names.len() == 2 {
                values.push((*event).to_owned());
            }
            (values, count.to_string())
        })
        .collect()
}
