//! P6: 429, 5xx and silence are waited out for 72 hours; then a dead letter, and the fallback route.
//! P10: a clock that steps does no harm to letters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use truecount::incident::{self, Event, Policy};
use truecount::net::NetError;

use super::super::made::at;
use super::sim::{Call, Sim, reply};

const ROUTES: &str = r#"
[route.default]
wait     = "0 min"
remind   = "0 min"
daily    = 1000
webhook  = "https://one.example/hook"
fallback = "second"

[route.second]
wait    = "0 min"
sources = ["elsewhere"]
webhook = "https://two.example/hook"

[source.elsewhere]
type = "push"
"#;

const START: &str = "2026-10-21 10:00";

fn down(call: &Call) -> Result<truecount::net::Reply, NetError> {
    Err(NetError::Unreachable {
        host: call.host.clone(),
        why: "no connection".to_owned(),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "it answers like `down`")]
fn fine() -> Result<truecount::net::Reply, NetError> {
    Ok(reply(204, &[]))
}

#[tokio::test]
async fn retry_after_is_honoured_as_seconds_and_as_a_date() {
    for (wish, most) in [
        ("1", TimeDelta::seconds(1)),
        ("Wed, 21 Oct 2026 10:00:02 GMT", TimeDelta::seconds(2)),
    ] {
        let mut sim = Sim::begin(ROUTES, START, move |call| {
            if call.at == at(START) {
                Ok(reply(429, &[("retry-after", wish)]))
            } else {
                fine()
            }
        });
        for _ in 0..8 {
            sim.open().await;
        }
        sim.live(TimeDelta::seconds(3)).await;
        assert_eq!(sim.letters("delivered"), 8, "within three seconds");
        let calls = sim.calls();
        assert!(
            calls
                .iter()
                .all(|call| call.at == at(START) || call.at >= at(START) + most)
        );
        assert!(calls.len() <= 16, "{}", calls.len());
    }
}

#[tokio::test]
async fn an_outage_is_waited_out_and_ends_within_minutes() {
    // Length of the outage in hours, and the most calls to the dead receiver.
    for (hours, most) in [(1, 60), (24, 400), (71, 1_000)] {
        let end = at(START) + TimeDelta::hours(hours);
        let script = move |call: &Call| if call.at < end { down(call) } else { fine() };
        let mut sim = Sim::begin(ROUTES, START, script);
        for _ in 0..40 {
            sim.open().await;
        }
        sim.live(TimeDelta::hours(hours)).await;
        assert_eq!(sim.letters("delivered"), 0);
        assert_eq!(sim.letters("dead"), 0, "after {hours} h");
        let futile = sim.calls().len();
        assert!(futile <= most, "{futile} calls in {hours} h");
        sim.live(TimeDelta::minutes(6)).await;
        assert_eq!(sim.letters("delivered"), 40, "after {hours} h");
        assert_eq!(sim.calls().len(), futile + 40, "each once");
    }
}

#[tokio::test]
async fn after_three_days_a_letter_is_dead_and_the_fallback_tells() {
    let script = |call: &Call| {
        if call.host == "one.example" {
            down(call)
        } else {
            fine()
        }
    };
    let mut sim = Sim::begin(ROUTES, START, script);
    for _ in 0..40 {
        sim.open().await;
    }
    sim.live(TimeDelta::hours(71)).await;
    sim.restart().await;
    assert_eq!(sim.letters("dead"), 0);
    sim.live(TimeDelta::minutes(170)).await;
    assert_eq!(sim.letters("dead"), 40);
    assert_eq!(sim.letters("delivered"), 40);
    let told: Vec<Call> = sim
        .calls()
        .into_iter()
        .filter(|call| call.host == "two.example")
        .collect();
    let keys: std::collections::BTreeSet<&String> = told.iter().map(|call| &call.key).collect();
    assert_eq!((told.len(), keys.len()), (40, 40), "each once");
    assert!(
        told.iter()
            .all(|call| call.body.contains("could not be reached"))
    );
    assert!(
        told.iter()
            .all(|call| call.at >= at(START) + TimeDelta::hours(72))
    );
    let dead = sim.world.store.letters(None, 100).await.unwrap();
    assert_eq!(dead.len(), 40, "and each can be seen and sent again");
}

#[tokio::test]
async fn a_refusal_is_a_dead_letter_at_once_and_its_fallback_survives_a_crash() {
    let script = |call: &Call| {
        if call.host == "one.example" {
            Ok(reply(404, &[]))
        } else {
            fine()
        }
    };
    let mut sim = Sim::begin(ROUTES, START, script);
    sim.open().await;
    sim.open().await;
    sim.live(TimeDelta::seconds(1)).await;
    assert_eq!((sim.letters("dead"), sim.letters("delivered")), (2, 2));
    sim.restart().await;
    sim.live(TimeDelta::hours(1)).await;
    assert_eq!(sim.calls().len(), 4, "nothing is told again");
}

#[tokio::test]
async fn a_letter_that_nobody_wants_troubles_no_other() {
    // The receiver fails on one body and takes the rest, for three days.
    let script = |call: &Call| {
        if call.body.contains("purchase.volume.1\"") {
            Ok(reply(500, &[]))
        } else {
            fine()
        }
    };
    let mut sim = Sim::begin(ROUTES, START, script);
    for _ in 0..5 {
        sim.open().await;
        sim.live(TimeDelta::hours(1)).await;
    }
    assert_eq!(sim.letters("delivered"), 4);
    let tries = sim.calls().len() - 4;
    assert!(tries <= 5 * 20, "{tries} tries in five hours");
    sim.live(TimeDelta::hours(66)).await;
    assert_eq!(sim.letters("dead"), 0);
    sim.live(TimeDelta::minutes(70)).await;
    assert_eq!(sim.letters("dead"), 1);
}

#[tokio::test]
async fn old_letters_are_tried_again_after_we_were_down_ourselves() {
    let start = at(START) + TimeDelta::days(4);
    // The network needs ten minutes after our own start.
    let up = start + TimeDelta::minutes(10);
    let script = move |call: &Call| if call.at < up { down(call) } else { fine() };
    let mut sim = Sim::begin(ROUTES, START, script);
    for _ in 0..10 {
        sim.open().await;
    }
    sim.step(start - at(START));
    sim.restart().await;
    sim.live(TimeDelta::minutes(16)).await;
    assert_eq!((sim.letters("dead"), sim.letters("delivered")), (0, 10));
}

#[tokio::test]
async fn a_resolved_never_overtakes_its_firing_whatever_the_clock_does() {
    for step in [
        TimeDelta::hours(-1),
        TimeDelta::days(-1),
        TimeDelta::hours(1),
        TimeDelta::days(1),
    ] {
        let open = Arc::new(AtomicBool::new(false));
        let gate = Arc::clone(&open);
        let script = move |call: &Call| {
            if gate.load(Ordering::SeqCst) {
                fine()
            } else {
                down(call)
            }
        };
        let mut sim = Sim::begin(ROUTES, START, script);
        let before = sim.open().await;
        sim.live(TimeDelta::seconds(1)).await;
        sim.step(step);
        let policy = Policy::of(&sim.world.plan);
        let now = sim.now();
        let event = Event::Ended { by: "mara" };
        let change = incident::step(Some(&before), event, &policy, now).unwrap();
        sim.commit(&change).await;
        open.store(true, Ordering::SeqCst);
        sim.live(TimeDelta::hours(2)).await;
        let calls = sim.calls();
        let taken: Vec<String> = calls[1..].iter().map(Call::kind).collect();
        assert_eq!(taken, ["incident.opened", "incident.resolved"], "{step}");
    }
}

#[tokio::test]
async fn a_clock_that_steps_back_delays_no_letter() {
    for step in [TimeDelta::hours(-1), TimeDelta::days(-1)] {
        let mut sim = Sim::begin(ROUTES, START, |_| fine());
        sim.open().await;
        sim.live(TimeDelta::seconds(1)).await;
        sim.open().await;
        sim.step(step);
        sim.live(TimeDelta::seconds(1)).await;
        assert_eq!(sim.letters("delivered"), 2, "{step}");
        assert_eq!(sim.calls().len(), 2, "each once");
    }
}

#[tokio::test]
async fn a_crowd_keeps_the_pace_of_its_receiver_and_loses_no_tries() {
    let routes = "[route.default]\nwait = \"0 min\"\ndaily = 1000\nslack = \"https://hooks.slack.com/services/T/B/x\"\n";
    let mut sim = Sim::begin(routes, START, |_| Ok(reply(200, &[])));
    for _ in 0..5 {
        sim.open().await;
    }
    sim.live(TimeDelta::seconds(60)).await;
    let calls = sim.calls();
    assert!(!calls.is_empty() && calls.len() <= 5, "{}", calls.len());
    for pair in calls.windows(2) {
        assert!(pair[1].at - pair[0].at >= TimeDelta::seconds(1), "{pair:?}");
    }
    assert_eq!(sim.letters("waiting") + sim.letters("sending"), 0);
    let worst: i64 = rusqlite::Connection::open(sim.folder.path().join("truecount.db"))
        .unwrap()
        .query_row("SELECT max(attempts) FROM letter", [], |row| row.get(0))
        .unwrap();
    assert_eq!(worst, 1, "waiting for one's turn is no try");
}
