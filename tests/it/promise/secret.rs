//! P14: secrets never leave. P22: personal data is not kept. Canaries through the real process.

use std::fs;
use std::path::Path;
use std::time::Duration;

use chrono::{Days, Utc};

use super::rig::receiver::{Manner, Receiver};
use super::rig::{PATIENCE, Rig};

pub(super) const BINARY: &str = env!("CARGO_BIN_EXE_truecount");

/// Every file of the folder that the program wrote, as text.
pub(super) fn kept(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(kept(&path));
        } else if name.starts_with("truecount.db") || name == "serve.log" || name.contains("report")
        {
            let bytes = fs::read(&path).unwrap();
            found.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found
}

/// Every page, list and number that the server shows to a token that may read, every command's output.
pub(super) async fn shown(rig: &Rig, daemon_runs: bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if daemon_runs {
        for path in [
            "/",
            "/i/1",
            "/metrics",
            "/readyz",
            "/api/v1/status",
            "/api/v1/checks",
            "/api/v1/incidents",
            "/api/v1/incidents/1",
            "/api/v1/silences",
            "/api/v1/marks",
            "/api/v1/letters",
        ] {
            found.push((path.to_owned(), rig.get(path).await.unwrap_or_default()));
        }
    }
    for words in [
        &["validate"][..],
        &["doctor"],
        &["status"],
        &["incident", "list"],
        &["letters", "list"],
        &["notify", "test"],
        &["explain"],
        &["check"],
        &["pull"],
    ] {
        let done = rig.command(words).output().unwrap();
        let text = [done.stdout, done.stderr].concat();
        found.push((words.join(" "), String::from_utf8_lossy(&text).into_owned()));
    }
    found
}

pub(super) fn search(places: &[(String, String)], canaries: &[&str]) {
    assert!(places.iter().filter(|(_, text)| !text.is_empty()).count() > 8);
    for (place, text) in places {
        for canary in canaries {
            if let Some(at) = text.find(canary) {
                let from = text[..at]
                    .char_indices()
                    .rev()
                    .nth(120)
                    .map_or(0, |(i, _)| i);
                panic!("{canary} in {place}: {:?}", &text[from..at + canary.len()]);
            }
        }
    }
}

