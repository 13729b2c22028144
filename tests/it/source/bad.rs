//! What a broken or hostile server sends: each source says so, keeps nothing of it, and disturbs no other.

use chrono::TimeDelta;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use truecount::model::{Grain, Measure};
use truecount::source::SourceError;

use super::bench::{Bench, HEAD, at, name};
use crate::fake::life::Life;

/// A server that answers every request with these bytes, again and again when `endless`.
async fn server(answer: Vec<u8>, endless: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut head = [0; 16_384];
                // Whatever the caller does next is his affair.
                if stream.read(&mut head).await.is_err() {
                    return;
                }
                while stream.write_all(&answer).await.is_ok() && endless {}
            });
        }
    });
    address
}

fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n{headers}\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn whole(body: &[u8]) -> Vec<u8> {
    answer(&format!("content-length: {}\r\n", body.len()), body)
}

/// 64 MiB of blanks, packed: `head -c 67108864 /dev/zero | tr '\0' ' ' | gzip -9`, by command.
fn bomb() -> Vec<u8> {
    let made = std::process::Command::new("sh")
        .args(["-c", "head -c 67108864 /dev/zero | tr '\\0' ' ' | gzip -9"])
        .output()
        .unwrap();
    assert!(made.status.success() && made.stdout.len() < 100_000);
    made.stdout
}

fn bench(kind: &str, address: &str) -> Bench {
    let source = match kind {
        "http" => {
            "type = \"http\"\nrequest = { path = \"/v1\" }\nrows = \"$.data[*]\"\nevent = \"kind\""
        }
        _ => "type = \"hubspot\"\ntoken = { env = \"TOKEN\" }",
    };
    let mapping = match kind {
        "http" => "\"order\"",
        _ => "{ object = \"deals\" }",
    };
    Bench::new(&format!(
        "{HEAD}[source.it]\n{source}\nbase_url = \"{address}\"\n[event.purchase]\nin.it = {mapping}\n"
    ))
    .secret("TOKEN", "pat-canary")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_bodies_are_bounded_and_named() {
    let deep = format!("{{\"data\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let cut = answer("content-length: 5000\r\n", b"{\"data\":[");
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
    let mut endless = answer("transfer-encoding: chunked\r\n", b"");
    endless.extend_from_slice(chunk.repeat(300).as_bytes());
    let packed = bomb();
    let zipped = format!(
        "content-encoding: gzip\r\ncontent-length: {}\r\n",
        packed.len()
    );
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("a gzip bomb", answer(&zipped, &packed), "more than"),
        ("an endless body", endless, "more than"),
        ("10,000 levels", whole(deep.as_bytes()), "JSON"),
        ("a cut body", cut, "broke off"),
        (
            "HTML",
            whole(b"<!doctype html><title>Sign in</title>"),
            "an HTML page instead of JSON",
        ),
        (
            "broken gzip",
            answer(
                "content-encoding: gzip\r\ncontent-length: 9\r\n",
                b"not gzip!",
            ),
            "broke off",
        ),
        ("no JSON at all", whole(b"\xff\xfe\x00"), "JSON"),
    ];
    for kind in ["http", "hubspot"] {
        for (title, bytes, word) in &cases {
            let address = server(bytes.clone(), false).await;
            let bench = bench(kind, &address);
            let question = bench.question("it", "purchase", Measure::Count, Grain::Day);
            let why = bench.failure(&question, "2026-11-22", "2026-11-22").await;
            let told = why.to_string();
            assert!(told.contains(word), "{kind}, {title}: {told}");
            assert!(told.len() < 600 && !told.contains("pat-canary"), "{told}");
            assert!(!matches!(why, SourceError::Refused { .. }), "{why:?}");
        }
    }
}

/// Two sources of one plan: what one sends must not touch the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_source_disturbs_no_other_and_is_never_zero() {
    let broken = [
        "date,event,count\n2026-11-22,purchase,-3\n",
        "date,event,count\n2026-11-22,purchase,1.5\n",
        "date,event,count\n2099-01-01,purchase,3\n",
        "date,event,count\n2026-11-22,purchase,3\n2026-11-22,purchase,4\n",
        "date,event,count\n2026-13-45,purchase,3\n",
        "<html>Sign in</html>",
        "",
        "date,event,count\n2026-11-22,purch\u{0}ase,3,4,5\n\"",
    ];
    for text in broken {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bad.csv"), text).unwrap();
        let mut good = String::from("date,event,count\n");
        for day in 1..=22 {
            good.push_str(&format!("2026-11-{day:02},purchase,41\n"));
        }
        std::fs::write(folder.path().join("good.csv"), good).unwrap();
        let plan = format!(
            "{HEAD}[source.bad]\ntype = \"files\"\npath = \"bad.csv\"\n[source.good]\ntype = \"files\"\npath = \"good.csv\"\n[event.purchase]\nhome = \"good\"\nin.bad = true\nin.good = true\n"
        );
        let now = at("2026-11-23T09:00:00Z");
        let life = Life::begin(folder, &plan, now).await;
        for minutes in [0, 40, 80] {
            life.tick(now + TimeDelta::minutes(minutes)).await;
        }
        let pulls = life.world.store.pulls().await.unwrap();
        let pull = |source: &str| {
            &pulls
                .iter()
                .find(|(name, _)| name.as_str() == source)
                .unwrap()
                .1
                .0
        };
        let why = pull("bad").failure.clone().unwrap_or_default();
        assert!(why.contains("bad.csv"), "{text:?}: {why:?}");
        assert!(why.len() < 600 && !why.contains('\u{0}'), "{why:?}");
        assert_eq!(pull("bad").rows, 0, "{text:?}");
        assert_eq!(pull("good").failure, None, "{text:?}");
        assert!(pull("good").rows > 0, "{text:?}");
    }
}

