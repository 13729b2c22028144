//! P12: retries cannot make an outage worse.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use truecount::net::{Backoff, NetError, Request};

use super::sim::{Sim, reply};

fn request(path: &str) -> Request {
    Request::get(url::Url::parse(&format!("https://dead.example/{path}")).unwrap())
}

#[tokio::test]
async fn a_thousand_checks_of_a_dead_source_are_a_handful_of_calls() {
    let up = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&up);
    let sim = Sim::begin("", "2026-10-21 10:00", move |call| {
        if gate.load(Ordering::SeqCst) {
            return Ok(reply(200, &[]));
        }
        Err(NetError::Unreachable {
            host: call.host.clone(),
            why: "no connection".to_owned(),
        })
    });
    let net = &sim.world.net;
    for check in 0..1_000 {
        let path = format!("report?of={check}");
        assert!(net.fetch(&request(&path), &Backoff::READ).await.is_err());
    }
    let calls = sim.calls().len();
    assert!(calls <= 10, "{calls} calls: it rests after a few failures");
    // After the rest there is one probe, however many ask.
    sim.step(TimeDelta::seconds(31));
    for _ in 0..50 {
        assert!(net.fetch(&request("report"), &Backoff::READ).await.is_err());
    }
    assert_eq!(sim.calls().len(), calls + 1);
    // And when it works again, it works at once for everybody.
    up.store(true, Ordering::SeqCst);
    sim.step(TimeDelta::minutes(5));
    for _ in 0..50 {
        assert!(net.fetch(&request("report"), &Backoff::READ).await.is_ok());
    }
    assert_eq!(sim.calls().len(), calls + 51);
}

#[tokio::test]
async fn a_fifth_of_the_calls_may_be_retries() {
    // Every address is another one, so that none of them rests.
    let sim = Sim::begin("", "2026-10-21 10:00", |_| Ok(reply(503, &[])));
    for check in 0..1_000 {
        let answer = sim
            .world
            .net
            .fetch(&request(&format!("report/{check}")), &Backoff::READ)
            .await;
        assert_eq!(answer.unwrap().status, 503);
    }
    let retries = sim.calls().len() - 1_000;
    assert!((100..=204).contains(&retries), "{retries} retries");
}

#[tokio::test]
async fn one_report_that_fails_does_not_silence_the_others_of_its_host() {
    let sim = Sim::begin("", "2026-10-21 10:00", |call| {
        let fails = call.path == "/broken";
        Ok(reply(if fails { 500 } else { 200 }, &[]))
    });
    for _ in 0..20 {
        let broken = sim
            .world
            .net
            .fetch(&request("broken"), &Backoff::ONCE)
            .await;
        assert!(broken.map_or(true, |reply| reply.status == 500));
        let sound = sim.world.net.fetch(&request("sound"), &Backoff::ONCE).await;
        assert_eq!(sound.unwrap().status, 200);
    }
}
