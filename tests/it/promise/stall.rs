//! P21: its own death is noticed: the heartbeat of a real process stops within two periods of the
//! stall of any stage, and comes back by itself.

use std::time::{Duration, Instant};

use super::rig::receiver::Receiver;
use super::rig::{PATIENCE, Rig};

const BINARY: &str = env!("CARGO_BIN_EXE_truecount");

/// Two calls a minute apart may come before a stall must be seen; some room for a busy machine.
const TWO_PERIODS: Duration = Duration::from_secs(125);

/// A stage, what makes it fail from outside, and what undoes that.
const STAGES: &[(&str, &str, &str)] = &[
    (
        "pulling",
        "ALTER TABLE slot RENAME TO slot_away",
        "ALTER TABLE slot_away RENAME TO slot",
    ),
    (
        "evaluation",
        "CREATE TRIGGER stall BEFORE INSERT ON evaluation BEGIN SELECT RAISE(ABORT, 'stalled'); END;
         CREATE TRIGGER stall_again BEFORE UPDATE ON evaluation BEGIN SELECT RAISE(ABORT, 'stalled'); END",
        "DROP TRIGGER stall; DROP TRIGGER stall_again",
    ),
    (
        "delivery",
        "ALTER TABLE letter RENAME TO letter_away",
        "ALTER TABLE letter_away RENAME TO letter",
    ),
];

async fn stalls(stage: &str, stall: &str, undo: &str) {
    let (hook, watcher) = (Receiver::start().await, Receiver::start().await);
    let rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"").set("BEAT", &watcher.address);
    rig.write_watched();
    let mut daemon = rig.serve().await;
    rig.push_history().await;
    rig.until("a heartbeat", || watcher.count() > 0, || watcher.count())
        .await;
    let sql = |sql: &str| {
        let database = rig.database();
        database.busy_timeout(Duration::from_secs(20)).unwrap();
        database.execute_batch(sql).unwrap();
    };
    sql(stall);
    let since = Instant::now();
    rig.push_drop(0..1).await;
    tokio::time::sleep(TWO_PERIODS.saturating_sub(since.elapsed())).await;
    let before = watcher.count();
    assert!(before <= 3, "{stage}: {before} calls");
    tokio::time::sleep(Duration::from_secs(62)).await;
    assert_eq!(
        watcher.count(),
        before,
        "{stage} stands still: {}",
        rig.log()
    );
    let ended = daemon.child.try_wait().unwrap();
    assert!(ended.is_none(), "{stage}: {ended:?}: {}", rig.log());
    sql(undo);
    let begun = Instant::now();
    while watcher.count() == before {
        assert!(begun.elapsed() < PATIENCE, "{stage}: {}", rig.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(daemon.end("TERM").await.0.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_heartbeat_stops_when_any_stage_of_a_real_process_stands_still() {
    let [one, two, three] = STAGES else {
        panic!("three stages");
    };
    tokio::join!(
        stalls(one.0, one.1, one.2),
        stalls(two.0, two.1, two.2),
        stalls(three.0, three.1, three.2),
    );
}
