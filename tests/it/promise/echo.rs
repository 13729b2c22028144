//! P14 where the other side repeats what it was given: sources that fail and quote tokens and
//! passwords; values of the plan in `Debug`; a panic.

use std::process::Command;
use std::time::{Duration, Instant};

use truecount::app::{self, Reading};
use truecount::config::{SecretRef, Text};
use truecount::net::{Guard, Http, Request, Transport as _};
use truecount::secret::{self, ExposeSecret as _, Secrets as _, SystemSecrets};

use super::super::fake::http_api::{Asked, HttpApi};
use super::rig::receiver::Receiver;
use super::rig::{PATIENCE, Rig};
use super::secret::{BINARY, kept, search, shown};

fn variable(key: &str) -> String {
    std::env::var(key).unwrap_or_else(|_| panic!("{key} is not set: run `bash tests/run`"))
}

/// The call as an error text, as gateways write it.
fn call(asked: &Asked) -> String {
    let header = |name: &str| {
        asked
            .headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
            .to_owned()
    };
    format!(
        "no access for {} with key {} at {}",
        header("authorization"),
        header("x-api-key"),
        asked.path
    )
}

/// An API that fails in the way its path says, and repeats the call each time.
async fn echo() -> HttpApi {
    HttpApi::strict(|asked| {
        let said = call(asked);
        let json = serde_json::json!({ "error": said }).to_string();
        match asked.path.split(['/', '?']).nth(1) {
            Some("denied") => (401, "application/json", json),
            Some("broken") => (500, "text/plain", format!("{}{said}", " ".repeat(1_990))),
            Some("moved") => (302, "text/html", said),
            Some("shape") => (
                200,
                "application/json",
                serde_json::json!([{ "date": said, "count": said }]).to_string(),
            ),
            _ => (200, "text/plain", said),
        }
    })
    .await
}

const FAILURES: &[&str] = &["denied", "broken", "moved", "shape", "odd"];

const CANARIES: &[&str] = &["canarybearer", "canaryheader", "canarypassword", "Y2FuYXJ5"];

/// One source of type `http` for each way to fail, two that are not reached, three databases.
fn sources(address: &str) -> String {
    let mut text = String::new();
    let mut event = "[event.buy]\n".to_owned();
    let mut add = |name: &str, source: &str, found: &str| {
        text.push_str(&format!(
            "[source.{name}]\nevery = \"1 minute\"\n{source}\n"
        ));
        event.push_str(&format!("in.{name} = {found}\n"));
    };
    let http = |base: &str, path: &str| {
        format!(
            "type = \"http\"\nbase_url = \"{base}\"\nrequest = {{ path = \"/{path}\", query = {{ since = \"{{from}}\" }} }}\nrows = \"$[*]\"\n\
             bearer = {{ env = \"BEARER\" }}\nheaders = {{ x-api-key = {{ env = \"HEADER\" }} }}"
        )
    };
    for way in FAILURES {
        add(way, &http(address, way), "true");
    }
    add("closed", &http("http://127.0.0.1:1", "x"), "true");
    add(
        "tls",
        &http(&address.replace("http:", "https:"), "x"),
        "true",
    );
    for (name, key) in [("pg", "PG"), ("maria", "MARIA"), ("gone", "GONE")] {
        add(
            name,
            &format!("type = \"sql\"\nurl = {{ env = \"{key}\" }}"),
            "{ table = \"orders\", date = \"paid_at\" }",
        );
    }
    format!("{text}{event}")
}

