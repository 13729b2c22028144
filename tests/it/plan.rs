//! What a plan means: defaults, homes and witnesses, differences, and the schema of editors.

use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::{Value, json};
use truecount::app;
use truecount::config::Text;
use truecount::model::{Filter, Level, Name, Term, Value as Literal};
use truecount::plan::{self, How, Plan, Worth};
use truecount::render::diagnostic;

use crate::config::understood;

const FOURTEEN: &str = r#"[project]
name     = "Acme shop"
timezone = "Europe/Berlin"

[source.ga4]
type     = "ga4"
property = "123456789"
key      = { file = "ga4-key.json" }

[event.purchase]
required = ["transaction_id", "value", "currency"]

[route.default]
slack = { env = "SLACK_WEBHOOK_URL" }
"#;

/// The plan of a text that has no mistake.
fn planned(text: &str) -> Plan {
    let files = [Text {
        path: "truecount.toml".to_owned(),
        text: text.to_owned(),
    }];
    let (plan, complaints) = understood(&files);
    let errors = complaints.iter().any(|one| one.level == Level::Error);
    assert!(!errors, "{}", diagnostic::human(&complaints, &files, false));
    plan
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

#[test]
fn fourteen_lines_are_a_plan_without_complaint() {
    let files = [Text {
        path: "truecount.toml".to_owned(),
        text: FOURTEEN.to_owned(),
    }];
    let (plan, complaints) = understood(&files);
    assert_eq!(diagnostic::human(&complaints, &files, false), "");
    assert_eq!(plan.project.id, name("acme-shop"));
    assert!((plan.project.budget - 1.0).abs() < 1e-9);
    let event = &plan.events[0];
    assert_eq!(event.origin, "truecount.toml:10");
    assert_eq!(
        event.parameters.iter().filter(|one| one.required).count(),
        3
    );
    assert_eq!(plan.home(event), Some(name("ga4")));
    let route = &plan.routes[0];
    assert_eq!(route.wait, TimeDelta::minutes(10));
    assert_eq!(route.remind, TimeDelta::hours(24));
    assert_eq!(route.daily, 20);
    assert_eq!(plan.reports[0].at, "Monday 08:00");
    assert_eq!(
        diagnostic::summary(&plan, &files, 6, &complaints),
        "1 file, 1 event, 0 conversions, 6 checks: no errors"
    );
}

const TWO_SYSTEMS: &str = r#"
[project]
name     = "Acme shop"
timezone = "Europe/Berlin"

[source.orders]
type = "sql"
url  = "sqlite:orders.db"

[source.web]
type     = "ga4"
property = "1"
key      = { file = "key.json" }

[source.app]
type     = "ga4"
property = "2"
key      = { file = "key.json" }

[defaults]
required = ["user_id"]
by       = ["device"]

[event.view]
by = ["country"]

[event.purchase]
required  = ["value"]
in.web    = "order_paid"
in.orders = { table = "orders", date = "paid_at", fields = { value = "total" } }

[event.purchase.optional]
user_id = "id"
coupon  = "text"

[event.refund]
home      = "orders"
in.app    = true
in.orders = { table = "refunds", date = "made_at" }

[event.shipped]
in.orders = { table = "parcels", date = "sent_at" }

[conversion.large]
event = "purchase"
where = "value >= 100"
worth = "average"

[conversion.purchase]
primary = true
worth   = "40 EUR"

[route.default]
email = ["shop@acme.example"]

[route.first]
events = ["purchase"]
email  = ["shop@acme.example"]

[mail]
from = "Truecount <t@acme.example>"
smtp = { env = "SMTP_URL" }
"#;

#[test]
fn an_event_is_counted_where_the_plan_says_or_under_its_own_name() {
    let plan = planned(TWO_SYSTEMS);
    let sources = |event: &str| {
        let event = plan.event(&name(event)).unwrap();
        let names = event.mappings.iter().map(|(source, _)| source.to_string());
        (
            plan.home(event).unwrap().to_string(),
            names.collect::<Vec<_>>().join(" "),
        )
    };
    let expected = |home: &str, all: &str| (home.to_owned(), all.to_owned());
    // Without `in.*`: every source whose events have names.
    assert_eq!(sources("view"), expected("web", "web app"));
    // With it: only those; home is the first event-named one, the others are witnesses.
    assert_eq!(sources("purchase"), expected("web", "orders web"));
    assert_eq!(sources("refund"), expected("orders", "orders app"));
    assert_eq!(sources("shipped"), expected("orders", "orders"));
    let native = |event: &str, source: &str| {
        plan.mapping(&name(event), &name(source))
            .unwrap()
            .native
            .clone()
    };
    assert_eq!(native("purchase", "web").as_deref(), Some("order_paid"));
    assert_eq!(native("view", "app").as_deref(), Some("view"));
    assert_eq!(native("purchase", "orders"), None);
    let mapping = plan.mapping(&name("purchase"), &name("orders")).unwrap();
    assert_eq!(mapping.field(&name("value")), "total");
    assert_eq!(mapping.settings["table"], "orders");
}

#[test]
fn defaults_reach_every_event_unless_it_says_otherwise() {
    let plan = planned(TWO_SYSTEMS);
    let of = |event: &str| {
        let parameters = &plan.event(&name(event)).unwrap().parameters;
        let shown = parameters
            .iter()
            .map(|one| format!("{}{}", one.name, if one.required { "!" } else { "" }));
        shown.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("view"), "user_id!");
    assert_eq!(of("purchase"), "value! user_id coupon");
    assert_eq!(plan.event(&name("view")).unwrap().by, [name("country")]);
    assert_eq!(plan.event(&name("refund")).unwrap().by, [name("device")]);
}

#[test]
fn what_the_business_lives_by_is_known_by_its_event() {
    let plan = planned(TWO_SYSTEMS);
    assert!(plan.is_primary(&name("purchase")));
    assert!(!plan.is_primary(&name("view")));
    assert_eq!(
        plan.worth(&name("purchase")),
        Some(&Worth::Fixed(40.0, "EUR".to_owned()))
    );
    let routes: Vec<&str> = plan
        .routes
        .iter()
        .map(|route| route.name.as_str())
        .collect();
    assert_eq!(routes, ["first", "default"]);
    let secrets: Vec<String> = plan.secrets().into_iter().map(|(place, _)| place).collect();
    assert_eq!(secrets, ["source.web.key", "source.app.key", "mail.smtp"]);
}

#[test]
fn a_budget_is_read_per_week_whatever_its_unit() {
    for (text, weekly) in [
        ("1 a week", 1.0),
        ("7 a week", 7.0),
        ("1 a day", 7.0),
        ("2 a year", 14.0 / 365.0),
    ] {
        let plan = planned(&FOURTEEN.replace("[source", &format!("budget = \"{text}\"\n[source")));
        assert!(
            (plan.project.budget - weekly).abs() < 1e-9,
            "{text}: {}",
            plan.project.budget
        );
    }
    let plan = planned(&FOURTEEN.replace("[source", "budget = 3\n[source"));
    assert!((plan.project.budget - 3.0).abs() < 1e-9);
}

fn changes(before: &str, after: &str) -> Vec<String> {
    let list = plan::diff(&planned(before), &planned(after));
    let line = |one: &plan::PlanChange| {
        let sign = match one.how {
            How::Added => "+",
            How::Changed => "~",
            How::Removed => "-",
        };
        let breaking = if one.breaking { " breaking" } else { "" };
        format!(
            "{sign} {} {}{breaking}: {}",
            one.what,
            one.name,
            one.details.join("; ")
        )
    };
    list.iter().map(line).collect()
}

#[test]
fn moving_and_commenting_changes_nothing() {
    let moved = format!(
        "# a comment\n\n{}",
        TWO_SYSTEMS.replace("[event.refund]", "\n\n# money back\n[event.refund]")
    );
    assert_eq!(changes(TWO_SYSTEMS, TWO_SYSTEMS), Vec::<String>::new());
    assert_eq!(changes(TWO_SYSTEMS, &moved), Vec::<String>::new());
}

#[test]
fn a_difference_says_what_and_whether_it_breaks() {
    let before = TWO_SYSTEMS;
    let cases = [
        (
            before.replace(
                "required  = [\"value\"]",
                "required  = [\"value\", \"currency\"]",
            ),
            "~ event purchase breaking: + required currency text",
        ),
        (
            before.replace("coupon  = \"text\"\n", ""),
            "~ event purchase: - optional coupon text",
        ),
        (
            before.replace("in.web    = \"order_paid\"", "in.web    = \"paid\""),
            "~ event purchase breaking: ~ in.web \"order_paid\" -> \"paid\"",
        ),
        (
            before.replace("where = \"value >= 100\"", "where = \"value >= 200\""),
            "~ conversion large breaking: ~ where value >= 100 -> value >= 200",
        ),
        (
            before.replace("worth   = \"40 EUR\"", "worth   = \"45 EUR\""),
            "~ conversion purchase: ~ worth 40 EUR -> 45 EUR",
        ),
        (
            before.replace("[event.view]\nby = [\"country\"]\n", ""),
            "- event view breaking: ",
        ),
        (
            before.replace(
                "events = [\"purchase\"]",
                "events = [\"purchase\"]\nquiet = \"20:00-07:00\"",
            ),
            "~ route first: + quiet 20:00-07:00",
        ),
        (
            format!(
                "{before}\n[compare.money]\nevent = \"purchase\"\nbaseline = \"orders\"\nagainst = [\"web\"]\nlimit = \"5%\"\n"
            ),
            "+ compare money: event purchase; baseline orders; against web; measure count; limit 5%",
        ),
        (
            format!(
                "{before}\n[check.rate]\nrate = [\"view\", \"purchase\"]\nbelow = \"2.5%\"\nfor = \"2 days\"\n"
            ),
            "+ check rate: kind rate; rate view, purchase; below 2.5%; for 2 days",
        ),
    ];
    for (after, expected) in cases {
        assert_ne!(before, after, "{expected}");
        assert_eq!(changes(before, &after), [expected]);
    }
    // What is taken away says who will miss it.
    let without = before.replace("[event.shipped]", "[event.sent]");
    let funnel = "\n[funnel.parcels]\nsteps = [\"purchase\", \"shipped\"]\n";
    assert_eq!(
        changes(&format!("{before}{funnel}"), &without),
        [
            "+ event sent: by device; required user_id text; in.orders date sent_at, table parcels",
            "- event shipped breaking: funnel parcels mentions it",
            "- funnel parcels breaking: ",
        ]
    );
}

#[test]
fn a_difference_repeats_no_address_and_no_token() {
    let secret = FOURTEEN
        .replace(
            "{ env = \"SLACK_WEBHOOK_URL\" }",
            "\"https://hooks.slack.com/services/XYZ\"",
        )
        .replace("{ file = \"ga4-key.json\" }", "\"sesame\"");
    let read = |text: &str| {
        let files = [Text {
            path: "truecount.toml".to_owned(),
            text: text.to_owned(),
        }];
        understood(&files).0
    };
    let all = format!("{:?}", plan::diff(&read(&secret), &read(FOURTEEN)));
    assert!(!all.contains("XYZ") && !all.contains("sesame"), "{all}");
    assert!(all.contains("slack"), "{all}");
}

/// Whether a value fits a schema: the part of draft-07 that ours uses.
pub(crate) fn misfits(schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let fits = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        other => panic!("{path}: this test knows no type {other}"),
    };
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| fits(kind)) {
        return vec![format!("{path} should be {kinds:?}")];
    }
    let mut found = Vec::new();
    if schema.get("const").is_some_and(|wanted| wanted != value) {
        found.push(format!("{path} should be {}", schema["const"]));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|words| !words.contains(value))
    {
        found.push(format!("{path} should be one of {}", schema["enum"]));
    }
    for (key, most) in [("oneOf", 1), ("anyOf", usize::MAX)] {
        let ways = schema[key].as_array().into_iter().flatten();
        let each: Vec<Vec<String>> = ways.map(|way| misfits(way, value, path)).collect();
        let fitting = each.iter().filter(|faults| faults.is_empty()).count();
        if !each.is_empty() && (fitting == 0 || fitting > most) {
            found.push(format!("{path} fits {fitting} of {key}: {each:?}"));
        }
    }
    if let Some(table) = value.as_object() {
        for key in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !table.contains_key(key) {
                found.push(format!("{path} lacks {key}"));
            }
        }
        for (key, inner) in table {
            let at = format!("{path}.{key}");
            match (
                schema["properties"].get(key),
                &schema["additionalProperties"],
            ) {
                (Some(known), _) => found.extend(misfits(known, inner, &at)),
                (None, Value::Bool(false)) => found.push(format!("{at} is not known")),
                (None, other) if other.is_object() => found.extend(misfits(other, inner, &at)),
                _ => {}
            }
        }
    }
    if let (Some(list), true) = (value.as_array(), schema["items"].is_object()) {
        for (index, item) in list.iter().enumerate() {
            found.extend(misfits(&schema["items"], item, &format!("{path}[{index}]")));
        }
    }
    found
}

