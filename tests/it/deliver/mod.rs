//! What every way to tell people must do, against receivers that refuse what the vendor refuses.

mod bench;
mod mail;
mod vendor;

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use truecount::deliver::SendError;
use truecount::incident::State;
use truecount::notify::Reason;

use super::made::at;
use bench::{Bench, VENDORS, Vendor, hostile, told};

fn vendor(name: &str) -> &'static Vendor {
    VENDORS.iter().find(|one| one.name == name).unwrap()
}

/// The body that reached the receiver last.
fn last(bench: &Bench) -> Value {
    let asked = bench.asked.lock().unwrap();
    serde_json::from_str(&asked.last().unwrap().body).unwrap()
}

const ALL: [Reason; 13] = [
    Reason::Opened,
    Reason::Worsened,
    Reason::Eased,
    Reason::VerdictChanged,
    Reason::Acknowledged,
    Reason::Resolved,
    Reason::Reopened,
    Reason::Reminder,
    Reason::Escalated,
    Reason::Flapping,
    Reason::SilenceEnded,
    Reason::Past,
    Reason::Digest,
];

#[tokio::test]
async fn every_vendor_takes_every_message() {
    for vendor in VENDORS {
        let bench = Bench::start(vendor).await;
        for reason in ALL {
            let mut one = bench.incident();
            if matches!(reason, Reason::Resolved | Reason::Past) {
                one.state = State::Resolved {
                    at: at("2026-10-21 11:00"),
                };
            }
            let letter = bench.letter(&told(reason, vec![one]));
            let answer = bench.send(&letter, &[]).await;
            assert!(
                answer.is_ok(),
                "{} {}: {answer:?}",
                vendor.name,
                reason.word()
            );
        }
        let test = bench
            .send(&bench.letter(&told(Reason::Test, Vec::new())), &[])
            .await;
        assert!(test.is_ok(), "{}: {test:?}", vendor.name);
        // What Truecount says of itself: the reason reaches every receiver, and its end too.
        for reason in [Reason::Trouble, Reason::Recovered] {
            let mut own = told(reason, Vec::new());
            own.remark = "the disk <of> Acme is full".to_owned();
            let letter = bench.letter(&own);
            let answer = bench.send(&letter, &[]).await;
            assert!(answer.is_ok(), "{} {reason:?}: {answer:?}", vendor.name);
            let body = String::from_utf8(letter.payload.body).unwrap();
            let ends = reason == Reason::Recovered && vendor.name == "pagerduty";
            assert!(ends || body.contains("is full"), "{}: {body}", vendor.name);
        }
    }
}

#[tokio::test]
async fn hostile_and_endless_names_change_no_message() {
    for vendor in VENDORS {
        let bench = Bench::start(vendor).await;
        let mut evil = told(Reason::Opened, vec![hostile(bench.incident(), 1)]);
        evil.remark = bench::HOSTILE.to_owned();
        let answer = bench.send(&bench.letter(&evil), &[]).await;
        assert!(answer.is_ok(), "{}: {answer:?}", vendor.name);
        let many = (0..60).map(|nth| hostile(bench.incident(), nth)).collect();
        let answer = bench
            .send(&bench.letter(&told(Reason::Digest, many)), &[])
            .await;
        assert!(answer.is_ok(), "{}: {answer:?}", vendor.name);
    }
}

