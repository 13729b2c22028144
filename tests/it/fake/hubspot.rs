//! The CRM search of a made-up account: refuses what HubSpot refuses.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use serde::Deserialize;
use serde_json::{Value, json};
use truecount::clock::Clock;
use truecount::model::Timestamp;

use super::http_api::{Answer, Asked, HttpApi, good};

/// The token that the account knows.
pub(crate) const TOKEN: &str = "pat-canary";

/// Requests that a search takes in a second.
const A_SECOND: usize = 5;

/// `after` reaches no further.
const REACH: u64 = 10_000;

/// A record: milliseconds of `createdate` and `closedate`, stage, amount, and the day of the `date`
/// property `renewal`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    pub(crate) at: i64,
    pub(crate) stage: &'static str,
    pub(crate) amount: Option<&'static str>,
    pub(crate) renewal: Option<NaiveDate>,
}

/// A record of `closedwon` at a time.
pub(crate) fn won(at: Timestamp, amount: Option<&'static str>) -> Record {
    Record {
        at: at.timestamp_millis(),
        stage: "closedwon",
        amount,
        renewal: None,
    }
}

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

type Rule = Box<dyn Fn(&Asked, usize) -> Option<Answer> + Send + Sync>;

/// An account: records of each object, and what it answers in place of them.
pub(crate) struct Account {
    objects: BTreeMap<String, Vec<Record>>,
    clock: Arc<dyn Clock>,
    recent: Mutex<VecDeque<Timestamp>>,
    /// Answers in place of the next searches, by rule; `None` searches.
    instead: Rule,
    count: Mutex<usize>,
}

/// HubSpot's envelope of an error.
pub(crate) fn refused(status: u16, category: &str, why: &str) -> Answer {
    let body =
        json!({ "status": "error", "message": why, "correlationId": "x", "category": category });
    (status, "application/json", body.to_string())
}

/// A limit by its policy.
pub(crate) fn limited(policy: &str) -> Answer {
    let body = json!({ "status": "error", "message": "You have reached your limit.",
        "errorType": "RATE_LIMIT", "correlationId": "x", "policyName": policy });
    (429, "application/json", body.to_string())
}

impl Account {
    /// An account with the records of its deals, on a clock.
    pub(crate) fn of(deals: Vec<Record>, clock: Arc<dyn Clock>) -> Self {
        Self {
            objects: BTreeMap::from([("deals".to_owned(), deals)]),
            clock,
            recent: Mutex::default(),
            instead: Box::new(|_, _| None),
            count: Mutex::default(),
        }
    }

    /// The same with another object.
    pub(crate) fn and(mut self, object: &str, records: Vec<Record>) -> Self {
        self.objects.insert(object.to_owned(), records);
        self
    }

    /// The same with a rule that may answer in place of a search; it is given the request and how
    /// many came before.
    pub(crate) fn instead(
        mut self,
        rule: impl Fn(&Asked, usize) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        self.instead = Box::new(rule);
        self
    }

    /// Listens.
    pub(crate) async fn start(self) -> HttpApi {
        HttpApi::strict(move |asked| self.answer(asked)).await
    }

    fn answer(&self, asked: &Asked) -> Answer {
        let before = {
            let mut count = self.count.lock().unwrap();
            *count += 1;
            *count - 1
        };
        let bearer = asked.headers.get("authorization");
        if bearer.is_none_or(|text| text != format!("Bearer {TOKEN}").as_str()) {
            return refused(401, "INVALID_AUTHENTICATION", "no such token");
        }
        if self.too_fast() {
            return limited("SECONDLY");
        }
        if let Some(answer) = (self.instead)(asked, before) {
            return answer;
        }
        let object = asked
            .path
            .strip_prefix("/crm/objects/2026-09/")
            .and_then(|path| path.strip_suffix("/search"));
        match object.and_then(|object| self.objects.get(object)) {
            Some(records) => search(records, &asked.body),
            None => refused(404, "OBJECT_NOT_FOUND", "no such path"),
        }
    }

    fn too_fast(&self) -> bool {
        let now = self.clock.now();
        let mut recent = self.recent.lock().unwrap();
        recent.retain(|at| now - *at < TimeDelta::seconds(1));
        recent.push_back(now);
        recent.len() > A_SECOND
    }
}

fn invalid(why: &str) -> Answer {
    refused(400, "VALIDATION_ERROR", why)
}

/// Properties that exist and their types.
fn kind(property: &str) -> Option<&'static str> {
    match property {
        "closedate" | "createdate" => Some("datetime"),
        "renewal" => Some("date"),
        "hs_object_id" | "amount" => Some("number"),
        "dealstage" => Some("enumeration"),
        _ => None,
    }
}

/// Numbers have gaps and are not as wide as each other.
fn number(index: usize) -> u64 {
    u64::try_from(index).unwrap() * 7 + 51
}

