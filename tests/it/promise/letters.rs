//! `truecount letters` and `truecount notify test` as people use them: a receiver that refuses, a dead
//! letter that is listed, read and sent again under the same id.

use std::process::Output;

use super::rig::Rig;
use super::rig::receiver::{Arrival, Manner, Receiver};

const BINARY: &str = env!("CARGO_BIN_EXE_truecount");

fn run(rig: &Rig, words: &[&str]) -> (i32, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = rig.command(words).output().unwrap();
    let said = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (status.code().unwrap(), said.concat())
}

fn answers(hook: &Receiver, status: u16) {
    hook.behave(move |_, _| Manner {
        status,
        ..Manner::default()
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_is_listed_read_and_sent_again_under_its_id() {
    let hook = Receiver::start().await;
    answers(&hook, 404);
    let rig = Rig::new(BINARY, 2, &hook, "wait = \"0 min\"");
    let daemon = rig.serve().await;
    let (code, said) = run(&rig, &["letters", "list"]);
    assert_eq!(code, 0, "nothing is dead: {said}");
    rig.push_history().await;
    rig.push_drop(0..1).await;
    rig.until("a refusal", || hook.count() >= 1, || hook.count())
        .await;
    let mut list = run(&rig, &["letters", "list"]);
    let begun = std::time::Instant::now();
    while list.0 == 0 {
        assert!(begun.elapsed() < super::rig::PATIENCE, "{}", rig.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        list = run(&rig, &["letters", "list"]);
    }
    let (code, said) = list;
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("404") && said.contains("default/0/webhook"),
        "{said}"
    );
    let (code, json) = run(&rig, &["letters", "list", "--format", "json"]);
    assert_eq!(code, 1, "{json}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let id = json["letters"][0]["id"].as_str().unwrap().to_owned();
    let of_it = |one: &Arrival| one.key.contains(&id);
    let first = hook.arrivals().into_iter().find(of_it).unwrap();
    assert_eq!(first.kind(), "incident.opened");
    assert!(said.contains(&id[..8]), "{said}");

    // The beginning of the id is enough; an unknown one is told so.
    let (code, said) = run(&rig, &["letters", "show", &id[..10]]);
    assert_eq!(code, 0, "{said}");
    for needed in ["404", "1 tries", "s0", "incident.opened", &id] {
        assert!(said.contains(needed), "no `{needed}` in {said}");
    }
    assert!(!said.contains(&hook.address), "no secret address: {said}");
    let (code, said) = run(&rig, &["letters", "show", "ffffffffffff"]);
    assert!(
        code == 2 && said.contains("no dead letter"),
        "{code}: {said}"
    );

    // Mended: the same bytes under the same key, by the daemon that runs.
    answers(&hook, 204);
    let before = hook.count();
    let (code, said) = run(&rig, &["letters", "resend", &id[..10]]);
    assert!(code == 0 && said.contains("1 put back"), "{code}: {said}");
    let again = || hook.arrivals().into_iter().skip(before).find(of_it);
    rig.until("the letter", || again().is_some(), || hook.count())
        .await;
    let again = again().unwrap();
    assert_eq!((&again.key, &again.body), (&first.key, &first.body));
    assert!(again.was_taken());
    // The rest, if more was told meanwhile, in one go.
    run(&rig, &["letters", "resend", "--all"]);
    let (code, said) = run(&rig, &["letters", "list"]);
    assert_eq!(code, 0, "nothing is left: {said}");
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(daemon.end("TERM").await.0.success());
    // What was told is known: the next start repeats nothing.
    let told = hook.count();
    let daemon = rig.serve().await;
    rig.next_rounds(1).await;
    assert_eq!(hook.count(), told);
    assert!(daemon.end("TERM").await.0.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sample_reaches_the_receiver_and_says_what_it_is() {
    let hook = Receiver::start().await;
    let rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"");
    let (code, said) = run(&rig, &["notify", "test"]);
    assert!(code == 0 && said.contains("taken"), "{code}: {said}");
    let arrivals = hook.arrivals();
    assert_eq!(arrivals.len(), 1);
    assert_eq!(arrivals[0].kind(), "test");
    assert!(!arrivals[0].key.is_empty(), "it has a key too");
    answers(&hook, 403);
    let (code, said) = run(&rig, &["notify", "test", "default"]);
    assert!(
        code == 1 && said.contains("NOT taken") && said.contains("403"),
        "{code}: {said}"
    );
    let (code, said) = run(&rig, &["notify", "test", "elsewhere"]);
    assert!(
        code == 2 && said.contains("no route `elsewhere`") && said.contains("default"),
        "{code}: {said}"
    );
    let (code, said) = run(&rig, &["letters", "list"]);
    assert_eq!(code, 0, "a sample is no letter: {said}");
}