#[tokio::test]
async fn an_answer_is_a_yes_a_wait_or_a_refusal() {
    let date = |seconds| (bench::machine_time() + TimeDelta::seconds(seconds)).to_rfc2822();
    let none = Vec::new;
    for vendor in VENDORS {
        let bench = Bench::start(vendor).await;
        let letter = bench.letter(&told(Reason::Opened, vec![bench.incident()]));
        for status in [408, 500, 502, 503] {
            bench.answers((status, none(), "{}".to_owned()));
            let answer = bench.send(&letter, &[]).await;
            let waits = matches!(answer, Err(SendError::Wait { after: None, .. }));
            // Slack's API answers JSON with `ok` whatever the status; 408 without it is told apart.
            let odd = vendor.name == "slack bot" && status == 408;
            assert!(waits || odd, "{} {status}: {answer:?}", vendor.name);
        }
        for status in [301, 302, 307, 400, 401, 403, 404, 410, 422] {
            let to = vec![("location", "http://127.0.0.1:1/elsewhere".to_owned())];
            bench.answers((status, to, "no".to_owned()));
            let answer = bench.send(&letter, &[]).await;
            let refused = matches!(answer, Err(SendError::Refused { .. }));
            assert!(refused, "{} {status}: {answer:?}", vendor.name);
        }
        for (asked, low, high) in [("7".to_owned(), 7, 7), (date(90), 80, 91)] {
            bench.answers((429, vec![("retry-after", asked)], "{}".to_owned()));
            let answer = bench.send(&letter, &[]).await;
            let Err(SendError::Wait {
                after: Some(after), ..
            }) = answer
            else {
                panic!("{}: {answer:?}", vendor.name);
            };
            let seconds = after.num_seconds();
            assert!(
                (low..=high).contains(&seconds),
                "{}: {seconds}",
                vendor.name
            );
        }
        // A page of something in between is no yes where the vendor says yes in words.
        bench.answers((200, none(), "<html>Please log in</html>".to_owned()));
        let answer = bench.send(&letter, &[]).await;
        let wordy = [
            "slack webhook",
            "slack bot",
            "pagerduty",
            "telegram",
            "ntfy",
        ];
        assert_eq!(
            answer.is_err(),
            wordy.contains(&vendor.name),
            "{}: {answer:?}",
            vendor.name
        );
    }
}

#[tokio::test]
async fn a_vendor_may_ask_to_wait_in_the_body() {
    let cases = [
        (
            "discord",
            json!({ "message": "You are being rate limited.", "retry_after": 0.529 }),
            529,
        ),
        (
            "telegram",
            json!({ "ok": false, "error_code": 429, "parameters": { "retry_after": 5 } }),
            5_000,
        ),
    ];
    for (name, body, millis) in cases {
        let bench = Bench::start(vendor(name)).await;
        bench.answers((429, Vec::new(), body.to_string()));
        let letter = bench.letter(&told(Reason::Opened, vec![bench.incident()]));
        let answer = bench.send(&letter, &[]).await;
        let Err(SendError::Wait { after, .. }) = answer else {
            panic!("{name}: {answer:?}");
        };
        assert_eq!(after, Some(TimeDelta::milliseconds(millis)), "{name}");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_no_answer() {
    for vendor in VENDORS {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = [0_u8; 1_024];
                let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"ok\":true";
                let read = stream.read(&mut buffer).await;
                if read.is_err() || stream.write_all(begun).await.is_err() {
                    break;
                }
            }
        });
        let bench = Bench::at(vendor, &base);
        let letter = bench.letter(&told(Reason::Opened, vec![bench.incident()]));
        let sent = tokio::time::timeout(Duration::from_secs(30), bench.send(&letter, &[]));
        let answer = sent.await.unwrap();
        let waits = matches!(answer, Err(SendError::Wait { .. }));
        assert!(waits, "{}: {answer:?}", vendor.name);
    }
}

#[tokio::test]
async fn no_failure_tells_a_secret() {
    for vendor in VENDORS {
        let nobody = Bench::at(vendor, "http://127.0.0.1:1");
        let letter = nobody.letter(&told(Reason::Opened, vec![nobody.incident()]));
        let body = String::from_utf8(letter.payload.body.clone()).unwrap();
        assert!(!body.contains("canary"), "{} freezes a secret", vendor.name);
        let unreached = nobody.send(&letter, &[]).await.unwrap_err();
        assert!(
            !format!("{unreached:?}").contains("canary"),
            "{}: {unreached:?}",
            vendor.name
        );
        let bench = Bench::start(vendor).await;
        bench.answers((403, Vec::new(), "no".to_owned()));
        let refused = bench.send(&letter, &[]).await.unwrap_err();
        assert!(
            !format!("{refused:?}").contains("canary"),
            "{}: {refused:?}",
            vendor.name
        );
        assert!(
            !bench.channel.receiver().contains("canary"),
            "{}",
            vendor.name
        );
    }
}

#[tokio::test]
async fn a_repeat_is_the_same_message_under_the_same_key() {
    for vendor in VENDORS {
        let bench = Bench::start(vendor).await;
        let letter = bench.letter(&told(Reason::Opened, vec![bench.incident()]));
        bench.send(&letter, &[]).await.unwrap();
        bench.send(&letter, &[]).await.unwrap();
        let asked = bench.asked.lock().unwrap().clone();
        let [first, second] = asked.as_slice() else {
            panic!("{}: {}", vendor.name, asked.len());
        };
        assert_eq!(first.query, second.query, "{}", vendor.name);
        assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
        if vendor.name == "alertmanager" {
            let labels =
                |text: &str| serde_json::from_str::<Value>(text).unwrap()[0]["labels"].clone();
            assert_eq!(labels(&first.body), labels(&second.body));
        } else {
            assert_eq!(first.body, second.body, "{}", vendor.name);
        }
    }
}

