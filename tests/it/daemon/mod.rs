//! The daemon as a real process: what it tells people, and what a kill cannot take away.

#![expect(
    clippy::disallowed_methods,
    reason = "a real process lives by the real clock"
)]

mod drill;
mod mail;
mod mark;
mod process;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use super::fake::http_api::{Asked, HttpApi};
use process::{Shop, awaited};

const KEY: &[u8] = b"a key of twenty-four b..";

fn route() -> String {
    "[route.default]\nwait = \"0 min\"\nwebhook = { url = { env = \"HOOK\" }, secret = { env = \"HOOK_SECRET\" } }\n[heartbeat]\nurl = { env = \"BEAT\" }".to_owned()
}

fn shop(hook: &HttpApi) -> Shop {
    Shop::new(&route())
        .set("HOOK", &format!("{}/hook", hook.address))
        .set("HOOK_SECRET", &format!("whsec_{}", STANDARD.encode(KEY)))
        .set("BEAT", &format!("{}/beat", hook.address))
}

fn header<'a>(asked: &'a Asked, name: &str) -> &'a str {
    asked.headers.get(name).unwrap().to_str().unwrap()
}

fn hooks(api: &HttpApi) -> Vec<Asked> {
    let asked = api.asked();
    asked
        .into_iter()
        .filter(|one| one.path == "/hook")
        .collect()
}

