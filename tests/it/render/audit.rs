//! The audit as a mail: small enough for every mail program, complete as text, and a month beside a
//! week; its numbers add up.

use chrono::{Duration, TimeDelta};
use truecount::model::{Bridge, Calendar, Evaluation, Name, Period, Status, Timestamp};
use truecount::plan::Plan;
use truecount::render::audit::{self, AuditMail};
use truecount::report::{self, CountFact, Facts, Report, SystemFact, WeekFact};

use crate::made;

const EVENTS: usize = 40;
const OPEN: usize = 12;

/// A plan with forty events.
fn plan() -> Plan {
    let more: String = (0..EVENTS - 3)
        .map(|at| format!("[event.quite_a_long_event_name_{at}]\nin.web = true\n"))
        .collect();
    made::plan(&more)
}

fn facts(plan: &Plan, period: Period, now: Timestamp) -> Facts {
    let calendar = &plan.project.calendar;
    let window = period.last(calendar, now);
    let days = calendar.buckets(truecount::model::Grain::Day, window);
    let incidents = plan.events.iter().take(OPEN).zip(1_u32..);
    let incidents = incidents.map(|(event, number)| {
        let check = format!("{}.volume", event.name);
        let mut one = made::opened(
            plan,
            &check,
            "web",
            number,
            window.to - TimeDelta::hours(12),
        );
        one.opened_at = Some(window.to - TimeDelta::days(2));
        one
    });
    let judged = |from: i64| -> Vec<Evaluation> {
        let each = plan.events.iter().flat_map(|event| {
            let check = format!("{}.volume", event.name);
            days.iter().enumerate().map(move |(at, day)| {
                let day = calendar.day(day.date() - Duration::days(from));
                made::seen(
                    &check,
                    "web",
                    day,
                    Status::Failing,
                    40.0 + (at * 7 % 60) as f64,
                )
            })
        });
        each.collect()
    };
    let mut current = judged(0);
    current.extend(days.iter().map(|day| {
        let mut one = made::seen("orders.web", "web", *day, Status::Ok, 90.0);
        one.kind = made::name("compare");
        one.event = Some(made::name("purchase"));
        made::finding_of(&mut one).bridge = Some(Bridge {
            from: made::name("shop"),
            to: made::name("web"),
            baseline: 1,
            other: 1,
            parts: vec![],
        });
        one
    }));
    let count = |name: &Name| CountFact {
        name: name.clone(),
        source: made::name("web"),
        current: Some(12_345.0),
        previous: Some(12_000.0),
        last_year: Some(9_000.0),
    };
    let systems = plan.events.iter().flat_map(|event| {
        let days = &days;
        event.mappings.iter().map(move |(source, _)| SystemFact {
            event: event.name.clone(),
            source: source.clone(),
            days: days.iter().map(|day| (day.date(), 100.0)).collect(),
        })
    });
    let week = WeekFact {
        counts: vec![Some(700.0); EVENTS],
        ..WeekFact::default()
    };
    Facts {
        now,
        period,
        current,
        previous: judged(i64::try_from(days.len()).unwrap()),
        latest: Vec::new(),
        incidents: incidents.collect(),
        pulls: Vec::new(),
        marks: Vec::new(),
        counts: plan.events.iter().map(|event| count(&event.name)).collect(),
        channels: Vec::new(),
        systems: systems.collect(),
        weeks: match period {
            Period::Week => Vec::new(),
            Period::Month => vec![week; report::TREND],
        },
        first_seen: Vec::new(),
    }
}

fn made(period: Period) -> Report {
    let plan = plan();
    let now = made::at("2026-11-03 08:00");
    let calendar: &Calendar = &plan.project.calendar;
    report::audit(
        &plan,
        &facts(&plan, period, now),
        period.last(calendar, now),
    )
}

fn mail(period: Period) -> (Report, AuditMail) {
    let report = made(period);
    let mail = audit::mail(&report);
    (report, mail)
}