#[tokio::test]
async fn doctor_looks_without_sending() {
    for vendor in VENDORS {
        let bench = Bench::start(vendor).await;
        bench.answers((200, Vec::new(), json!({ "ok": true, "ts": "" }).to_string()));
        let found = bench.channel.probe(&bench.means).await;
        assert!(found.is_ok(), "{}: {found:?}", vendor.name);
        for asked in bench.asked.lock().unwrap().iter() {
            assert_eq!(
                asked.body.replace("{}", ""),
                "",
                "{} sent something",
                vendor.name
            );
        }
    }
}

#[tokio::test]
async fn a_bot_keeps_one_thread_and_edits_its_first_message() {
    let bench = Bench::start(vendor("slack bot")).await;
    let opened = bench.letter(&told(Reason::Opened, vec![bench.incident()]));
    let receipt = bench.send(&opened, &[]).await.unwrap();
    assert_eq!(receipt, "ts 1767225600.000100");
    let mut over = bench.incident();
    over.state = State::Resolved {
        at: at("2026-10-21 11:00"),
    };
    let resolved = bench.letter(&told(Reason::Resolved, vec![over]));
    bench
        .send(&resolved, std::slice::from_ref(&receipt))
        .await
        .unwrap();
    let asked = bench.asked.lock().unwrap().clone();
    let paths: Vec<&str> = asked.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/api/chat.postMessage",
            "/api/chat.update",
            "/api/chat.postMessage"
        ]
    );
    let body = |nth: usize| serde_json::from_str::<Value>(&asked[nth].body).unwrap();
    assert_eq!(body(1)["ts"], "1767225600.000100");
    assert_eq!(body(2)["thread_ts"], "1767225600.000100");
    assert_eq!(body(2)["reply_broadcast"], true);
    // A reminder goes to the thread and leaves the head alone.
    let reminder = bench.letter(&told(Reason::Reminder, vec![bench.incident()]));
    bench.send(&reminder, &[receipt]).await.unwrap();
    assert_eq!(bench.asked.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn pagerduty_and_alertmanager_end_what_they_began() {
    let bench = Bench::start(vendor("pagerduty")).await;
    let mut over = bench.incident();
    over.state = State::Resolved {
        at: at("2026-10-21 11:00"),
    };
    let mut keys = Vec::new();
    let turns = [
        (Reason::Opened, bench.incident(), "trigger"),
        (Reason::Acknowledged, bench.incident(), "acknowledge"),
        (Reason::Resolved, over.clone(), "resolve"),
    ];
    for (reason, one, action) in turns {
        bench
            .send(&bench.letter(&told(reason, vec![one])), &[])
            .await
            .unwrap();
        assert_eq!(last(&bench)["event_action"], action);
        keys.push(last(&bench)["dedup_key"].clone());
    }
    keys.dedup();
    assert_eq!(keys.len(), 1, "{keys:?}");

    let bench = Bench::start(vendor("alertmanager")).await;
    bench
        .send(
            &bench.letter(&told(Reason::Opened, vec![bench.incident()])),
            &[],
        )
        .await
        .unwrap();
    let begun = last(&bench)[0].clone();
    let ends = |alert: &Value| {
        chrono::DateTime::parse_from_rfc3339(alert["endsAt"].as_str().unwrap()).unwrap()
    };
    assert!(
        ends(&begun) > bench::machine_time() + TimeDelta::minutes(8),
        "{begun}"
    );
    bench
        .send(&bench.letter(&told(Reason::Resolved, vec![over])), &[])
        .await
        .unwrap();
    let ended = last(&bench)[0].clone();
    assert_eq!(ended["labels"], begun["labels"]);
    assert_eq!(ends(&ended), at("2026-10-21 11:00"));
}

#[tokio::test]
async fn messages_read_as_they_are_shown() {
    for vendor in VENDORS {
        let bench = Bench::start(vendor).await;
        let letter = bench.letter(&told(Reason::Opened, vec![bench.incident()]));
        let body: Value = serde_json::from_slice(&letter.payload.body).unwrap();
        let text = serde_json::to_string_pretty(&body).unwrap();
        insta::with_settings!({ snapshot_path => "../../golden/deliver", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(vendor.name.replace(' ', "_"), text);
        });
    }
}
