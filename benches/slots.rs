//! Compares answers of schedules with a slow oracle: `cargo bench --bench slots -- [ANSWERS] [SEED]`.

#![expect(clippy::print_stdout, reason = "it prints what it found")]
#![expect(
    clippy::too_many_lines,
    reason = "a table of forms reads best in one piece"
)]

#[path = "../tests/it/promise/oracle.rs"]
mod oracle;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse::<u64>().ok());
    let count = numbers.next().unwrap_or(1_000_000);
    let seed = numbers.next().unwrap_or(1);
    let report = oracle::compare(count, seed);
    for line in &report.wrong {
        println!("{line}");
    }
    println!(
        "{} answers in {} zones, {} within a day of a change of the clock, {} differ",
        report.answers, report.zones, report.near, report.differ
    );
    if report.differ == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
