//! Real pages in a real browser: nothing is blocked or broken, nothing runs over the edge, every
//! link answers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use resvg::tiny_skia::Pixmap;

use super::{ask, demo, get, links};

/// A folder of its own for each start: browsers do not share one.
fn browse(flags: &[String], path: &str) -> (String, String) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test command says where the browser is"
    )]
    let program = std::env::var("TRUECOUNT_TEST_BROWSER").expect(
        "TRUECOUNT_TEST_BROWSER is not set: run `bash tests/run`, or take it from `bash tests/run --components`",
    );
    let profile = tempfile::tempdir().unwrap();
    let done = Command::new(program)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--enable-logging=stderr",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(flags)
        .arg(format!("http://{}{path}", demo().address))
        .env("HOME", profile.path())
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&done.stdout), text(&done.stderr))
}

/// Lines that the page's console got: errors, and what the policy of contents refused.
fn console(log: &str) -> Vec<&str> {
    log.lines()
        .filter(|line| line.contains("CONSOLE") || line.contains("Content Security Policy"))
        .collect()
}

fn picture(name: &str) -> PathBuf {
    demo().folder.join(format!("{name}.png"))
}

fn screenshot(name: &str, path: &str, width: u32, height: u32) -> Pixmap {
    let file = picture(name);
    let flags = [
        format!("--window-size={width},{height}"),
        format!("--screenshot={}", file.display()),
    ];
    let (_, log) = browse(&flags, path);
    assert_eq!(console(&log), Vec::<&str>::new(), "{path}");
    let pixels = Pixmap::decode_png(&std::fs::read(Path::new(&file)).unwrap()).unwrap();
    assert_eq!((pixels.width(), pixels.height()), (width, height), "{path}");
    pixels
}

/// Rows below the head of the page in which something other than the ground reaches the edge.
fn over_the_edge(pixels: &Pixmap, below: u32) -> Vec<u32> {
    let (width, height) = (pixels.width(), pixels.height());
    let ground = pixels.pixel(width - 1, height - 1).unwrap();
    (below..height)
        .filter(|row| (width - 8..width).any(|column| pixels.pixel(column, *row) != Some(ground)))
        .collect()
}

/// How many different colors a picture has: a blank one has one.
fn colors(pixels: &Pixmap) -> usize {
    let seen: BTreeSet<[u8; 3]> = pixels
        .pixels()
        .iter()
        .map(|one| [one.red(), one.green(), one.blue()])
        .collect();
    seen.len()
}

#[test]
fn the_overview_shows_its_incident_and_nothing_is_refused() {
    let (dom, log) = browse(&["--dump-dom".to_owned()], "/");
    assert_eq!(console(&log), Vec::<&str>::new());
    assert!(dom.contains("<h1>") && dom.contains("failing"), "{dom}");
    assert!(
        dom.contains("Begin checkout: 30% lack a required parameter"),
        "{dom}"
    );
    assert!(dom.contains("<svg"), "{dom}");
    assert!(!dom.contains("<script"), "{dom}");
}

#[test]
fn pages_fit_three_widths() {
    for (name, path, width) in [
        ("overview_wide", "/", 1200),
        ("overview_middle", "/", 800),
        ("overview_narrow", "/", 500),
        ("incident_narrow", "/i/4", 500),
        ("plan_narrow", "/plan", 500),
    ] {
        let pixels = screenshot(name, path, width, 2600);
        assert!(colors(&pixels) > 50, "{name} is blank");
        // The head of the page reaches both edges.
        let rows = over_the_edge(&pixels, 200);
        assert!(
            rows.is_empty(),
            "{name} runs over the edge in rows {:?}: see {}",
            &rows[..rows.len().min(5)],
            picture(name).display()
        );
    }
}

#[test]
fn every_link_answers() {
    let mut waiting = vec!["/".to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let answer = ask("GET", &path, &[], "");
        assert_eq!(answer.status, 200, "{path}");
        let kind = &answer.headers["content-type"];
        if kind.starts_with("text/html") {
            waiting.extend(links(&answer.body));
            assert!(!answer.body.contains("<script"), "{path}");
            let policy = &answer.headers["content-security-policy"];
            assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        }
    }
    assert!(seen.len() > 30, "{seen:?}");
    assert!(seen.iter().any(|path| path.starts_with("/checks/")));
    assert!(get("/reports/kept/2026-W42").contains("Tracking quality"));
    assert_eq!(
        ask("GET", "/reports/kept/..%2Ftruecount", &[], "").status,
        404
    );
    assert_eq!(ask("GET", "/i/999", &[], "").status, 404);
}
