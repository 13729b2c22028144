//! Releases and campaigns noted by a command and by one call of `curl` stand in the incident near
//! whose beginning they lie, the nearest first.

use std::process::Command;

use chrono::{Days, TimeDelta, Utc};

use super::{hooks, shop};
use crate::fake::http_api::HttpApi;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_noted_near_the_beginning_is_told_nearest_first() {
    let hook = HttpApi::start(|_, _| (204, "text/plain", String::new())).await;
    let shop = shop(&hook);
    let fell = (Utc::now().date_naive() - Days::new(5))
        .and_hms_opt(0, 0, 0)
        .unwrap();
    let before = |hours: i64| (fell - TimeDelta::hours(hours)).and_utc().to_rfc3339();
    let noted = shop.output(&["mark", "web 4.18.0", "--at", &before(3)]);
    assert!(noted.0.success(), "{noted:?}");
    let made = shop.output(&["token", "create", "deploy", "--scope", "push"]);
    let token = made
        .1
        .split_whitespace()
        .find(|word| word.starts_with("tc_"));
    let token = token.unwrap_or_else(|| panic!("{made:?}"));
    let daemon = shop.serve();
    let body = format!(
        r#"{{"name":"Autumn sale","kind":"campaign","at":"{}"}}"#,
        before(20)
    );
    let called = Command::new("curl")
        .args([
            "-fsS",
            "-H",
            &format!("Authorization: Bearer {token}"),
            "-d",
            &body,
        ])
        .arg(format!("{}/api/v1/marks", daemon.address))
        .output()
        .unwrap();
    let answer = String::from_utf8_lossy(&called.stdout);
    assert!(
        called.status.success() && answer.contains("Autumn sale"),
        "{called:?}"
    );
    super::awaited("the alert", || (!hooks(&hook).is_empty()).then_some(())).await;
    // The release was known when the alert was written.
    let alert = &hooks(&hook)[0].body;
    assert!(alert.contains("web 4.18.0"), "{alert}");
    let shown = shop.output(&["incident", "show", "1"]).1;
    let machine = shop
        .output(&["incident", "show", "1", "--format", "json"])
        .1;
    for text in [&shown, &machine] {
        let (near, far) = (text.find("web 4.18.0"), text.find("Autumn sale"));
        assert!(near.is_some() && far.is_some() && near < far, "{text}");
    }
    assert!(daemon.stop().0.success());
}
