//! P11 and P13: whatever a server or a database sends, it is bounded, told in words, never a zero, and
//! no other source hears of it. One real process against all of it at once; its memory is measured.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate, Utc};
use rusqlite::Connection;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use truecount::net::{Guard, Http, Request, Transport as _};

use super::rig::receiver::Receiver;
use super::rig::{PATIENCE, Rig};

const BINARY: &str = env!("CARGO_BIN_EXE_truecount");

/// How a server goes on after its first bytes.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    /// It closes.
    Close,
    /// The second part again and again, as fast as it is read.
    Flood,
    /// The second part once a second.
    Trickle,
}

/// A server that answers every call with the first part, and then does `then` with the second.
async fn server(first: Vec<u8>, second: Vec<u8>, then: Then) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (first, second) = (first.clone(), second.clone());
            tokio::spawn(async move {
                let mut head = [0; 16_384];
                if stream.read(&mut head).await.is_err() {
                    return;
                }
                let mut going = stream.write_all(&first).await.is_ok();
                while going && then != Then::Close {
                    if then == Then::Trickle {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    going = stream.write_all(&second).await.is_ok();
                }
            });
        }
    });
    address
}

fn head(more: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n{more}\r\n")
        .into_bytes()
}

fn whole(body: &str) -> Vec<u8> {
    let mut bytes = head(&format!("content-length: {}\r\n", body.len()));
    bytes.extend_from_slice(body.as_bytes());
    bytes
}

/// 64 MiB of blanks in 64 KiB, made by `gzip`.
fn bomb() -> Vec<u8> {
    let made = std::process::Command::new("sh")
        .args(["-c", "head -c 67108864 /dev/zero | tr '\\0' ' ' | gzip -9"])
        .output()
        .unwrap();
    assert!(made.status.success() && made.stdout.len() < 70_000);
    let mut bytes = head(&format!(
        "content-encoding: gzip\r\ncontent-length: {}\r\n",
        made.stdout.len()
    ));
    bytes.extend(made.stdout);
    bytes
}

fn day() -> NaiveDate {
    Utc::now().date_naive() - Days::new(2)
}

