//! Broken input into every parser, some cases of each with fixed seeds; `cargo bench --bench fuzz` runs many more.

mod mutate;
mod receiver;
mod target;

use mutate::Dice;
use target::{Bench, TARGETS, key, run};

/// Seeds that once made a panic.
const FOUND: &[(&str, u64)] = &[("push", 1_024_120), ("push", 1_030_337)];

/// Cases of each target.
const CASES: u64 = 150;

#[test]
fn no_input_makes_a_parser_panic_or_break_its_laws() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(folder.path().to_owned(), &key());
    let mut broken = Vec::new();
    for target in TARGETS {
        let known = FOUND.iter().filter(|(one, _)| one == target);
        for seed in (0..CASES).chain(known.map(|(_, seed)| *seed)) {
            if let Err(why) = run(target, &mut Dice::new(seed), &bench) {
                broken.push(format!("{target} with seed {seed}: {why}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