#[test]
fn a_large_plan_in_trouble_still_fits_into_a_mail() {
    for period in [Period::Week, Period::Month] {
        let (report, mail) = mail(period);
        assert_eq!(
            report.incidents.iter().filter(|one| one.is_on()).count(),
            OPEN
        );
        let pictures: usize = mail.pictures.iter().map(|(_, png)| png.len()).sum();
        println!(
            "{period:?}: {} bytes of HTML, {pictures} of pictures",
            mail.html.len()
        );
        assert!(mail.html.contains("font-size:22px"), "made by mrml");
        assert!(mail.html.len() < 90_000, "{}", mail.html.len());
        assert!(pictures < 250_000, "{pictures}");
        assert!((2..=6).contains(&mail.pictures.len()));
        for (id, _) in &mail.pictures {
            assert!(mail.html.contains(&format!("cid:{id}")), "{id} is shown");
        }
        assert_eq!(mail.html.matches("cid:").count(), mail.pictures.len());
        assert_eq!(
            mail.html.matches(" alt=\"\"").count(),
            0,
            "every picture says what it shows"
        );
    }
}

#[test]
fn the_text_holds_every_line_and_the_html_says_how_many_it_leaves_out() {
    let (report, mail) = mail(Period::Week);
    for line in &report.counts {
        let spoken = line.name.as_str().replace('_', " ");
        assert!(mail.text.contains(&spoken), "{spoken}");
    }
    for one in &report.incidents {
        let number = format!("#{}", one.number.unwrap());
        assert!(mail.text.contains(&number), "{number}");
    }
    let left = report.counts.len() - 15;
    assert!(
        mail.html.contains(&format!("and {left} more")),
        "of {EVENTS} counts"
    );
    assert!(!mail.text.contains("+0.0"), "{}", mail.text);
    assert!(
        mail.text.contains("(#"),
        "the worst incident stands in the first sentence"
    );
}

#[test]
fn the_gap_of_a_period_adds_up() {
    for period in [Period::Week, Period::Month] {
        let report = made(period);
        let gap = report
            .gaps
            .iter()
            .find(|one| one.check.as_str() == "orders.web")
            .unwrap();
        assert_eq!(gap.days, gap.of);
        let days = i64::try_from(gap.of).unwrap();
        assert_eq!(
            (gap.bridge.baseline, gap.bridge.other),
            (100 * days, 100 * days)
        );
        let parts: i64 = gap.bridge.parts.iter().map(|part| part.count).sum();
        assert_eq!(
            gap.bridge.baseline + parts + gap.bridge.unexplained(),
            gap.bridge.other
        );
    }
}

#[test]
fn a_month_has_its_own_subject_label_and_parts() {
    let (week, month) = (made(Period::Week), made(Period::Month));
    assert_eq!(
        (week.label.as_str(), month.label.as_str()),
        ("2026-W44", "2026-10")
    );
    assert!(audit::subject(&week).starts_with("Tracking audit, week 44: "));
    assert!(audit::subject(&month).starts_with("Tracking audit, October 2026: "));
    assert!(week.depth.trends.is_empty() && week.depth.mappings.is_empty());
    assert_eq!(month.depth.trends.len(), EVENTS);
    assert!(
        month
            .depth
            .mappings
            .iter()
            .any(|one| one.source.as_str() == "web")
    );
    let json: serde_json::Value = serde_json::from_str(&audit::json(&month)).unwrap();
    assert_eq!(json["counts"][0]["this_month"], 12_345.0);
    assert!(json["counts"][0].get("this_week").is_none());
    // October has 31 days and September 30: 12,345 of 12,000 is less by the day.
    assert!(
        audit::text(&month).contains("−0.4%"),
        "{}",
        audit::text(&month)
    );
}

#[test]
fn the_message_says_that_a_machine_wrote_it_and_how_to_be_left_alone() {
    let (_, mail) = mail(Period::Week);
    let id = truecount::model::Digest::new("test").fingerprint();
    let at = made::at("2026-11-02 07:00");
    let to = ["mara@acme.example".to_owned()];
    let bytes = audit::message(&mail, "Truecount <truecount@acme.example>", &to, id, at).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
    for line in [
        "Auto-Submitted: auto-generated",
        "List-Id: Truecount weekly audit <weekly.audit.acme.example>",
        "List-Unsubscribe: <mailto:truecount@acme.example?subject=unsubscribe%20weekly>",
    ] {
        assert!(head.contains(line), "no `{line}` in\n{head}");
    }
    // RFC 8058: only beside an https address that takes people off the list, which there is not.
    assert!(!head.contains("List-Unsubscribe-Post"), "{head}");
    assert!(!head.contains("<https:"), "{head}");
}