/// Name, address, and words that must be in what is told of it; none when it is still on its way.
async fn servers() -> Vec<(&'static str, String, &'static str)> {
    let row = |kind: &str, more: &str| format!(r#"{{"date":"{}","kind":"{kind}",{more}}}"#, day());
    let rows = |rows: &[String]| whole(&format!(r#"{{"data":[{}],"next":null}}"#, rows.join(",")));
    let deep = format!(r#"{{"data":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let mut headers = String::new();
    for number in 0..100_000 {
        write!(headers, "x-{number}: {number}\r\n").unwrap();
    }
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000)).into_bytes();
    let simple: Vec<(&str, Vec<u8>, &str)> = vec![
        ("bomb", bomb(), "more than 16777216 bytes"),
        ("deep", whole(&deep), "JSON"),
        ("headers", head(&headers), "message head is too large"),
        (
            "html",
            whole("<html><h1>Sign in</h1></html>"),
            "an HTML page instead of JSON",
        ),
        ("empty", whole(""), "an empty page instead of JSON"),
        (
            "cut",
            [head("content-length: 9000\r\n"), b"{\"data\":[".to_vec()].concat(),
            "broke off",
        ),
        ("half", whole(r#"{"data":[{"date":"2026-"#), "breaks off"),
        ("error", whole(r#"{"error":"quota used up"}"#), "no rows"),
        (
            "minus",
            rows(&[row("order", r#""count":-3"#)]),
            "whole and not negative",
        ),
        (
            "part",
            rows(&[row("order", r#""count":3.5"#)]),
            "whole and not negative",
        ),
        (
            "twice",
            rows(&[row("order", r#""count":3"#), row("order", r#""count":4"#)]),
            "there twice",
        ),
        (
            "future",
            whole(r#"{"data":[{"date":"2099-01-01","kind":"order","count":3}]}"#),
            "out of range",
        ),
        (
            "busy",
            b"HTTP/1.1 503 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
            "503",
        ),
    ];
    let mut all = Vec::new();
    for (name, bytes, why) in simple {
        all.push((name, server(bytes, Vec::new(), Then::Close).await, why));
    }
    let endless = server(
        head("transfer-encoding: chunked\r\n"),
        chunk.clone(),
        Then::Flood,
    )
    .await;
    all.push(("endless", endless, "more than 16777216 bytes"));
    // Without any length: it ends only when the connection does.
    let unmeasured = server(head(""), " ".repeat(0x1_0000).into_bytes(), Then::Flood).await;
    all.push(("unmeasured", unmeasured, "more than 16777216 bytes"));
    let names = server(head("x: 0\r\nx-"), b"a".repeat(0x1_0000), Then::Flood).await;
    all.push(("longhead", names, "header"));
    let slow = server(
        head("content-length: 1000000\r\n"),
        b" ".to_vec(),
        Then::Trickle,
    )
    .await;
    all.push(("slow", slow, ""));
    all
}

/// Databases whose rows make no sense, and one that somebody holds locked.
fn databases(rig: &Rig) -> Vec<(&'static str, String, &'static str)> {
    let path = rig.folder.path().join("orders.sqlite");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE orders (paid_at TEXT, amount REAL)")
        .unwrap();
    let day = day();
    let query = |rows: &str| format!("{{ query = \"SELECT * FROM ({rows})\" }}");
    let one = |count: &str| query(&format!("SELECT '{day}' AS day, {count} AS count"));
    vec![
        ("sqlminus", one("-3"), "not negative"),
        ("sqlpart", one("3.5"), "whole and not negative"),
        ("sqlwords", one("'many'"), "many"),
        (
            "sqlnowhere",
            "{ table = \"nowhere\", date = \"at\" }".to_owned(),
            "nowhere",
        ),
    ]
}

fn ordinary() -> Vec<u8> {
    let mut rows = Vec::new();
    for ago in 1..=42 {
        let day = Utc::now().date_naive() - Days::new(ago);
        // Names as long as anybody can make them, and markup, beside what is asked for.
        let names = [
            "order",
            "<script>alert(1)</script>",
            "<!channel>",
            &"n".repeat(10_000),
        ];
        rows.extend(names.map(|name| format!(r#"{{"date":"{day}","kind":"{name}","count":41}}"#)));
    }
    whole(&format!(r#"{{"data":[{}],"next":null}}"#, rows.join(",")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_at_once_is_bounded_told_and_disturbs_nobody() {
    let hook = Receiver::start().await;
    let rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"");
    let daemon = rig.serve().await;
    rig.push_history().await;
    rig.next_rounds(2).await;
    let before = daemon.memory().0;
    let mut plan = rig.plan("wait = \"0 min\"");
    let good = server(ordinary(), Vec::new(), Then::Close).await;
    let mut hostile = servers().await;
    for (name, address, _) in hostile.iter().chain([&("good", good, "")]) {
        writeln!(
            plan,
            "[source.{name}]\ntype = \"http\"\nbase_url = \"{address}\"\nevery = \"24 hours\"\nrequest = {{ path = \"/v1\" }}\n\
             rows = \"$.data[*]\"\nevent = \"kind\"\nnext = \"next\"\n[event.of_{name}]\nin.{name} = \"order\""
        )
        .unwrap();
    }
    let wrong = databases(&rig);
    for (name, mapping, _) in &wrong {
        writeln!(
            plan,
            "[source.{name}]\ntype = \"sql\"\nurl = \"sqlite:orders.sqlite\"\nevery = \"24 hours\"\n[event.of_{name}]\nin.{name} = {mapping}"
        )
        .unwrap();
    }
    hostile.extend(wrong);
    rig.write("truecount.toml", &plan);
    daemon.signal("HUP");
    let begun = Instant::now();
    let line = |name: &str| {
        let log = rig.whole_log();
        let start = format!("cannot pull `{name}`: ");
        let line = log.lines().find(|line| line.contains(&start));
        line.map(str::to_owned)
    };
    loop {
        let told = hostile.iter().filter(|(_, _, why)| !why.is_empty());
        let missing: Vec<&str> = told
            .filter(|(name, _, _)| line(name).is_none())
            .map(|(name, _, _)| *name)
            .collect();
        if missing.is_empty() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{missing:?}: {}", rig.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let highest = daemon.memory().1;
    let rise = highest.saturating_sub(before);
    assert!(rise < 32 << 10, "{rise} KiB more than {before}");
    for (name, _, why) in hostile.iter().filter(|(_, _, why)| !why.is_empty()) {
        let line = line(name).unwrap();
        assert!(line.contains(why), "{name}: {line}");
        assert!(line.chars().count() < 900, "{name}: {line}");
        assert!(!line.chars().any(char::is_control), "{name}: {line:?}");
    }
    // The good one was pulled meanwhile, and what was pushed is judged as ever.
    let log = rig.whole_log();
    assert!(log.contains("rows from `good`"), "{log}");
    rig.push_drop(0..1).await;
    rig.until("the alert", || hook.opened() >= 1, || hook.count())
        .await;
    assert_eq!(hook.arrivals()[0].field("/data/source"), "s0");
    assert!(daemon.end("TERM").await.0.success());
    // Nothing of it was kept: no reading, so no zero either.
    let kept: Vec<String> = rig
        .database()
        .prepare(
            "SELECT DISTINCT source FROM series JOIN reading ON series = number ORDER BY source",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(kept, ["good", "s0"]);
}

#[tokio::test]
async fn a_byte_a_second_is_given_up_in_time_and_in_words() {
    let address = server(
        head("content-length: 1000000\r\n"),
        b" ".to_vec(),
        Then::Trickle,
    )
    .await;
    let guard = Guard::parse(&["127.0.0.1".to_owned()]).unwrap();
    let http = Http::new(guard, None).unwrap();
    let mut request = Request::get(url::Url::parse(&address).unwrap());
    assert!(
        request.timeout <= Duration::from_secs(30),
        "never longer by itself"
    );
    request.timeout = Duration::from_secs(3);
    let begun = Instant::now();
    let why = http.call(&request).await.unwrap_err().to_string();
    assert!(why.contains("no answer within 3 s"), "{why}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

/// A SQLite file that another program writes to for longer than anybody waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_source_is_no_data_and_is_read_when_it_is_free() {
    let hook = Receiver::start().await;
    let rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"");
    let path = rig.folder.path().join("orders.sqlite");
    let orders = Connection::open(&path).unwrap();
    orders
        .execute_batch(
            "CREATE TABLE orders (paid_at TEXT); INSERT INTO orders VALUES ('2026-11-20 10:00:00')",
        )
        .unwrap();
    orders.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let plan = format!(
        "{}\n[source.orders]\ntype = \"sql\"\nurl = \"sqlite:orders.sqlite\"\nevery = \"1 minute\"\n[event.buy]\nin.orders = {{ table = \"orders\", date = \"paid_at\" }}\n",
        rig.plan("wait = \"0 min\"")
    );
    rig.write("truecount.toml", &plan);
    let daemon = rig.serve().await;
    rig.push_history().await;
    rig.push_drop(0..1).await;
    rig.until(
        "the alert of another source",
        || hook.opened() >= 1,
        || hook.count(),
    )
    .await;
    let begun = Instant::now();
    while !rig
        .log()
        .contains("cannot pull `orders`: the SQLite file is locked")
    {
        assert!(begun.elapsed() < PATIENCE, "{}", rig.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    orders.execute_batch("COMMIT").unwrap();
    while !rig.log().contains("rows from `orders`") {
        assert!(begun.elapsed() < PATIENCE * 2, "{}", rig.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(daemon.end("TERM").await.0.success());
}