fn search(records: &[Record], body: &str) -> Answer {
    let body: Body = match serde_json::from_str(body) {
        Ok(body) => body,
        Err(why) => return invalid(&why.to_string()),
    };
    let Ok(after) = body.after.parse::<u64>() else {
        return invalid("after is not a number");
    };
    if body.limit == 0 || body.limit > 200 {
        return invalid("limit is not from 1 to 200");
    }
    if after + body.limit > REACH {
        return invalid("paging ends at 10,000");
    }
    let many = body.filter_groups.iter().any(|one| one.filters.len() > 6);
    if body.filter_groups.len() != 1 || many || body.sorts.len() > 1 {
        return invalid("too many groups, filters or sorts");
    }
    let filters: Vec<&Filter> = body.filter_groups.iter().flat_map(|g| &g.filters).collect();
    let named = filters.iter().map(|one| &one.property_name);
    for property in named.chain(&body.sorts) {
        if kind(property).is_none() {
            return invalid(&format!("Property \"{property}\" does not exist"));
        }
    }
    if let Some(bad) = filters.iter().find(|filter| !is_whole(filter)) {
        return invalid(&format!("the filter of {} is wrong", bad.property_name));
    }
    let mut found: Vec<(usize, &Record)> = records.iter().enumerate().collect();
    found.retain(|(index, record)| filters.iter().all(|one| keeps(one, *index, record)));
    match body.sorts.first().map(String::as_str) {
        Some("hs_object_id") | None => {}
        Some("createdate" | "closedate") => found.sort_by_key(|(_, record)| record.at),
        Some("renewal") => found.sort_by_key(|(_, record)| record.renewal),
        Some(other) => return invalid(&format!("cannot sort by {other}")),
    }
    let total = found.len() as u64;
    let (skip, limit) = (
        usize::try_from(after).unwrap(),
        usize::try_from(body.limit).unwrap(),
    );
    let page = found.into_iter().skip(skip).take(limit);
    let results: Vec<Value> = page
        .map(|(index, record)| shown(index, record, &body.properties))
        .collect();
    let next = after + results.len() as u64;
    let mut answer = json!({ "total": total, "results": results });
    if next < total {
        answer["paging"] = json!({ "next": { "after": next.to_string() } });
    }
    good(answer.to_string())
}

/// Whether a filter has what its operator needs.
fn is_whole(filter: &Filter) -> bool {
    let number = |text: &Option<String>| {
        text.as_deref()
            .is_some_and(|text| text.parse::<i64>().is_ok())
    };
    match filter.operator.as_str() {
        "BETWEEN" => number(&filter.value) && number(&filter.high_value) && filter.values.is_none(),
        "EQ" | "NEQ" | "GTE" | "LTE" | "GT" => filter.value.is_some() && filter.values.is_none(),
        "IN" => filter.values.is_some() && filter.value.is_none(),
        "HAS_PROPERTY" | "NOT_HAS_PROPERTY" => filter.value.is_none() && filter.values.is_none(),
        _ => false,
    }
}

fn shown(index: usize, record: &Record, wanted: &[String]) -> Value {
    let at = Timestamp::from_timestamp_millis(record.at).unwrap();
    let time = at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let mut properties = json!({
        "hs_object_id": number(index).to_string(), "createdate": time, "closedate": time,
        "renewal": record.renewal.map(|day| day.to_string()),
        "dealstage": record.stage, "amount": record.amount,
    });
    let always = ["hs_object_id"];
    properties
        .as_object_mut()
        .unwrap()
        .retain(|key, _| always.contains(&key.as_str()) || wanted.contains(key));
    json!({ "id": number(index).to_string(), "properties": properties, "createdAt": time, "archived": false })
}

fn keeps(filter: &Filter, index: usize, record: &Record) -> bool {
    let whole = |text: &Option<String>| {
        text.as_deref()
            .and_then(|text| text.parse::<i64>().ok())
            .unwrap_or(i64::MIN)
    };
    let moment = match filter.property_name.as_str() {
        "closedate" | "createdate" => Some(record.at),
        "renewal" => record
            .renewal
            .map(|day| day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()),
        _ => None,
    };
    let text = match filter.property_name.as_str() {
        "dealstage" => Some(record.stage.to_owned()),
        "amount" => record.amount.map(str::to_owned),
        "hs_object_id" => Some(number(index).to_string()),
        _ => moment.map(|at| at.to_string()),
    };
    let float = |text: Option<&String>| text.and_then(|text| text.parse::<f64>().ok());
    let order = || float(text.as_ref())?.partial_cmp(&float(filter.value.as_ref())?);
    match filter.operator.as_str() {
        "BETWEEN" => moment
            .is_some_and(|at| (whole(&filter.value)..=whole(&filter.high_value)).contains(&at)),
        "GT" => order().is_some_and(std::cmp::Ordering::is_gt),
        "GTE" => order().is_some_and(std::cmp::Ordering::is_ge),
        "LTE" => order().is_some_and(std::cmp::Ordering::is_le),
        "HAS_PROPERTY" => text.is_some(),
        "NOT_HAS_PROPERTY" => text.is_none(),
        "EQ" => text == filter.value,
        "NEQ" => text != filter.value,
        "IN" => text.is_some_and(|text| filter.values.iter().flatten().any(|one| *one == text)),
        _ => false,
    }
}