/// Values of secret fields; each is long and like nothing else.
const SECRETS: &[(&str, &str)] = &[
    ("HUBSPOT", "pat-eu1-canaryhubspot"),
    (
        "DATABASE",
        "postgres://root:canarydatabase@127.0.0.1:1/shop",
    ),
    ("MYSQL", "mysql://root:canarymysql@127.0.0.1:1/shop"),
    ("API_TOKEN", "canaryapitoken"),
    ("SLACK", "http://127.0.0.1:1/services/T0/B0/canaryslack"),
    ("SMTP", "smtp://mara:canarysmtp@127.0.0.1:1"),
    ("OWN", "canaryservertoken"),
    ("SIGN", "whsec_canarysign!not*base64"),
    (
        "BEAT",
        "http://127.0.0.1:1/ping/canaryheartbeat?key=canaryquery",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_nowhere_but_where_they_were_put() {
    let hook = Receiver::start().await;
    hook.behave(|_, _| Manner {
        status: 500,
        ..Manner::default()
    });
    let mut rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"");
    let address = format!("{}/canarypath?token=canaryhook", hook.address);
    rig = rig.set("HOOK", &address);
    for (key, value) in SECRETS {
        rig = rig.set(key, value);
    }
    rig.write("key.json", r#"{"type":"service_account","client_email":"a@b.iam.gserviceaccount.com","private_key_id":"x","private_key":"-----BEGIN PRIVATE KEY-----\ncanaryprivatekey\n-----END PRIVATE KEY-----\n","token_uri":"https://oauth2.googleapis.com/token"}"#);
    let more = r#"
[server]
token = { env = "OWN" }
[heartbeat]
url = { env = "BEAT" }
[mail]
from = "Truecount <truecount@acme.example>"
smtp = { env = "SMTP" }
[route.mailed]
wait = "0 min"
email = ["mara@acme.example"]
slack = { env = "SLACK" }
[route.signed]
wait = "0 min"
webhook = { url = { env = "HOOK" }, secret = { env = "SIGN" } }
[source.crm]
type = "hubspot"
token = { env = "HUBSPOT" }
every = "1 minute"
[source.orders]
type = "sql"
url = { env = "DATABASE" }
every = "1 minute"
[source.other]
type = "sql"
url = { env = "MYSQL" }
every = "1 minute"
[source.ga4]
type = "ga4"
property = "123456789"
key = { file = "key.json" }
every = "1 minute"
[event.buy]
in.ga4 = true
in.crm = { object = "deals", date = "closedate" }
in.orders = { table = "orders", date = "paid_at" }
in.other = { table = "orders", date = "paid_at" }
"#;
    rig.write(
        "truecount.toml",
        &format!("{}\n{more}", rig.plan("wait = \"0 min\"")),
    );
    let checked = rig.command(&["validate"]).output().unwrap();
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(
        checked.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    let daemon = rig.serve().await;
    rig.push_history().await;
    rig.push_drop(0..1).await;
    let begun = std::time::Instant::now();
    // A dead letter of the unsigned webhook, a waiting one, and four sources that failed.
    while rig.log().matches("cannot pull").count() < 4 || !rig.log().contains("a letter is dead") {
        assert!(begun.elapsed() < PATIENCE, "{}", rig.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    rig.write(
        "truecount.toml",
        &format!("{}\n{more}\n[oops", rig.plan("")),
    );
    daemon.signal("HUP");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut places = shown(&rig, true).await;
    daemon.end("TERM").await;
    rig.write(
        "truecount.toml",
        &format!("{}\n{more}", rig.plan("wait = \"0 min\"")),
    );
    places.extend(shown(&rig, false).await);
    places.extend(kept(rig.folder.path()));
    let arrivals = hook.arrivals();
    places.extend(
        arrivals
            .into_iter()
            .map(|one| ("a message".to_owned(), one.body)),
    );
    search(
        &places,
        &[
            "canaryhubspot",
            "canarydatabase",
            "canarymysql",
            "canaryapitoken",
            "canaryslack",
            "canarysmtp",
            "canaryservertoken",
            "canarysign",
            "canaryheartbeat",
            "canaryquery",
            "canarypath",
            "canaryhook",
            "canaryprivatekey",
        ],
    );
}

/// What people are, in the spellings in which it leaks into analytics.
const PERSONAL: &[&str] = &[
    "mara.lind@acme.example",
    "jon%40acme.example",
    "+49 170 5550123",
    "0170/5550124",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
    "https://acme.example/reset?token=a8f5f167f44f4964e6c998dee827110c",
    "4111 1111 1111 1111",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn personal_values_are_kept_nowhere() {
    let hook = Receiver::start().await;
    let rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"");
    let today = Utc::now().date_naive();
    let mut file = "date,event,count,country\n".to_owned();
    for ago in 1..=42_u64 {
        let day = today - Days::new(ago);
        for value in PERSONAL {
            file.push_str(&format!(
                "{day},purchase,{},\"{value}\"\n",
                if ago < 4 { 0 } else { 50 }
            ));
        }
        file.push_str(&format!(
            "{day},purchase,{},DE\n",
            if ago < 4 { 0 } else { 100 }
        ));
        file.push_str(&format!("{day},contact {},9,DE\n", PERSONAL[0]));
    }
    rig.write("web.csv", &file);
    let more = "[source.web]\ntype = \"files\"\npath = \"web.csv\"\nevery = \"1 minute\"\n[event.purchase]\nby = [\"country\"]\nin.web = \"purchase\"\n";
    rig.write(
        "truecount.toml",
        &format!("{}\n{more}", rig.plan("wait = \"0 min\"")),
    );
    let checked = rig.command(&["validate"]).output().unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stdout)
    );
    let daemon = rig.serve().await;
    let day = today - Days::new(2);
    for value in PERSONAL {
        let reading = serde_json::json!({
            "event": "e0", "grain": "day", "start": day.to_string(), "count": 3,
            "segment": { "page": value },
        });
        let body = serde_json::json!({ "source": "s0", "readings": [reading] }).to_string();
        let (status, text) = rig.post("/api/v1/counts", body).await.unwrap();
        assert_eq!(status, 202, "{text}");
        // A name that the plan does not know is refused, and not kept either.
        let reading = serde_json::json!({ "event": value, "grain": "day", "start": day.to_string(), "count": 3 });
        let body = serde_json::json!({ "source": "s0", "readings": [reading] }).to_string();
        assert_ne!(rig.post("/api/v1/counts", body).await.unwrap().0, 202);
    }
    rig.push_history().await;
    rig.push_drop(0..1).await;
    rig.until("an alert", || hook.opened() >= 1, || hook.count())
        .await;
    rig.next_rounds(1).await;
    let mut places = shown(&rig, true).await;
    daemon.end("TERM").await;
    places.extend(kept(rig.folder.path()));
    places.extend(
        hook.arrivals()
            .into_iter()
            .map(|one| ("a message".to_owned(), one.body)),
    );
    search(&places, PERSONAL);
}
