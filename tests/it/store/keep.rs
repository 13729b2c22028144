//! Thinning: exact for 90 days, at fixed ages after that, and nothing beyond `[store] keep`.

use chrono::TimeDelta;
use truecount::model::AsOf;

use super::{at, day, open, push, seen, values};

const FOR_EVER: TimeDelta = TimeDelta::days(10_000);

/// Ages of decision 4, in hours.
const AGES: [i64; 10] = [1, 3, 6, 12, 24, 48, 72, 168, 336, 672];

#[tokio::test]
async fn looks_back_stay_exact_for_90_days_and_ages_for_ever() {
    // How many days after the end of the bucket thinning runs; values change hourly for 35 days.
    for since in [30, 89, 91, 100, 120, 126, 200] {
        let folder = tempfile::tempdir().unwrap();
        let bucket = day("2026-03-01");
        let now = bucket.end + TimeDelta::days(since);
        let store = open(&folder.path().join("a.db"), now).unwrap();
        let hours = (35 * 24).min(since * 24);
        let readings: Vec<_> = (0..hours)
            .map(|hour| {
                let when = bucket.end + TimeDelta::minutes(hour * 60 + 30);
                let count = f64::from(i32::try_from(hour).unwrap());
                seen(bucket, count, when)
            })
            .collect();
        push(&*store, &readings).await;
        let times: Vec<AsOf> = (0..=90 * 4)
            .map(|quarter| AsOf::Time(now - TimeDelta::hours(quarter * 6)))
            .chain(AGES.map(|age| AsOf::Age(TimeDelta::hours(age))))
            .collect();
        let mut before = Vec::new();
        for known in &times {
            before.push(values(&*store, *known).await);
        }
        let gone = store.thin(now, FOR_EVER).await.unwrap();
        for (known, before) in times.iter().zip(before) {
            let after = values(&*store, *known).await;
            assert_eq!(after, before, "{known:?}, {since} days after");
        }
        let left = values(&*store, AsOf::Every).await.len() as u64;
        assert_eq!(left + gone, readings.len() as u64);
        match since {
            30 | 89 => assert_eq!(gone, 0, "{since}"),
            126 | 200 => assert_eq!(left, AGES.len() as u64 + 1, "{since}"),
            _ => assert!(gone > 0, "{since}"),
        }
        // Thinning again changes nothing.
        assert_eq!(store.thin(now, FOR_EVER).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn what_is_older_than_is_kept_goes() {
    let now = at("2026-11-01T00:00:00Z");
    let store = open(std::path::Path::new(":memory:"), now).unwrap();
    let days = ["2026-01-01", "2026-04-01", "2026-10-01"].map(day);
    let readings = days.map(|bucket| seen(bucket, 7.0, bucket.end));
    push(&*store, &readings).await;
    let keep = TimeDelta::days(250);
    assert_eq!(store.thin(now, keep).await.unwrap(), 1);
    assert_eq!(values(&*store, AsOf::Time(now)).await, [7.0, 7.0]);
}
