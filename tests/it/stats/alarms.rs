//! Where a count alarms when it is watched bucket by bucket.

use truecount::stats::{Cycle, Point, Sensitivity, Watch};

/// The buckets that alarm, the series believing at first in this noise.
pub(crate) fn alarms(values: &[f64], cycle: Cycle, noise: Option<f64>) -> Vec<usize> {
    let mut watch = Watch::count_believing(cycle, noise);
    let mut found = Vec::new();
    for (at, &first) in values.iter().enumerate() {
        watch.push(Point {
            first,
            second: 1.0,
            usable: true,
            special: 0,
        });
        if watch.judge(Sensitivity::Normal).is_ok_and(|one| one.alarm) {
            found.push(at);
        }
    }
    found
}
