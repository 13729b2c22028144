//! Amounts: two systems held against each other by money, and what an event is worth on average.

use chrono::Datelike;
use truecount::check;
use truecount::model::{Bucket, Measure, Question, Shape, Status};

use super::bench::{Bench, noise, of};
use super::resolved;

const SHOP: &str = r#"
[project]
name = "Acme shop"
timezone = "Europe/Zurich"
currency = "CHF"
[source.web]
type = "files"
path = "counts.csv"
rows = "counts"
[source.orders]
type = "sql"
url = "sqlite:shop.db"
[event.purchase]
in.web = true
in.orders = { table = "orders", date = "paid_at", sum = "total" }
[conversion.purchase]
worth = "average"
[compare.orders]
event = "purchase"
baseline = "orders"
against = ["web"]
measure = ["count", "sum"]
"#;

/// 60 CHF an order, 10% of which the web does not see; from a day on its amounts lack a share.
fn known(lost: f64) -> impl Fn(&Question, &Bucket) -> Option<f64> {
    move |question, bucket| {
        let day = i64::from(bucket.label.date().num_days_from_ce());
        let orders = 400.0 + 20.0 * noise(day);
        let seen = if question.source.as_str() == "web" {
            0.9 + 0.01 * noise(day + 3)
        } else {
            1.0
        };
        let broken = question.source.as_str() == "web" && day >= 739_928;
        Some(match &question.measure {
            Measure::Sum { currency, .. } => {
                assert_eq!(currency.as_deref(), Some("CHF"));
                let mean = 60.0 + 60.0 / orders.sqrt() * noise(day + 9);
                (orders * seen * mean * if broken { 1.0 - lost } else { 1.0 } * 100.0).round()
                    / 100.0
            }
            _ => (orders * seen).round(),
        })
    }
}

#[test]
fn amounts_that_shrink_while_orders_hold_are_a_finding_of_the_sum_alone() {
    let bench = Bench::at("2026-11-12T09:07:00Z");
    let seen = bench.judge(SHOP, known(0.2));
    let sum = of(&seen, "orders.web.sum");
    assert_eq!(sum.outcome.status(), Some(Status::Failing));
    let finding = sum.outcome.finding().unwrap();
    assert!(
        matches!(finding.shape, Shape::Pair { a, b } if b > 20_000.0 && (0.68..0.76).contains(&(a / b))),
        "{finding:?}"
    );
    assert_eq!(of(&seen, "orders.web").outcome.status(), Some(Status::Ok));
    let seen = bench.judge(SHOP, known(0.0));
    assert_eq!(
        of(&seen, "orders.web.sum").outcome.status(),
        Some(Status::Ok)
    );
}

#[test]
fn an_average_worth_asks_for_amounts_and_becomes_money() {
    let (plan, complaints) = resolved(SHOP);
    assert!(complaints.is_empty(), "{complaints:?}");
    let bench = Bench::at("2026-11-12T09:07:00Z");
    let mut found = std::collections::BTreeMap::new();
    bench.with_evidence(SHOP, known(0.0), |evidence| {
        found = check::averages(&plan, evidence);
    });
    let mean = found["purchase"];
    assert!((59.0..61.0).contains(&mean), "{mean}");
    let plan = plan.with_averages(&found);
    let topology = truecount::incident::Topology::of(&plan);
    assert_eq!(topology.worth["purchase"], (mean, "CHF".to_owned()));
}
