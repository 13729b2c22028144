//! Keeps the rooms of `src` in their order: change a row only together with docs/architecture.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, PartialEq)]
enum Half {
    Core,
    Shell,
}
use Half::{Core, Shell};

/// Room, half, what it may import. Each row lists only rooms above it; `*` is all of them.
const LAYERS: &[(&str, Half, &str)] = &[
    ("model", Core, ""),
    ("stats", Core, ""),
    ("config", Core, "model"),
    ("plan", Core, "model config"),
    ("sql", Core, "model plan"),
    ("check", Core, "model stats config plan sql"),
    ("incident", Core, "model plan"),
    ("notify", Core, "model plan incident"),
    ("report", Core, "model stats plan incident"),
    ("render", Core, "model config plan incident notify report"),
    ("demo", Core, "model config incident"),
    ("clock", Shell, "model"),
    ("secret", Shell, "model config"),
    ("telemetry", Shell, ""),
    ("net", Shell, "model plan clock secret telemetry"),
    ("store", Shell, "model incident notify telemetry"),
    (
        "engine",
        Shell,
        "model config plan sql secret telemetry net",
    ),
    (
        "source",
        Shell,
        "model config plan sql demo clock secret telemetry net engine",
    ),
    (
        "deliver",
        Shell,
        "model config plan notify render clock secret telemetry net store",
    ),
    (
        "daemon",
        Shell,
        "model plan check incident notify report render clock secret telemetry net store engine source deliver",
    ),
    (
        "server",
        Shell,
        "model plan check incident notify report render clock secret telemetry store source daemon",
    ),
    ("app", Shell, "*"),
    ("cli", Shell, "*"),
    ("main", Shell, "*"),
];

/// Words that betray I/O, time, chance or logging in a core room.
const IMPURE: &[&str] = &[
    "tokio",
    "reqwest",
    "async fn",
    "std::fs",
    "std::env",
    "std::net",
    "SystemTime",
    "Instant",
    "Utc::now",
    "Local::now",
    "rand::",
    "tracing",
    "println!",
    "static mut",
];

/// Longest file, in lines.
const LONGEST: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|why| panic!("{}: {why}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Files with their room: the first folder below `src`, or the file itself.
fn files() -> Vec<(String, PathBuf, String)> {
    let mut paths = Vec::new();
    rust_files(&root(), &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let inner = path.strip_prefix(root()).unwrap().to_path_buf();
            let first = inner
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_string_lossy()
                .into_owned();
            let room = first.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).unwrap();
            (room, inner, text)
        })
        .collect()
}

/// The text without comments and without the test module at its end.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    body.lines()
        .map(|line| {
            let trimmed = line.trim_start();
            if trimmed.starts_with("//") { "" } else { line }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn rooms_named_in(code: &str) -> BTreeSet<String> {
    code.match_indices("crate::")
        .map(|(at, word)| {
            code[at + word.len()..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '{')
                .collect::<String>()
        })
        .collect()
}

#[test]
fn rooms_import_only_rooms_above_them() {
    let mut faults = Vec::new();
    let files = files();
    for (index, (room, half, allowed)) in LAYERS.iter().enumerate() {
        let above: BTreeSet<&str> = LAYERS[..index].iter().map(|row| row.0).collect();
        let allowed: BTreeSet<&str> = if *allowed == "*" {
            above.clone()
        } else {
            allowed.split_whitespace().collect()
        };
        for bad in allowed.difference(&above) {
            faults.push(format!("row `{room}` lists `{bad}`, which is not above it"));
        }
        for (_, path, text) in files.iter().filter(|file| file.0 == *room) {
            let code = code(text);
            for used in rooms_named_in(&code) {
                if used != *room && !allowed.contains(used.as_str()) {
                    faults.push(format!(
                        "{}: `{room}` must not import `{used}`",
                        path.display()
                    ));
                }
            }
            if *half == Core {
                for word in IMPURE.iter().filter(|word| code.contains(**word)) {
                    faults.push(format!("{}: core room says `{word}`", path.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_entry_of_src_is_a_row() {
    let known: BTreeSet<&str> = LAYERS.iter().map(|row| row.0).collect();
    let strangers: BTreeSet<String> = files()
        .into_iter()
        .map(|(room, ..)| room)
        .filter(|room| room != "lib" && !known.contains(room.as_str()))
        .collect();
    assert!(
        strangers.is_empty(),
        "rooms without a row in the layer table: {strangers:?}"
    );
}

#[test]
fn each_file_begins_with_its_sentence_and_is_short() {
    let mut faults = Vec::new();
    for (_, path, text) in files() {
        if !text.starts_with("//! ") {
            faults.push(format!("{}: does not begin with `//! `", path.display()));
        }
        let lines = text.lines().count();
        if lines > LONGEST {
            faults.push(format!(
                "{}: {lines} lines, more than {LONGEST}",
                path.display()
            ));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Plug families: the folder, and the files in it that are no plugs.
const FAMILIES: &[(&str, &[&str])] = &[
    (
        "check",
        &[
            "mod", "baseline", "beside", "bridge", "grid", "shape", "share", "value", "judge",
            "budget", "holiday", "young", "special", "sibling", "coverage", "question", "rehearse",
        ],
    ),
    ("source", &["mod"]),
    ("deliver", &["mod", "answer", "outbox"]),
];

#[test]
fn every_plug_is_registered_and_knows_no_sibling() {
    let mut faults = Vec::new();
    let files = files();
    for (family, helpers) in FAMILIES {
        let mut plugs: BTreeMap<String, String> = BTreeMap::new();
        let mut front = String::new();
        for (_, path, text) in files.iter().filter(|file| file.0 == *family) {
            let stem = path
                .components()
                .nth(1)
                .unwrap()
                .as_os_str()
                .to_string_lossy()
                .trim_end_matches(".rs")
                .to_owned();
            if stem == "mod" {
                front = code(text);
            } else if !helpers.contains(&stem.as_str()) {
                plugs.entry(stem).or_default().push_str(&code(text));
            }
        }
        for (plug, text) in &plugs {
            if text.contains("KIND") && !front.contains(&format!("{plug}::KIND")) {
                faults.push(format!(
                    "{family}/{plug}: is not registered in {family}/mod.rs"
                ));
            }
            for sibling in plugs.keys().filter(|name| *name != plug) {
                if text.contains(&format!("super::{sibling}::")) {
                    faults.push(format!("{family}/{plug}: names its sibling `{sibling}`"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn the_map_in_the_docs_shows_the_same_rooms() {
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let text = fs::read_to_string(map).unwrap();
    for (room, _, allowed) in LAYERS.iter().filter(|row| row.0 != "main") {
        let allowed = match *allowed {
            "" => "nothing".to_owned(),
            "*" => "all above".to_owned(),
            list => list.to_owned(),
        };
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| `{room}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/architecture.md has no row for `{room}`"));
        assert!(
            row.contains(&format!("| {allowed} |")),
            "docs row of `{room}` should say `{allowed}`: {row}"
        );
    }
}
