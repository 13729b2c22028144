//! Feeds broken input to every parser for some seconds: `cargo bench --bench fuzz -- SECONDS [TARGET]`.

#![expect(clippy::print_stdout, reason = "it prints what it found")]
#![expect(clippy::expect_used, reason = "a rig stops at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "the rig ends by the real clock")]

#[path = "../tests/it/fuzz/mutate.rs"]
mod mutate;
#[path = "../tests/it/fuzz/receiver.rs"]
mod receiver;
#[path = "../tests/it/fuzz/target.rs"]
mod target;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use mutate::Dice;
use target::{Bench, TARGETS, key, run};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let seconds: u64 = words
        .first()
        .and_then(|word| word.parse().ok())
        .unwrap_or(10);
    let only = words.get(1);
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::new(folder.path().to_owned(), &key());
    // A panic is a finding, told once, with its seed.
    std::panic::set_hook(Box::new(|_| ()));
    let targets: Vec<&str> = TARGETS
        .iter()
        .copied()
        .filter(|one| only.is_none_or(|only| only == one))
        .collect();
    let share = Duration::from_secs(seconds) / u32::try_from(targets.len().max(1)).unwrap_or(1);
    let (mut all, mut found) = (0_u64, 0_u64);
    for target in targets {
        let began = Instant::now();
        let (mut cases, mut panics) = (0_u64, 0_u64);
        while began.elapsed() < share {
            let seed = 1_000_000 + cases;
            if let Err(why) = run(target, &mut Dice::new(seed), &bench) {
                panics += 1;
                if panics <= 5 {
                    println!("{target} with seed {seed}: {why}");
                }
            }
            cases += 1;
        }
        println!("{target}: {cases} cases, {panics} panics");
        all += cases;
        found += panics;
    }
    println!("{all} cases, {found} panics");
    if found == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
