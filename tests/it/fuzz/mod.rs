//! Broken input into every parser, some cases of each with fixed seeds; `cargo bench --bench fuzz` runs many more.

mod mutate;
mod target;

use mutate::Dice;
use target::{Bench, TARGETS, key, run};

/// Cases of each target.
const CASES: u64 = 150;

#[test]
fn no_input_makes_a_parser_panic_or_break_its_laws() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(folder.path().to_owned(), &key());
    let mut broken = Vec::new();
    for target in TARGETS {
        for seed in 0..CASES {
            if let Err(why) = run(target, &mut Dice::new(seed), &bench) {
                broken.push(format!("{target} with seed {seed}: {why}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
