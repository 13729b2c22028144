//! One number, one place: every medium prints the stored values of an incident, so they agree.

use proptest::prelude::{ProptestConfig, any, proptest};
use truecount::incident::Incident;
use truecount::model::{Status, Unit};
use truecount::notify::{Notification, Reason};
use truecount::render::{describe, mail, page, slack, terminal, webhook, words};

use super::get;
use crate::made;

/// Texts in which the same facts must stand.
fn media(incident: &Incident) -> Vec<(&'static str, String)> {
    let plan = &made::SHOP;
    let now = made::at("2026-10-21 08:00");
    let history = truecount::render::history::History::of(&[], &[]);
    let frame = page::Frame::new(plan, now, page::Hand::Nobody);
    let shown = page::IncidentPage {
        plan,
        incident,
        history: &history,
        members: &[],
        letters: &[],
        silences: &[],
        now,
    };
    let told = Notification {
        route: made::name("default"),
        channel: made::name("default/0/slack"),
        reason: Reason::Opened,
        n: 0,
        incidents: vec![incident.clone()],
        at: now,
        remark: String::new(),
    };
    let letter = mail::write(plan, &told);
    let slack = slack::message(plan, &told);
    vec![
        ("Slack", slack.to_string()),
        ("mail", letter.html),
        ("page", page::incident(frame, &shown)),
        ("terminal", terminal::incident(plan, incident, now, false)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_medium_prints_the_same_numbers(observed in 0_u32..2_000_000, expected in 1_u32..2_000_000, failing in any::<bool>()) {
        let (observed, expected) = (f64::from(observed), f64::from(expected));
        let status = if failing { Status::Failing } else { Status::Warning };
        let day = made::day("2026-10-20");
        let now = made::at("2026-10-21 08:00");
        let mut incident = made::opened(&made::SHOP, "purchase.volume", "web", 7, now);
        incident.status = status;
        let finding = made::finding(day, observed, expected);
        incident.finding = Some(finding.clone());
        let text = describe(&made::SHOP, &incident, now);
        let seen = words::value(observed, &Unit::Count);
        let range = words::range(&finding.now, &Unit::Count);
        for (medium, shown) in media(&incident) {
            for part in [&seen, &range, &text.head] {
                assert!(shown.contains(part.as_str()), "{medium} lacks {part}: {shown}");
            }
        }
        let body = webhook::incident(&made::SHOP, &incident);
        assert_eq!(body["now"]["observed"].as_f64(), Some(observed));
        assert_eq!(body["total"]["observed"].as_f64(), Some(finding.since_onset.observed));
    }
}

#[test]
fn the_demos_open_incidents_read_alike_on_every_page() {
    let overview = get("/");
    for number in [3, 4] {
        let page = get(&format!("/i/{number}"));
        let head = page.split("<h1>").nth(1).unwrap();
        let head = head.split("</h1>").next().unwrap();
        assert!(overview.contains(head), "{head}");
        assert!(get("/incidents").contains(head), "{head}");
        let now = page.split("<dt>Now</dt><dd>").nth(1).unwrap();
        let now = now.split("</dd>").next().unwrap();
        assert!(overview.contains(now), "{now}");
    }
}

#[test]
fn the_demo_tells_of_what_was_planted_and_of_nothing_else() {
    let planted = truecount::demo::FAULTS.len();
    let list: serde_json::Value = serde_json::from_str(&get("/api/v1/incidents")).unwrap();
    let told = list["incidents"].as_array().unwrap().len();
    assert_eq!(told, planted, "{list:#}");
}

#[test]
fn every_figure_of_the_demos_audit_is_known() {
    let audit: serde_json::Value = serde_json::from_str(&get("/reports/2026-W42.json")).unwrap();
    let targets = audit["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 6);
    for target in targets {
        assert!(target["this_week"].is_number(), "{target:#}");
    }
    let met = |word: bool| targets.iter().filter(|one| one["met"] == word).count();
    assert_eq!((met(true), met(false)), (3, 3));
}
