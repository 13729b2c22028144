//! P17: nobody gets in. Every route of the router, by every kind of caller, against the real process.

use std::time::Duration;

use Needs::{Nothing, Push, Read, Sealed, Write};

use super::rig::Rig;
use super::rig::receiver::Receiver;

const BINARY: &str = env!("CARGO_BIN_EXE_truecount");

/// The router as it is written: a route that is not in the table below fails the test.
const ROUTER: &str = include_str!("../../../src/server/mod.rs");

/// What a caller must hold at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Read,
    Push,
    Write,
    /// A form of a page that was signed in to: no token in a header will do.
    Sealed,
}

const TABLE: &[(&str, &str, Needs)] = &[
    ("GET", "/healthz", Nothing),
    ("GET", "/readyz", Nothing),
    ("GET", "/metrics", Nothing),
    ("GET", "/assets/style.css", Nothing),
    ("GET", "/assets/icon.svg", Nothing),
    ("GET", "/sign-in", Nothing),
    ("POST", "/sign-in", Nothing),
    ("POST", "/sign-out", Nothing),
    ("GET", "/", Read),
    ("GET", "/incidents", Read),
    ("GET", "/i/{number}", Read),
    ("POST", "/i/{number}/acknowledge", Sealed),
    ("POST", "/i/{number}/silence", Sealed),
    ("POST", "/i/{number}/label", Sealed),
    ("POST", "/i/{number}/resolve", Sealed),
    ("GET", "/checks/{name}", Read),
    ("GET", "/plan", Read),
    ("GET", "/compare", Read),
    ("GET", "/sources", Read),
    ("GET", "/silences", Read),
    ("POST", "/silences/{id}/end", Sealed),
    ("GET", "/reports", Read),
    ("GET", "/reports/{name}", Read),
    ("GET", "/reports/kept/{label}", Read),
    ("GET", "/api/v1/status", Read),
    ("GET", "/api/v1/checks", Read),
    ("GET", "/api/v1/incidents", Read),
    ("GET", "/api/v1/incidents/{number}", Read),
    (
        "POST",
        "/api/v1/incidents/{number}/acknowledge",
        Needs::Write,
    ),
    ("POST", "/api/v1/incidents/{number}/resolve", Write),
    ("POST", "/api/v1/incidents/{number}/label", Write),
    ("GET", "/api/v1/silences", Read),
    ("POST", "/api/v1/silences", Write),
    ("POST", "/api/v1/silences/{id}/end", Write),
    ("GET", "/api/v1/marks", Read),
    ("POST", "/api/v1/marks", Push),
    ("POST", "/api/v1/counts", Push),
    ("GET", "/api/v1/letters", Read),
    ("POST", "/api/v1/letters/{id}/resend", Write),
    ("POST", "/api/v1/reload", Write),
];

/// Method and path of every route that the source of the router names.
fn routes() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in ROUTER.split(".route(").skip(1) {
        let end = part.find("\n        .").unwrap_or(part.len());
        let part = &part[..end];
        let path = part.split('"').nth(1).unwrap();
        for (call, method) in [
            ("get(", "GET"),
            ("post(", "POST"),
            ("delete(", "DELETE"),
            ("put(", "PUT"),
        ] {
            if part.contains(call) {
                found.push((method.to_owned(), path.to_owned()));
            }
        }
    }
    found
}

