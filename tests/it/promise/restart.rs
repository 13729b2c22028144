//! P4: a restart does not announce again. P25: a reload is all or nothing and tells nothing by
//! itself. P26: a silence ends honestly. Against the real process.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{TimeDelta, Utc};

use super::rig::receiver::{Manner, Receiver};
use super::rig::{Daemon, Rig};

const BINARY: &str = env!("CARGO_BIN_EXE_truecount");
const AT_ONCE: &str = "wait = \"0 min\"";

/// Long enough for a letter that should not come.
const LINGER: Duration = Duration::from_millis(400);

async fn broken(count: usize) -> (Receiver, Rig, Daemon) {
    let hook = Receiver::start().await;
    let rig = Rig::new(BINARY, count, &hook, AT_ONCE);
    let daemon = rig.serve().await;
    rig.push_history().await;
    rig.push_drop(0..count).await;
    rig.until("openings", || hook.opened() >= count, || hook.opened())
        .await;
    (hook, rig, daemon)
}

/// Everything that is on its way has come.
async fn quiet(hook: &Receiver) {
    loop {
        let before = hook.count();
        tokio::time::sleep(LINGER).await;
        if hook.count() == before {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_restarts_tell_nothing_and_ten_changes_while_down_exactly_ten() {
    let (hook, rig, mut daemon) = broken(40).await;
    quiet(&hook).await;
    let told = hook.count();
    for turn in 0..10 {
        let signal = if turn % 2 == 0 { "TERM" } else { "KILL" };
        daemon.end(signal).await;
        daemon = rig.serve().await;
        rig.next_rounds(1).await;
    }
    quiet(&hook).await;
    assert_eq!(hook.count(), told, "a restart is no news");
    daemon.end("TERM").await;
    for number in 1..=10 {
        let done = rig
            .command(&["incident", "resolve", &number.to_string(), "--by", "mara"])
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }
    assert_eq!(hook.count(), told, "nobody was there to tell");
    let daemon = rig.serve().await;
    rig.until("ten letters", || hook.count() >= told + 10, || hook.count())
        .await;
    quiet(&hook).await;
    let news = hook.arrivals().split_off(told);
    let resolved = news
        .iter()
        .filter(|one| one.field("/type") == "incident.resolved");
    let about: BTreeSet<String> = resolved.map(|one| one.field("/data/number")).collect();
    // What a person ended may open again in the next round, since its trouble lasts: news too.
    assert_eq!(about.len(), 10);
    assert!(daemon.end("TERM").await.0.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_good_wrong_and_half_written_during_delivery_change_nothing_that_is_told() {
    let hook = Receiver::start().await;
    hook.behave(|_, _| Manner {
        delay: Duration::from_millis(30),
        status: 204,
        retry_after: None,
    });
    let count = 40;
    let rig = Rig::new(BINARY, count, &hook, AT_ONCE);
    let daemon = rig.serve().await;
    rig.push_history().await;
    rig.push_drop(0..count).await;
    let plan = rig.plan(AT_ONCE);
    let half = &plan[..plan.len() / 2 + 7];
    let versions = [
        half.to_owned(),
        format!("{plan}\n[surprise]\nx = 1\n"),
        format!("{plan}\n[event.more]\nin.s0 = \"more\"\n"),
        String::new(),
        plan.clone(),
    ];
    for turn in 0..10 {
        let share = count * (turn + 1) / 12;
        rig.until("delivery", || hook.taken() >= share, || hook.taken())
            .await;
        rig.write("truecount.toml", &versions[turn % versions.len()]);
        daemon.signal("HUP");
    }
    rig.write("truecount.toml", &plan);
    daemon.signal("HUP");
    rig.until("the rest", || hook.opened() >= count, || hook.opened())
        .await;
    quiet(&hook).await;
    assert_eq!(hook.count(), hook.taken(), "nothing came twice");
    let opened = hook
        .arrivals()
        .iter()
        .filter(|one| one.field("/type") == "incident.opened")
        .count();
    assert_eq!(opened, count, "each opening once");
    // A wrong file leaves the plan as it is, and says so.
    let before = rig.get("/api/v1/checks").await.unwrap();
    rig.write("truecount.toml", half);
    daemon.signal("HUP");
    let begun = std::time::Instant::now();
    let refused = "truecount_config_last_reload_successful 0";
    while !rig.get("/metrics").await.unwrap().contains(refused) {
        assert!(begun.elapsed() < super::rig::PATIENCE, "{}", rig.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(rig.log().contains("is refused, the old one stays"));
    let names = |text: &str| text.matches("\"check\":").count();
    assert_eq!(
        names(&before),
        names(&rig.get("/api/v1/checks").await.unwrap())
    );
    assert!(daemon.end("TERM").await.0.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_still_lasts_when_a_silence_ends_is_told_once() {
    let hook = Receiver::start().await;
    let rig = Rig::new(BINARY, 2, &hook, AT_ONCE);
    let daemon = rig.serve().await;
    rig.push_history().await;
    let end = Utc::now() + TimeDelta::seconds(5);
    let silence = format!(
        r#"{{"sources":["s0"],"to":"{}","reason":"planned work"}}"#,
        end.to_rfc3339()
    );
    let (status, text) = rig.post("/api/v1/silences", silence).await.unwrap();
    assert_eq!(status, 200, "{text}");
    rig.push_drop(0..2).await;
    rig.until("the other", || hook.opened() >= 1, || hook.count())
        .await;
    if Utc::now() < end {
        assert_eq!(hook.arrivals()[0].field("/data/source"), "s1");
        assert_eq!(hook.count(), 1, "silence");
    }
    let about = |source: &str| {
        let all = hook.arrivals().into_iter();
        all.filter(|one| one.field("/data/source") == source)
            .collect::<Vec<_>>()
    };
    let begun = std::time::Instant::now();
    while about("s0").is_empty() {
        assert!(begun.elapsed() < super::rig::PATIENCE, "{}", rig.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(Utc::now() >= end, "not before its end");
    daemon.end("KILL").await;
    let daemon = rig.serve().await;
    rig.next_rounds(2).await;
    quiet(&hook).await;
    let told: BTreeSet<String> = about("s0").iter().map(|one| one.key.clone()).collect();
    assert_eq!(told.len(), 1, "once");
    assert_eq!(about("s0")[0].field("/data/reason"), "silence_ended");
    assert!(daemon.end("TERM").await.0.success());
}
