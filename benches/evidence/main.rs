//! Where the figures of docs/statistics.md come from that are no plain score: `cargo bench --bench
//! evidence -- windows DRAW..`, `halves DRAW..`, `first-weeks DRAW..` read labelled benchmarks (folders
//! with `labels.json`, `manifest.json` and `series`); `more BASE` and `siblings BASE` plant faults of their own in
//! clean ones.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

#[path = "../../tests/it/stats/alarms.rs"]
mod alarms;
mod labelled;
mod made;
mod more;
mod siblings;

use std::env;
use std::path::PathBuf;

use anyhow::bail;

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let folders: Vec<PathBuf> = words.iter().skip(1).map(PathBuf::from).collect();
    match (words.first().map(String::as_str), folders.as_slice()) {
        (Some("windows"), [_, ..]) => labelled::windows(&folders),
        (Some("halves"), [_, ..]) => labelled::halves(&folders),
        (Some("first-weeks"), [_, ..]) => labelled::first_weeks(&folders),
        (Some("more"), [base]) => more::more(base),
        (Some("siblings"), [base]) => siblings::siblings(base),
        _ => bail!(
            "usage: cargo bench --bench evidence -- (windows DRAW.. | halves DRAW.. | \
             first-weeks DRAW.. | more BASE | siblings BASE)"
        ),
    }
}