/// TOML as JSON, as editors see it.
pub(crate) fn as_json(text: &str) -> Value {
    fn convert(value: toml::Value) -> Value {
        match value {
            toml::Value::String(text) => json!(text),
            toml::Value::Integer(number) => json!(number),
            toml::Value::Float(number) => json!(number),
            toml::Value::Boolean(flag) => json!(flag),
            toml::Value::Datetime(moment) => json!(moment.to_string()),
            toml::Value::Array(items) => items.into_iter().map(convert).collect(),
            toml::Value::Table(table) => Value::Object(
                table
                    .into_iter()
                    .map(|(key, value)| (key, convert(value)))
                    .collect(),
            ),
        }
    }
    convert(toml::Value::Table(text.parse().unwrap()))
}

#[test]
fn the_schema_accepts_what_the_plan_accepts_and_knows_no_other_key() {
    let schema = plan::schema(&app::known());
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    for text in [FOURTEEN, TWO_SYSTEMS] {
        assert_eq!(misfits(&schema, &as_json(text), ""), Vec::<String>::new());
    }
    for (text, fault) in [
        (
            "[project]\nname = \"a\"\ntimezone = \"UTC\"\ncolour = \"red\"",
            ".project.colour is not known",
        ),
        ("[project]\nname = \"a\"", ".project lacks timezone"),
        ("[evnt.a]\nabout = \"b\"", ".evnt is not known"),
        (
            "[route.a]\nlevel = \"loud\"",
            ".route.a.level should be one of",
        ),
        ("[check.a]\nenabled = \"no\"", ".check.a.enabled should be"),
    ] {
        let found = misfits(&schema, &as_json(text), "");
        assert!(
            found.iter().any(|one| one.starts_with(fault)),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn every_key_of_the_schema_is_described() {
    fn bare(value: &Value, path: &str, found: &mut Vec<String>) {
        if let Some(properties) = value["properties"].as_object() {
            for (key, inner) in properties {
                let at = format!("{path}.{key}");
                let is_table =
                    inner["properties"].is_object() || inner["additionalProperties"].is_object();
                if !is_table
                    && inner["description"].as_str().is_none_or(str::is_empty)
                    && inner.get("const").is_none()
                {
                    found.push(at.clone());
                }
                bare(inner, &at, found);
            }
        }
        if value["additionalProperties"].is_object() {
            bare(&value["additionalProperties"], &format!("{path}.*"), found);
        }
        for way in ["oneOf", "anyOf"]
            .iter()
            .filter_map(|key| value[*key].as_array())
            .flatten()
        {
            bare(way, path, found);
        }
    }
    let mut found = Vec::new();
    bare(&plan::schema(&app::known()), "", &mut found);
    found.sort();
    found.dedup();
    assert_eq!(found, Vec::<String>::new());
}

fn literal() -> impl Strategy<Value = (Literal, String)> {
    let text =
        "[^'\\x00-\\x1f]{0,8}".prop_map(|text| (Literal::Text(text.clone()), format!("'{text}'")));
    let number = (-9_999_i32..9_999)
        .prop_map(|number| (Literal::Number(number.to_string()), number.to_string()));
    prop_oneof![text, number]
}

fn term() -> impl Strategy<Value = (Term, String)> {
    let field = "[a-z_][a-z0-9_.]{0,8}".prop_filter("`in` and `and` are words", |text| {
        text != "in" && text != "and"
    });
    (field, 0_usize..5, prop::collection::vec(literal(), 1..4)).prop_map(|(field, sign, values)| {
        let (first, shown) = values[0].clone();
        let of = name(&field);
        let all = values.iter().map(|(value, _)| value.clone()).collect();
        let list: Vec<&str> = values.iter().map(|(_, shown)| shown.as_str()).collect();
        match sign {
            0 => (Term::Equal(of, first), format!("{field} = {shown}")),
            1 => (Term::NotEqual(of, first), format!("{field}!={shown}")),
            2 => (Term::AtLeast(of, first), format!("{field} >= {shown}")),
            3 => (Term::AtMost(of, first), format!("{field} <= {shown}")),
            _ => (
                Term::In(of, all),
                format!("{field} in ({})", list.join(",")),
            ),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_condition_reads_back_as_it_was_written(terms in prop::collection::vec(term(), 1..4)) {
        let texts: Vec<&str> = terms.iter().map(|(_, text)| text.as_str()).collect();
        let wanted = Filter(terms.iter().map(|(term, _)| term.clone()).collect());
        prop_assert_eq!(plan::parse_filter(&texts.join(" and ")), Ok(wanted));
    }

    #[test]
    fn any_condition_is_read_without_a_panic(text in "\\PC{0,40}") {
        prop_assert!(plan::parse_filter(&text).is_ok_and(|filter| !filter.0.is_empty()) || plan::parse_filter(&text).is_err());
    }
}
