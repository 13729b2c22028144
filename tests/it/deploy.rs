//! The files under `deploy/`: the unit is hardened, and the image gets everything the build reads.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Exposure that `systemd-analyze security` may find; what remains is the use of the network.
const EXPOSURE: f64 = 1.5;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_systemd_unit_is_hardened_and_speaks_of_settings_that_exist() {
    let unit = root().join("deploy/truecount.service");
    let out = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(&unit)
        .output()
        .expect("systemd-analyze is there: tests/run installs it");
    let said = String::from_utf8_lossy(&out.stdout);
    let line = said
        .lines()
        .find(|line| line.contains("Overall exposure level"))
        .unwrap_or_else(|| panic!("no verdict in:\n{said}"));
    let level: f64 = line
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .next_back()
        .unwrap();
    assert!(level <= EXPOSURE, "{line}");

    let unit = fs::read_to_string(unit).unwrap();
    for line in ["Type=notify", "WatchdogSec=", "DynamicUser=yes"] {
        assert!(unit.contains(line), "{line}");
    }
    // The clean stop of ten seconds has room, and the program knows each variable that is set.
    assert!(unit.contains("TimeoutStopSec=15"), "{unit}");
    let code = sources()
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect::<String>();
    for variable in unit.lines().filter_map(|line| {
        let set = line.strip_prefix("Environment=")?;
        set.split('=').next()
    }) {
        assert!(code.contains(&format!("\"{variable}\"")), "{variable}");
    }
}

/// Every folder that a file of `src` includes at build time is copied into the image.
#[test]
fn the_image_gets_every_folder_that_the_build_reads() {
    let recipe = fs::read_to_string(root().join("deploy/Containerfile")).unwrap();
    let copied: BTreeSet<&str> = recipe
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--from"))
        .flat_map(|line| line.split_whitespace())
        .collect();
    let mut read: BTreeSet<String> = BTreeSet::from(["src".to_owned(), "Cargo.toml".to_owned()]);
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        for piece in text.split("include_str!(\"").skip(1) {
            let file = path
                .parent()
                .unwrap()
                .join(piece.split('"').next().unwrap());
            let file = file.canonicalize().unwrap_or_else(|why| {
                panic!("{} includes {}: {why}", path.display(), file.display())
            });
            let inside = file.strip_prefix(root().canonicalize().unwrap()).unwrap();
            let first = inside.components().next().unwrap();
            read.insert(first.as_os_str().to_string_lossy().into_owned());
        }
    }
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        for piece in text.split("config = \"").skip(1) {
            let file = root().join(piece.split('"').next().unwrap());
            if file.is_file() {
                let inside = file.strip_prefix(root()).unwrap();
                let first = inside.components().next().unwrap();
                read.insert(first.as_os_str().to_string_lossy().into_owned());
            }
        }
    }
    assert!(read.contains(".config"), "templates name their settings");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    if manifest.contains("[[bench]]") {
        read.insert("benches".to_owned());
    }
    let missing: Vec<&String> = read
        .iter()
        .filter(|name| !copied.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?} not in {copied:?}");
    // A process without rights, as the page about operations promises.
    assert!(recipe.contains("USER 65532:65532"), "{recipe}");
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found
}