#[tokio::test]
async fn long_names_and_markup_in_names_stay_names() {
    let long = "n".repeat(10_000);
    for event in [
        long.as_str(),
        "<!channel>",
        "<script>alert(1)</script>",
        "a\\nb",
    ] {
        let body = format!(
            "{{\"data\":[{{\"date\":\"2026-11-22\",\"kind\":\"{event}\",\"count\":3}},{{\"date\":\"2026-11-22\",\"kind\":\"order\",\"count\":5}}]}}"
        );
        let bench = bench("http", &server(whole(body.as_bytes()), false).await);
        let question = bench.question("it", "purchase", Measure::Count, Grain::Day);
        let counts = bench.counts(&question, "2026-11-22", "2026-11-22").await;
        assert_eq!(counts, ["11-22 5"], "{event:.40}");
    }
}

#[test]
fn an_unknown_zone_is_told_with_its_place() {
    let text = truecount::config::Text {
        path: "truecount.toml".to_owned(),
        text: "[project]\nname = \"A\"\ntimezone = \"Europe/Berln\"\n[route.default]\nslack = { env = \"S\" }\n".to_owned(),
    };
    let project =
        truecount::app::understand(".".into(), vec![text], truecount::app::Reading::default());
    let shown = truecount::render::diagnostic::human(&project.diagnostics, &project.files, false);
    assert!(project.refused());
    assert!(shown.contains("truecount.toml:3:12"), "{shown}");
    assert!(shown.contains("Europe/Berlin"), "{shown}");
}

#[test]
fn a_damaged_database_is_told_and_nothing_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truecount.db");
    let rubbish = vec![0x5a; 8_192];
    std::fs::write(&path, &rubbish).unwrap();
    let opened = truecount::app::open_store(&path, &name("p"), at("2026-11-23T09:00:00Z"));
    let why = opened
        .err()
        .map(|why| format!("{why:#}"))
        .unwrap_or_default();
    assert!(why.contains("truecount.db"), "{why}");
    assert_eq!(std::fs::read(&path).unwrap(), rubbish);
}
