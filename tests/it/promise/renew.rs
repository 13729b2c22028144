//! Receivers that forget: what lasts is posted again before it ends by itself, whatever fails or
//! restarts meanwhile, and what is over is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta};
use serde_json::Value;
use truecount::daemon::{self, Renewed};
use truecount::incident::{self, Event, Incident, Policy};
use truecount::model::Timestamp;

use super::sim::{Call, Sim, reply};

const ROUTE: &str = r#"
[route.default]
wait         = "0 min"
remind       = "0 min"
daily        = 1000
alertmanager = "https://am.example"

[route.other]
wait    = "0 min"
sources = ["elsewhere"]
alertmanager = "https://other.example"

[source.elsewhere]
type = "push"
"#;

const START: &str = "2026-10-21 10:00";

/// A post of one alert, as the receiver understands it.
#[derive(Debug)]
struct Post {
    at: Timestamp,
    labels: Value,
    ends: Timestamp,
}

fn posts(calls: &[Call]) -> Vec<Post> {
    let mut found = Vec::new();
    for call in calls.iter().filter(|call| call.host == "am.example") {
        assert_eq!(call.path, "/api/v2/alerts");
        let alerts: Vec<Value> = serde_json::from_str(&call.body).unwrap();
        found.extend(alerts.into_iter().map(|alert| {
            Post {
                at: call.at,
                labels: alert["labels"].clone(),
                ends: DateTime::parse_from_rfc3339(alert["endsAt"].as_str().unwrap())
                    .unwrap()
                    .to_utc(),
            }
        }));
    }
    found
}

/// What the daemon does every 30 seconds, for so long.
async fn lasts(sim: &mut Sim, renewed: &mut Renewed, span: TimeDelta) {
    let end = sim.now() + span;
    while sim.now() < end {
        let before = sim.calls().len();
        daemon::renew(&sim.world, renewed, sim.now()).await.unwrap();
        // Posts are made beside the loop: each is let through before the clock moves on.
        for _ in 0..20 {
            tokio::task::yield_now().await;
            if sim.calls().len() > before {
                break;
            }
        }
        sim.live(TimeDelta::seconds(30)).await;
    }
}

/// The longest time in which the receiver would have taken the alert for over.
fn longest_gap(posts: &[Post]) -> TimeDelta {
    let gaps = posts.windows(2).map(|two| two[1].at - two[0].ends);
    gaps.max().unwrap()
}

async fn end(sim: &mut Sim, one: &Incident) {
    let policy = Policy::of(&sim.world.plan);
    let change =
        incident::step(Some(one), Event::Ended { by: "mara" }, &policy, sim.now()).unwrap();
    sim.commit(&change).await;
}

#[tokio::test]
async fn what_lasts_is_posted_again_until_it_is_over() {
    let mut sim = Sim::begin(ROUTE, START, |_| Ok(reply(200, &[])));
    let mut renewed = Renewed::new();
    lasts(&mut sim, &mut renewed, TimeDelta::minutes(10)).await;
    assert_eq!(sim.calls().len(), 0, "nothing lasts");
    let one = sim.open().await;
    lasts(&mut sim, &mut renewed, TimeDelta::hours(3)).await;
    let during = posts(&sim.calls());
    // The opening, and one every two minutes.
    assert!((85..=95).contains(&during.len()), "{}", during.len());
    assert!(
        during
            .iter()
            .all(|post| post.ends > post.at + TimeDelta::minutes(5)),
        "each is good for a while: {during:?}"
    );
    assert!(
        longest_gap(&during) < TimeDelta::minutes(-5),
        "never close to its end: {}",
        longest_gap(&during)
    );
    assert!(
        during.iter().all(|post| post.labels == during[0].labels),
        "the same alert each time"
    );
    end(&mut sim, &one).await;
    let over = sim.now();
    lasts(&mut sim, &mut renewed, TimeDelta::hours(1)).await;
    let after = posts(&sim.calls()).split_off(during.len());
    assert_eq!(after.len(), 1, "its end, and no word after it: {after:?}");
    assert_eq!(after[0].labels, during[0].labels);
    assert!(after[0].ends <= over, "{after:?}");
    assert!(
        sim.calls().iter().all(|call| call.host == "am.example"),
        "who was told nothing is reminded of nothing"
    );
}

#[tokio::test]
async fn a_restart_posts_what_lasts_at_once() {
    let mut sim = Sim::begin(ROUTE, START, |_| Ok(reply(200, &[])));
    let mut renewed = Renewed::new();
    sim.open().await;
    sim.open().await;
    lasts(&mut sim, &mut renewed, TimeDelta::minutes(20)).await;
    // Away for longer than an alert lasts by itself.
    sim.step(TimeDelta::minutes(25));
    sim.restart().await;
    let back = sim.now();
    let before = sim.calls().len();
    let mut renewed = Renewed::new();
    lasts(&mut sim, &mut renewed, TimeDelta::seconds(30)).await;
    let again = posts(&sim.calls()[before..]);
    assert_eq!(again.len(), 2, "both, in one post: {again:?}");
    assert!(again.iter().all(|post| post.at == back && post.ends > back));
    // A clock that steps back by a day stops nothing.
    sim.step(TimeDelta::days(-1));
    let before = sim.calls().len();
    lasts(&mut sim, &mut renewed, TimeDelta::minutes(10)).await;
    let again = posts(&sim.calls()[before..]);
    assert!(again.len() >= 8, "{}", again.len());
}

#[tokio::test]
async fn posts_that_fail_are_followed_by_others_in_time() {
    let down = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&down);
    let mut sim = Sim::begin(ROUTE, START, move |_| {
        Ok(reply(
            if gate.load(Ordering::SeqCst) {
                503
            } else {
                200
            },
            &[],
        ))
    });
    let mut renewed = Renewed::new();
    sim.open().await;
    lasts(&mut sim, &mut renewed, TimeDelta::minutes(10)).await;
    let before = sim.calls().len();
    down.store(true, Ordering::SeqCst);
    lasts(&mut sim, &mut renewed, TimeDelta::minutes(6)).await;
    let failed = sim.calls().len() - before;
    assert!((2..=4).contains(&failed), "{failed}");
    down.store(false, Ordering::SeqCst);
    lasts(&mut sim, &mut renewed, TimeDelta::minutes(6)).await;
    let all = posts(&sim.calls());
    let taken: Vec<Post> = all
        .into_iter()
        .enumerate()
        .filter(|(nth, _)| *nth < before || *nth >= before + failed)
        .map(|(_, post)| post)
        .collect();
    assert!(
        longest_gap(&taken) < TimeDelta::zero(),
        "the receiver never took it for over: {}",
        longest_gap(&taken)
    );
    assert_eq!(
        (sim.letters("waiting"), sim.letters("dead")),
        (0, 0),
        "posts are no letters"
    );
}
