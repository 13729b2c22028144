//! Daily limits, deep queues, and what comes and goes: as few messages as carry everything.

use truecount::incident::Turn;
use truecount::model::{Fingerprint, Status};
use truecount::notify::Reason;

use super::super::made::{self, name};
use super::{AT_ONCE, Desk, later, noon};

pub(super) fn many(daily: u32, count: usize) -> Desk {
    let route = format!("{AT_ONCE}daily = {daily}\n");
    let mut desk = Desk::new(&route);
    for number in 1..=u32::try_from(count).unwrap() {
        let mut one = made::opened(&desk.plan, "purchase.volume", "web", number, noon());
        one.id = Fingerprint([u8::try_from(number).unwrap(); 16]);
        one.primary = number == 5;
        desk.incidents.push(one);
    }
    desk
}

#[test]
fn the_last_message_of_the_day_carries_the_rest() {
    let mut desk = many(4, 7);
    let decided = desk.decided(noon());
    let reasons: Vec<&str> = decided.iter().map(|one| one.reason.word()).collect();
    assert_eq!(reasons, ["opened", "opened", "opened", "digest"]);
    assert_eq!(
        decided[0].incidents[0].number,
        Some(5),
        "the primary conversion is never in the rest"
    );
    assert_eq!(decided[3].incidents.len(), 4);
    assert!(decided[3].remark.contains("daily limit"));
    // All seven were told: nothing is left for tomorrow.
    desk.tell(noon());
    desk.sent.clear();
    assert_eq!(desk.tell(later(60 * 20)), [""; 0]);
}

#[test]
fn a_lone_last_message_says_that_the_limit_is_reached() {
    let mut desk = many(3, 1);
    for number in 2..=4_u8 {
        let decided = desk.decided(noon());
        assert_eq!(decided.len(), 1);
        assert_eq!(
            decided[0].remark.is_empty(),
            number < 4,
            "message {}",
            number - 1
        );
        assert_eq!(decided[0].reason, Reason::Opened);
        desk.tell(noon());
        let mut next = desk.incidents[0].clone();
        next.id = Fingerprint([number; 16]);
        desk.incidents.push(next);
    }
    // The fourth waits; tomorrow it is told.
    assert_eq!(desk.tell(later(60)), [""; 0]);
    desk.sent.clear();
    assert_eq!(desk.tell(later(60 * 15)), ["default opened"]);
}

#[test]
fn the_end_is_told_whatever_the_cap() {
    let mut desk = many(1, 1);
    assert_eq!(desk.tell(noon()), ["default opened"]);
    desk.turn(Turn::Resolved, Status::Failing, later(60));
    assert_eq!(desk.tell(later(60)), ["default resolved"]);
}

#[test]
fn what_comes_and_goes_is_said_once_and_then_left_alone() {
    let mut desk = Desk::new(AT_ONCE).opened("purchase.volume", "web", noon());
    let mut heard = desk.tell(noon());
    for hour in 1..=12 {
        let turn = if hour % 2 == 1 {
            Turn::Resolved
        } else {
            Turn::Reopened
        };
        desk.turn(turn, Status::Failing, later(hour * 60));
        heard.extend(desk.tell(later(hour * 60)));
    }
    let opened = heard.iter().filter(|one| one.ends_with("opened")).count();
    assert_eq!(opened, 4, "{heard:?}");
    assert_eq!(heard.last().unwrap(), "default flapping");
    // Steady for a day: what is true is told again.
    assert_eq!(desk.tell(later(12 * 60 + 23 * 60)), [""; 0]);
    let day_after = desk.tell(later(12 * 60 + 24 * 60));
    assert_eq!(day_after, ["default reopened"]);
}

#[test]
fn a_deep_queue_of_a_paced_channel_becomes_one_message() {
    // How many wait, how many are to be told now, and the letters that come of it.
    let cases = [
        (0, 3, 3),
        (7, 3, 3),
        (8, 3, 1),
        (500, 1, 1),
        (0, 10, 10),
        (0, 11, 1),
    ];
    for (waiting, news, letters) in cases {
        let mut desk = many(1_000, news);
        desk.queued.insert(name("default/0/email"), waiting);
        let decided = desk.decided(noon());
        assert_eq!(decided.len(), letters, "{waiting} wait, {news} to tell");
        let told: usize = decided.iter().map(|one| one.incidents.len()).sum();
        assert_eq!(told, news, "nothing is left out");
        if letters < news {
            assert_eq!(decided[0].reason, Reason::Digest);
            assert!(
                decided[0].remark.contains("in one"),
                "{}",
                decided[0].remark
            );
        }
    }
    // A channel without a pace is never merged for.
    assert_eq!(many(1_000, 50).decided(noon()).len(), 50);
    // Endings stay single.
    let mut desk = many(1_000, 12);
    desk.tell(noon());
    desk.queued.insert(name("default/0/email"), 100);
    desk.turn(Turn::Resolved, Status::Failing, later(60));
    assert_eq!(desk.tell(later(60)), ["default resolved"]);
}
