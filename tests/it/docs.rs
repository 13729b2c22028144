//! What is written about the program is true: the reference, the blocks of TOML, the examples.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use truecount::{app, config, plan};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown page of the repository that users read.
fn pages() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    found
}

fn blocks(page: &str) -> Vec<String> {
    page.split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// Runs the program in a folder; exit code and everything it said.
fn run(arguments: &[&str], folder: &Path) -> (Option<i32>, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_truecount"))
        .args(arguments)
        .current_dir(folder)
        .env("TRUECOUNT_SMTP_URL", "smtp://127.0.0.1:1")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let told = text(&done.stdout) + &text(&done.stderr);
    (done.status.code(), told)
}

#[test]
fn the_reference_is_what_the_program_prints() {
    let page = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    assert_eq!(
        page.trim_end(),
        plan::reference(&app::known()).trim_end(),
        "run: truecount schema --as markdown > docs/configuration.md"
    );
}

#[test]
fn every_block_of_toml_can_be_read_and_whole_ones_hold() {
    let mut whole = 0;
    for path in pages() {
        for block in blocks(&fs::read_to_string(&path).unwrap()) {
            let file = config::Text {
                path: "truecount.toml".to_owned(),
                text: block.clone(),
            };
            let (_, mistakes) = config::parse(&[file]);
            assert!(
                mistakes.is_empty(),
                "{}\n{block}\n{mistakes:?}",
                path.display()
            );
            if block.contains("[project]") {
                whole += 1;
                let folder = tempfile::tempdir().unwrap();
                fs::write(folder.path().join("truecount.toml"), &block).unwrap();
                let (code, told) = run(&["validate"], folder.path());
                assert_eq!(code, Some(0), "{}\n{block}\n{told}", path.display());
            }
        }
    }
    assert!(whole >= 2, "the README shows whole files: {whole}");
}

#[test]
fn the_examples_hold_and_run() {
    let store = tempfile::tempdir().unwrap();
    for name in ["b2b-leads", "ecommerce", "mobile-app"] {
        let folder = root().join("rules").join(name);
        let (code, told) = run(&["validate"], &folder);
        assert_eq!(code, Some(0), "{name}\n{told}");
        let file = store.path().join(format!("{name}.db"));
        let file = file.to_str().unwrap();
        let (code, told) = run(&["check", "--all", "--store", file], &folder);
        assert_eq!(code, Some(0), "{name}\n{told}");
        assert!(told.contains("0 failing, 0 warning"), "{name}\n{told}");
        assert!(
            !told.contains("● OK"),
            "nothing was pulled, so nothing is green: {name}\n{told}"
        );
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        for link in page.split("](").skip(1) {
            let to = link.split([')', '#']).next().unwrap();
            if to.is_empty() || to.contains("://") {
                continue;
            }
            let target = path.parent().unwrap().join(to);
            assert!(target.exists(), "{}: {to}", path.display());
        }
    }
}
