//! A decision and its frozen letter: the same decision is the same letter, and order is kept.

use std::collections::BTreeMap;

use truecount::model::Fingerprint;
use truecount::notify::{Notification, Payload, Reason};

use super::super::made::name;
use super::pace::many;
use super::{AT_ONCE, Desk, later, noon};

#[test]
fn the_same_decision_is_the_same_letter() {
    let desk = Desk::new(AT_ONCE).opened("purchase.volume", "web", noon());
    let project = name("acme");
    let id = |one: &Notification| one.letter_id(&project);
    let first = desk.decided(noon()).remove(0);
    // Decided again a minute later, by a process that does not know that the first one committed.
    let again = desk.decided(later(1)).remove(0);
    assert_eq!(id(&first), id(&again));
    let frozen = |one: &Notification, body: &str| {
        let payload = Payload {
            content_type: "text/plain".to_owned(),
            body: body.as_bytes().to_vec(),
            extra: BTreeMap::new(),
        };
        one.letter(&project, payload, 3)
    };
    let letter = frozen(&first, "as it was");
    assert_eq!(letter.id, frozen(&again, "as it is").id);
    assert_eq!(letter.about, Some((first.incidents[0].id, 1)));
    assert_eq!(
        first.told()[0].letter_id(&project),
        letter.id,
        "threads find the letter by what was told"
    );
    // Anything that makes it another message makes it another letter.
    let mut others = vec![first.clone(); 6];
    others[0].reason = Reason::Worsened;
    others[1].n = 1;
    others[2].incidents[0].revision = 2;
    others[3].incidents[0].id = Fingerprint([9; 16]);
    others[4].channel = name("default/1/email");
    others[5].route = name("oncall");
    let mut ids: Vec<Fingerprint> = others.iter().map(id).collect();
    ids.push(id(&first));
    ids.push(first.letter_id(&name("another")));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 8);
}

#[test]
fn letters_of_one_moment_keep_their_order() {
    let desk = many(20, 3);
    let decided = desk.decided(noon());
    let payload = || Payload {
        content_type: String::new(),
        body: Vec::new(),
        extra: BTreeMap::new(),
    };
    let sequences: Vec<u64> = decided
        .iter()
        .zip(0..)
        .map(|(one, order)| one.letter(&name("acme"), payload(), order).sequence)
        .collect();
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
}

#[test]
fn every_reason_has_a_word_that_reads_back() {
    let words = [
        "opened",
        "worsened",
        "eased",
        "verdict_changed",
        "acknowledged",
        "resolved",
        "reopened",
        "reminder",
        "escalated",
        "digest",
        "flapping",
        "silence_ended",
        "past",
        "report",
        "test",
        "trouble",
        "recovered",
    ];
    for word in words {
        assert_eq!(Reason::parse(word).unwrap().word(), word);
    }
    assert_eq!(Reason::parse("surprise"), None);
}