/// Checks a signature as the receiver of a Standard Webhook does.
fn verify(asked: &Asked) {
    let signed = format!(
        "{}.{}.{}",
        header(asked, "webhook-id"),
        header(asked, "webhook-timestamp"),
        asked.body
    );
    let tag = header(asked, "webhook-signature")
        .strip_prefix("v1,")
        .unwrap();
    let tag = STANDARD.decode(tag).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY);
    hmac::verify(&key, signed.as_bytes(), &tag).expect("the signature holds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_reaches_the_webhook_and_every_screen() {
    let hook = HttpApi::start(|_, _| (204, "text/plain", String::new())).await;
    let shop = shop(&hook);
    let daemon = shop.serve();
    let first = awaited("the webhook", || hooks(&hook).into_iter().next()).await;
    verify(&first);
    let body: serde_json::Value = serde_json::from_str(&first.body).unwrap();
    assert!(first.body.contains("purchase"), "{body:#}");
    awaited("the heartbeat", || {
        hook.asked().into_iter().find(|one| one.path == "/beat")
    })
    .await;

    assert_eq!(daemon.get("/healthz").await.0, 200);
    assert_eq!(daemon.get("/readyz").await.0, 200);
    let (_, incidents) = daemon.get("/api/v1/incidents").await;
    let incidents: serde_json::Value = serde_json::from_str(&incidents).unwrap();
    let list = incidents["incidents"].as_array().unwrap();
    assert_eq!(list.len(), 1, "one cause, one incident: {incidents:#}");
    let (_, page) = daemon.get("/").await;
    assert!(page.contains("purchase"), "{page}");
    let (_, metrics) = daemon.get("/metrics").await;
    assert!(metrics.contains("truecount_"), "{metrics}");
    let (code, _) = daemon.get("/api/v1/nothing").await;
    assert_eq!(code, 404);

    let (status, took) = daemon.stop();
    assert!(status.success(), "{status:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    // The first look at the second system may come after the message: then the verdict is told, too.
    let told = hooks(&hook);
    let opened = told
        .iter()
        .filter(|one| one.body.contains("\"incident.opened\""));
    assert_eq!(opened.count(), 1, "told once");
    let verdicts = told
        .iter()
        .filter(|one| one.body.contains("\"verdict_changed\""));
    assert_eq!(verdicts.count() + 1, told.len(), "{told:#?}");

    let (status, screen, _) = shop.output(&["incident", "list"]);
    assert_eq!(status.code(), Some(0), "{screen}");
    assert!(screen.contains("web counts"), "{screen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_nothing_and_a_repeat_keeps_its_id() {
    let refusals = Arc::new(AtomicU32::new(0));
    let open = Arc::new(AtomicU32::new(0));
    let (count, gate) = (Arc::clone(&refusals), Arc::clone(&open));
    let hook = HttpApi::start(move |path, _| {
        if path == "/hook" && gate.load(Ordering::SeqCst) == 0 {
            count.fetch_add(1, Ordering::SeqCst);
            return (503, "text/plain", "not now".to_owned());
        }
        (204, "text/plain", String::new())
    })
    .await;
    let shop = shop(&hook);
    // Killed at once, in the middle of the first pull, and after the first attempt to deliver.
    for pause in [0, 15, 40, 90, 200, 400] {
        let daemon = shop.serve();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        daemon.signal("KILL");
    }
    let daemon = shop.serve();
    awaited("an attempt", || {
        (refusals.load(Ordering::SeqCst) > 0).then_some(())
    })
    .await;
    daemon.signal("KILL");
    drop(daemon);
    let refused = hooks(&hook).len();
    open.store(1, Ordering::SeqCst);
    let daemon = shop.serve();
    awaited("the letter", || {
        (hooks(&hook).len() > refused).then_some(())
    })
    .await;
    let (_, incidents) = daemon.get("/api/v1/incidents").await;
    let incidents: serde_json::Value = serde_json::from_str(&incidents).unwrap();
    assert_eq!(
        incidents["incidents"].as_array().unwrap().len(),
        1,
        "{incidents:#}"
    );
    let (status, _) = daemon.stop();
    assert!(status.success());
    let asked = hooks(&hook);
    // A busy machine may be killed between a first look and a fuller one, which is news of its own.
    let by_id = |of: &[Asked]| -> BTreeSet<(String, String)> {
        let pair = |one: &Asked| (header(one, "webhook-id").to_owned(), one.body.clone());
        of.iter().map(pair).collect()
    };
    let (letters, first) = (by_id(&asked), by_id(&asked[..1]));
    let ids: BTreeSet<&String> = letters.iter().map(|(id, _)| id).collect();
    assert_eq!(
        ids.len(),
        letters.len(),
        "frozen: an id has the same bytes each time"
    );
    assert!(
        by_id(&asked[refused..]).is_superset(&first),
        "the first letter came in the end, under its own id"
    );
    asked.iter().for_each(verify);
    let (status, _, errors) = shop.output(&["incident", "list"]);
    assert!(status.success(), "the database is whole: {errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_reload_changes_nothing_and_a_right_one_everything() {
    let hook = HttpApi::start(|_, _| (204, "text/plain", String::new())).await;
    let shop = shop(&hook);
    let mut daemon = shop.serve();
    awaited("the webhook", || hooks(&hook).into_iter().next()).await;
    let (_, before) = daemon.get("/api/v1/checks").await;

    let wrong = format!("{}\n{}\nsurprise = 1\n[event.]\n", Shop::plan(), route());
    shop.write("truecount.toml", &wrong);
    daemon.signal("HUP");
    daemon.await_log("TC");
    assert_eq!(daemon.get("/readyz").await.0, 200);
    let (_, after) = daemon.get("/api/v1/checks").await;
    let names = |text: &str| -> BTreeSet<String> {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let checks = value["checks"].as_array().unwrap().iter();
        checks.map(|one| one["check"].to_string()).collect()
    };
    assert!(names(&before).len() > 2, "{before}");
    assert_eq!(names(&before), names(&after));

    let right = format!(
        "{}\n{}\n[event.refund]\nin.web = \"refund\"\n",
        Shop::plan(),
        route()
    );
    shop.write("truecount.toml", &right);
    daemon.signal("HUP");
    let begun = std::time::Instant::now();
    loop {
        let (_, checks) = daemon.get("/api/v1/checks").await;
        if checks.contains("refund") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Who mends a source wants to see at once whether it works: not at its next slot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_source_is_pulled_at_once_after_a_reload() {
    let rarely = Shop::plan().replace("every = \"1 minute\"", "every = \"6 hours\"");
    let shop = Shop::new("");
    shop.write("truecount.toml", &rarely);
    shop.write("moved.csv", "date,event,count\n2026-01-02,other,7\n");
    let mut daemon = shop.serve();
    daemon.await_log("rows from `web`");
    daemon.await_log("rows from `orders`");
    // A comment changes nothing; nobody is asked again.
    shop.write("truecount.toml", &format!("# a comment\n{rarely}"));
    daemon.signal("HUP");
    daemon.await_log("was read again");
    shop.write(
        "truecount.toml",
        &rarely.replace("\"web.csv\"", "\"gone.csv\""),
    );
    daemon.signal("HUP");
    daemon.await_log("cannot pull `web`: no file matches gone.csv");
    shop.write(
        "truecount.toml",
        &rarely.replace("\"web.csv\"", "\"moved.csv\""),
    );
    daemon.signal("HUP");
    let begun = std::time::Instant::now();
    while daemon.log().matches("rows from `web`").count() < 2 {
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = daemon.log();
    assert_eq!(log.matches("rows from `orders`").count(), 1, "{log}");
    assert_eq!(log.matches("rows from `web`").count(), 2, "{log}");
}

#[test]
fn a_public_address_without_a_token_is_refused() {
    let shop = Shop::new("");
    let (status, _, errors) = shop.output(&["serve", "--listen", "0.0.0.0:0"]);
    assert!(!status.success());
    assert!(errors.contains("without a token"), "{errors}");
}

#[test]
fn a_secret_in_a_file_is_refused_unless_it_was_allowed() {
    let plain = "[route.default]\nslack = \"https://hooks.slack.com/services/T0/B0/canary\"\n[source.site]\ntype = \"hubspot\"\ntoken = \"pat-canary\"\n";
    let shop = Shop::new(plain);
    let (status, screen, errors) = shop.output(&["validate"]);
    let told = format!("{screen}{errors}");
    assert!(!status.success(), "{told}");
    assert_eq!(told.matches("error[TC310]").count(), 2, "{told}");
    assert!(told.contains("slack = { env = \"SLACK_URL\" }"), "{told}");
    let (status, screen, errors) = shop.output(&["validate", "--allow-plain"]);
    assert!(status.success(), "{screen}{errors}");
}

#[test]
fn a_second_daemon_on_the_same_database_is_refused() {
    let shop = Shop::new("");
    let daemon = shop.serve();
    let (status, _, errors) = shop.output(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!status.success(), "{errors}");
    let (status, _) = daemon.stop();
    assert!(status.success());
}
