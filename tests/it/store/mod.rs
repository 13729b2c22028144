//! What is remembered: added once, thinned by the rule, copied, and never begun anew in silence.

mod keep;
mod safety;
mod upgrade;

use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use truecount::app;
use truecount::model::{
    AsOf, Bucket, Calendar, Grain, Mapping, Measure, Name, Observation, Quality, Question, Segment,
    Subject, Timestamp, Window,
};
use truecount::store::Memory;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn project() -> Name {
    Name::clean("shop")
}

fn open(path: &Path, now: Timestamp) -> anyhow::Result<Arc<dyn Memory>> {
    app::open_store(path, &project(), now)
}

fn question() -> Question {
    Question::total(
        &Name::clean("web"),
        Subject::Event(Name::clean("purchase")),
        Mapping::default(),
        Measure::Count,
        Grain::Day,
    )
}

fn day(text: &str) -> Bucket {
    Calendar::parse("Europe/Berlin")
        .unwrap()
        .day(text.parse().unwrap())
}

fn seen(bucket: Bucket, value: f64, seen_at: Timestamp) -> Observation {
    Observation {
        series: question().key(Segment::new()),
        bucket,
        value,
        quality: Quality::plain(),
        seen_at,
    }
}

/// Values of the question in order of their buckets, by what was known.
async fn values(store: &dyn Memory, known: AsOf) -> Vec<f64> {
    let window = Window {
        from: at("2020-01-01T00:00:00Z"),
        to: at("2030-01-01T00:00:00Z"),
    };
    let found = store.history(&[question()], window, known).await.unwrap();
    found
        .into_iter()
        .flatten()
        .flat_map(|(_, readings)| readings)
        .map(|reading| reading.value)
        .collect()
}

async fn push(store: &dyn Memory, observations: &[Observation]) -> u64 {
    let source = Name::clean("web");
    let now = at("2026-01-01T00:00:00Z");
    store.push(&source, observations, now).await.unwrap()
}

#[tokio::test]
async fn a_reading_is_added_only_when_it_changed() {
    let now = at("2026-06-01T00:00:00Z");
    let store = open(Path::new(":memory:"), now).unwrap();
    let (first, second) = (day("2026-05-01"), day("2026-05-02"));
    let later = |hours| now + TimeDelta::hours(hours);
    assert_eq!(
        push(&*store, &[seen(second, 5.0, now), seen(first, 4.0, now)]).await,
        2
    );
    // The same again, and a change between two repeats.
    assert_eq!(
        push(
            &*store,
            &[
                seen(first, 4.0, later(1)),
                seen(second, 6.0, later(1)),
                seen(second, 6.0, later(2)),
            ]
        )
        .await,
        1
    );
    assert_eq!(values(&*store, AsOf::Time(later(3))).await, [4.0, 6.0]);
    assert_eq!(values(&*store, AsOf::Time(now)).await, [4.0, 5.0]);
    assert_eq!(values(&*store, AsOf::Every).await, [4.0, 5.0, 6.0]);
}