#[test]
fn every_route_is_in_the_table() {
    let mut found = routes();
    let mut table: Vec<(String, String)> = TABLE
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    found.sort();
    table.sort();
    assert_eq!(found, table, "a new route says here who may call it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_caller_gets_exactly_what_the_table_says() {
    let hook = Receiver::start().await;
    let rig = Rig::new(BINARY, 1, &hook, "").set("OWN", "configured-token-of-the-server");
    let plan = format!("{}\n[server]\ntoken = {{ env = \"OWN\" }}\n", rig.plan(""));
    rig.write("truecount.toml", &plan);
    let token = |arguments: &[&str]| {
        let made = rig.command(arguments).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let text = String::from_utf8(made.stdout).unwrap();
        text.split_whitespace()
            .find(|word| word.starts_with("tc_"))
            .map(str::to_owned)
    };
    let scoped =
        |name: &str, scope: &str| token(&["token", "create", name, "--scope", scope]).unwrap();
    let revoked = scoped("gone", "write");
    token(&["token", "revoke", "gone"]);
    let ended = token(&["token", "create", "old", "--scope", "write", "--days", "1"]).unwrap();
    let a_while_ago = chrono::Utc::now().timestamp_millis() - 1_000;
    let aged = rig.database().execute(
        "UPDATE token SET ends_at = ?1 WHERE name = 'old' AND ends_at > ?1",
        [a_while_ago],
    );
    assert_eq!(aged.unwrap(), 1, "a token of a day ends tomorrow");
    let lasting = token(&["token", "create", "new", "--scope", "read", "--days", "1"]).unwrap();
    // What each caller carries, and which needs that meets.
    let callers: Vec<(&str, Option<String>, &[Needs])> = vec![
        ("nobody", None, &[Nothing]),
        ("no bearer", Some("Basic abc".to_owned()), &[Nothing]),
        ("empty", Some("Bearer ".to_owned()), &[Nothing]),
        (
            "wrong",
            Some(format!("Bearer tc_{}", "x".repeat(43))),
            &[Nothing],
        ),
        ("revoked", Some(format!("Bearer {revoked}")), &[Nothing]),
        ("ended", Some(format!("Bearer {ended}")), &[Nothing]),
        (
            "not yet ended",
            Some(format!("Bearer {lasting}")),
            &[Nothing, Read],
        ),
        (
            "push",
            Some(format!("Bearer {}", scoped("p", "push"))),
            &[Nothing, Push],
        ),
        (
            "read",
            Some(format!("Bearer {}", scoped("r", "read"))),
            &[Nothing, Read],
        ),
        (
            "write",
            Some(format!("Bearer {}", scoped("w", "write"))),
            &[Nothing, Read, Push, Write],
        ),
        (
            "configured",
            Some("Bearer configured-token-of-the-server".to_owned()),
            &[Nothing, Read, Push, Write],
        ),
    ];
    let daemon = rig.serve().await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    for (method, path, needs) in TABLE {
        let path = path
            .replace("{number}", "999")
            .replace("{id}", &"0".repeat(32))
            .replace("{name}", "2026-W40")
            .replace("{label}", "2026-W40");
        for (name, carries, meets) in &callers {
            let url = rig.address(&path);
            let mut call = if *method == "GET" {
                client.get(url)
            } else {
                client.post(url).body("{}")
            };
            if let Some(carries) = carries {
                call = call.header("authorization", carries);
            }
            let reply = call.timeout(Duration::from_secs(30)).send().await.unwrap();
            let status = reply.status().as_u16();
            // A page asks a person to sign in; a form without a seal may also fail to be read at all.
            let place = reply.headers().get("location");
            let asked = place.is_some_and(|to| to.as_bytes().starts_with(b"/sign-in?next="));
            let unread = *needs == Sealed && matches!(status, 400 | 415 | 422);
            let refused = status == 401 || status == 403 || asked || unread;
            // Even an open page refuses a caller who shows a token that is none, or may.
            let open = *needs == Nothing;
            assert!(
                refused != meets.contains(needs) || (open && status == 401),
                "{name} {method} {path}: {status}"
            );
            if refused {
                let text = reply.text().await.unwrap();
                assert!(!text.contains("s0") && !text.contains("e0"), "{text}");
            }
        }
    }
    // A browser whose token ended or was revoked is asked to sign in again.
    for (token, shown) in [(&ended, false), (&revoked, false), (&lasting, true)] {
        let call = client
            .get(rig.address("/"))
            .header("cookie", format!("truecount={token}"));
        assert_eq!(call.send().await.unwrap().status() == 200, shown);
    }
    let open = client
        .get(rig.address("/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(!open.contains("e0"), "no names without a token: {open}");
    daemon.end("TERM").await;
}