/// The address with another password.
fn wrong(key: &str) -> String {
    let mut url = url::Url::parse(&variable(key)).unwrap();
    url.set_password(Some("canarypassword")).unwrap();
    url.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_repeats_a_secret_does_not_get_it_into_our_words() {
    let (hook, api) = (Receiver::start().await, echo().await);
    let rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"")
        .set("BEARER", "canarybearer-0123")
        .set("HEADER", "canaryheader-0123")
        .set("PG", &wrong("TRUECOUNT_TEST_POSTGRES_URL"))
        .set("MARIA", &wrong("TRUECOUNT_TEST_MYSQL_URL"))
        .set("GONE", "postgres://root:canarypassword@127.0.0.1:1/shop");
    let plan = format!(
        "{}\n{}",
        rig.plan("wait = \"0 min\""),
        sources(&api.address)
    );
    rig.write("truecount.toml", &plan);
    let daemon = rig.serve().await;
    let begun = Instant::now();
    let failed = |name: &str| rig.whole_log().contains(&format!("cannot pull `{name}`"));
    let names = [FAILURES, &["closed", "tls", "pg", "maria", "gone"]].concat();
    while !names.iter().all(|name| failed(name)) {
        assert!(begun.elapsed() < PATIENCE, "{}", rig.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut places = shown(&rig, true).await;
    daemon.end("TERM").await;
    places.extend(shown(&rig, false).await);
    let docs = rig.command(&["plan", "docs"]).output().unwrap();
    places.push((
        "plan docs".to_owned(),
        String::from_utf8(docs.stdout).unwrap(),
    ));
    places.extend(kept(rig.folder.path()));
    places.extend(
        hook.arrivals()
            .into_iter()
            .map(|one| ("a message".to_owned(), one.body)),
    );
    // The bait was taken: every source was called with its secrets, and the words came through.
    for way in FAILURES {
        let asked = api.asked();
        let one = asked
            .iter()
            .find(|one| one.path.starts_with(&format!("/{way}")));
        assert!(call(one.unwrap()).contains("canarybearer-0123 with key canaryheader-0123"));
    }
    for way in ["denied", "broken", "shape"] {
        let log = rig.whole_log();
        let line = log
            .lines()
            .find(|line| line.contains(&format!("cannot pull `{way}`")));
        assert!(line.unwrap().contains("(secret)"), "{line:?}");
    }
    search(&places, CANARIES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_ends_without_an_answer_tells_its_host_alone() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let net = Http::new(Guard::parse(&["127.0.0.1".to_owned()]).unwrap(), None).unwrap();
    for base in [
        format!("http://mara:canary@127.0.0.1:{port}"),
        "http://mara:canary@127.0.0.1:1".to_owned(),
        format!("https://mara:canary@127.0.0.1:{port}"),
        "http://mara:canary@no-such-host.invalid".to_owned(),
    ] {
        let url = url::Url::parse(&format!("{base}/canary?key=canary")).unwrap();
        let mut request = Request::get(url).header("authorization", "Bearer canary");
        request.timeout = Duration::from_millis(300);
        let why = net.call(&request).await.unwrap_err();
        let told = format!("{why} {why:?} {why:#?}");
        assert!(!told.contains("canary"), "{told}");
        assert!(!why.to_string().is_empty());
    }
}

const PLAIN: &str = r#"
[project]
name = "Acme"
timezone = "UTC"
[server]
token = "canary-1"
[heartbeat]
url = "https://beat.example/canary-2"
[mail]
from = "a@acme.example"
smtp = "smtp://mara:canary-3@mail.example"
[source.shop]
type = "http"
base_url = "https://shop.example"
request = { path = "/x" }
rows = "$[*]"
bearer = "canary-4"
headers = { x-api-key = "canary-5" }
[source.orders]
type = "sql"
url = "postgres://root:canary-6@db.example/shop"
[event.buy]
in.shop = true
in.orders = { table = "orders", date = "paid_at" }
[route.default]
slack = "https://hooks.slack.example/canary-7"
webhook = { url = "https://hook.example/canary-8", secret = "whsec_canary9" }
"#;

fn plain() -> app::Project {
    let file = Text {
        path: "truecount.toml".to_owned(),
        text: PLAIN.to_owned(),
    };
    let reading = Reading { allow_plain: true };
    let project = app::understand(".".into(), vec![file], reading);
    assert!(!project.refused(), "{:?}", project.diagnostics);
    project
}

#[tokio::test]
async fn debug_prints_no_secret() {
    let project = plain();
    let secrets = SystemSecrets { folder: ".".into() };
    let place = SecretRef::Plain("canary-of-debug".to_owned());
    let read = secrets.read(&place).await.unwrap();
    assert_eq!(read.expose_secret(), "canary-of-debug");
    let routes = &project.plan.routes;
    assert_eq!(routes[0].channels.len(), 2);
    for told in [
        format!("{:?} {:#?}", project.plan, project.plan),
        format!("{:?} {:#?}", project.files, project.files),
        format!("{:?} {:#?}", project.diagnostics, project.diagnostics),
        format!("{place:?} {place:#?} {read:?} {read:#?} {secrets:?}"),
    ] {
        assert!(told.len() >= "[] []".len());
        let at = told.find("canary");
        assert!(
            at.is_none(),
            "{}",
            &told[at.unwrap_or(0).saturating_sub(80)..]
        );
    }
}

/// A process of its own panics with secrets and a person in its words, under the hook of the program.
#[test]
fn a_panic_tells_no_secret() {
    const CHILD: &str = "TRUECOUNT_TEST_FALL";
    if std::env::var_os(CHILD).is_some() {
        truecount::telemetry::start(
            truecount::telemetry::LogFormat::Json,
            tracing::Level::INFO,
            false,
        );
        truecount::cli::tell_panics();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let secrets = SystemSecrets { folder: ".".into() };
        let place = SecretRef::Plain("canary-that-falls".to_owned());
        let text = runtime.block_on(secrets.read(&place)).unwrap();
        panic!(
            "bait {} of mara.lind@acme.example {:?}",
            text.expose_secret(),
            plain().plan
        );
    }
    let done = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "promise::echo::a_panic_tells_no_secret",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    assert!(!done.status.success());
    let told = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    let line = told.lines().find(|line| line.contains("bait"));
    let line = line.unwrap_or_else(|| panic!("{told}"));
    let json: serde_json::Value = serde_json::from_str(line).unwrap();
    let said = json["message"].as_str().unwrap();
    assert!(said.contains("bait (secret) of (masked)"), "{said}");
    assert!(
        !told.contains("canary") && !told.contains("mara.lind"),
        "{told}"
    );
    assert_eq!(secret::masked("nothing known"), "nothing known");
}
