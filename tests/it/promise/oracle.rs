//! Answers of schedules against a slow oracle that shares no line and no route with them: it walks
//! the clock on the wall minute by minute, as somebody who looks at it would. Used by the tests and
//! by `cargo bench --bench slots`.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use truecount::model::Schedule;

/// What was compared.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Answers that were compared.
    pub(crate) answers: u64,
    /// Of these, those within a day of a change of the clock.
    pub(crate) near: u64,
    /// Zones that were asked about.
    pub(crate) zones: usize,
    /// Answers that differ: the first few in words.
    pub(crate) wrong: Vec<String>,
    /// How many differ.
    pub(crate) differ: u64,
}

/// Years of the moments: from the last date that a zone skipped whole (Samoa, December 2011).
const YEARS: std::ops::Range<u64> = 2_011..2_038;

/// Days that are walked; questions are asked in the middle of them.
const WALKED: i64 = 9;
const BEFORE: i64 = 1;
const ASKED: i64 = 3;

/// Questions about one walk.
const QUESTIONS: u64 = 100;

/// Numbers from a seed (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn number(&mut self, limit: u32) -> u32 {
        u32::try_from(self.below(u64::from(limit))).unwrap_or(0)
    }

    /// Hours at which clocks are changed come more often.
    fn hour(&mut self) -> u32 {
        if self.below(3) == 0 {
            self.number(24)
        } else {
            self.number(5)
        }
    }
}

/// A schedule as its meaning, beside its text.
struct Meant {
    text: String,
    minutes: Vec<u32>,
    hours: Vec<u32>,
    /// Day of the month and weekday (Monday is 0); either is enough, none is every day.
    day: Option<u32>,
    weekdays: Option<Vec<u32>>,
    /// Every hour is meant, so that it follows real time.
    interval: bool,
}

impl Meant {
    fn matches(&self, wall: NaiveDateTime) -> bool {
        let day = self.day.map(|day| wall.day() == day);
        let weekday = self
            .weekdays
            .as_ref()
            .map(|days| days.contains(&wall.weekday().num_days_from_monday()));
        let date = match (day, weekday) {
            (None, None) => true,
            (day, weekday) => day.unwrap_or(false) || weekday.unwrap_or(false),
        };
        date && self.hours.contains(&wall.hour()) && self.minutes.contains(&wall.minute())
    }
}

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

fn meant(dice: &mut Dice) -> Meant {
    let (minute, hour) = (dice.number(12) * 5, dice.hour());
    let clock = format!("{hour:02}:{minute:02}");
    let every = |step: u32, end: u32| (0..end).step_by(step as usize).collect::<Vec<_>>();
    let fixed = |text: String| Meant {
        text,
        minutes: vec![minute],
        hours: vec![hour],
        day: None,
        weekdays: None,
        interval: false,
    };
    match dice.below(14) {
        0 => fixed(format!("daily {clock}")),
        1 | 2 => fixed(format!("{minute} {hour} * * *")),
        3 => {
            let day = dice.number(7);
            Meant {
                weekdays: Some(vec![day]),
                ..fixed(format!("{} {clock}", WEEKDAYS[day as usize]))
            }
        }
        4 => Meant {
            weekdays: Some((0..5).collect()),
            ..fixed(format!("weekdays {clock}"))
        },
        5 => {
            let day = dice.number(28) + 1;
            Meant {
                day: Some(day),
                ..fixed(format!("{minute} {hour} {day} * *"))
            }
        }
        6 => {
            // Unix: the day of the month or the weekday, 0 is Sunday.
            let (day, weekday) = (dice.number(28) + 1, dice.number(7));
            Meant {
                day: Some(day),
                weekdays: Some(vec![(weekday + 6) % 7]),
                ..fixed(format!("{minute} {hour} {day} * {weekday}"))
            }
        }
        7 => {
            let last = (hour + 1 + dice.number(3)).min(23);
            Meant {
                hours: (hour..=last).collect(),
                minutes: every(20, 60),
                ..fixed(format!("*/20 {hour}-{last} * * *"))
            }
        }
        8 | 9 => {
            let step = [1, 2, 5, 7, 10, 15, 20, 30, 45][dice.number(9) as usize];
            Meant {
                minutes: every(step, 60),
                hours: every(1, 24),
                interval: true,
                ..fixed(format!("every {step} minutes"))
            }
        }
        10 => Meant {
            minutes: vec![0],
            hours: every(1, 24),
            interval: true,
            ..fixed("hourly".to_owned())
        },
        11 => Meant {
            hours: every(1, 24),
            interval: true,
            ..fixed(format!("{minute} * * * *"))
        },
        12 => {
            let step = [2, 3, 4, 5, 6, 8, 12][dice.number(7) as usize];
            Meant {
                hours: every(step, 24),
                interval: true,
                ..fixed(format!("{minute} */{step} * * *"))
            }
        }
        _ => {
            let other = (hour + 1 + dice.number(20)) % 24;
            Meant {
                hours: vec![hour, other],
                ..fixed(format!("{minute} {hour},{other} * * *"))
            }
        }
    }
}

/// The clock on the wall of a zone, minute by minute.
struct Walk {
    zone: Tz,
    begin: DateTime<Utc>,
    walls: Vec<NaiveDateTime>,
}

impl Walk {
    fn of(zone: Tz, begin: DateTime<Utc>) -> Self {
        let minutes = WALKED * 24 * 60;
        let wall = |minute| {
            let at = begin + TimeDelta::minutes(minute);
            at.with_timezone(&zone).naive_local()
        };
        Self {
            zone,
            begin,
            walls: (0..minutes).map(wall).collect(),
        }
    }

    fn at(&self, minute: usize) -> DateTime<Utc> {
        self.begin + TimeDelta::minutes(i64::try_from(minute).unwrap_or(i64::MAX))
    }

    /// The first minute after `after` at which the schedule is due.
    fn next(&self, meant: &Meant, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let one = TimeDelta::minutes(1);
        let mut latest = self.walls[0];
        for (minute, two) in self.walls.windows(2).enumerate() {
            let (before, wall) = (two[0], two[1]);
            latest = latest.max(before);
            let at = self.at(minute + 1);
            if at <= after {
                continue;
            }
            let due = if meant.interval {
                meant.matches(wall)
            } else {
                // A fixed time: the first pass only, and what the clock jumped over when it did.
                let jumped = wall - before;
                let gap = (1..jumped.num_minutes()).any(|step| {
                    let skipped = before + one * i32::try_from(step).unwrap_or(i32::MAX);
                    skipped > latest && meant.matches(skipped)
                });
                gap || (wall > latest && meant.matches(wall))
            };
            if due {
                return Some(at);
            }
        }
        None
    }

    fn end(&self) -> DateTime<Utc> {
        self.at(self.walls.len() - 1)
    }

    /// Where the clock jumps.
    fn changes(&self) -> Vec<DateTime<Utc>> {
        let jumps = self.walls.windows(2).enumerate();
        jumps
            .filter(|(_, two)| two[1] - two[0] != TimeDelta::minutes(1))
            .map(|(minute, _)| self.at(minute + 1))
            .collect()
    }
}

/// Where a walk begins: anywhere, or so that the next change of the clock lies in its middle.
fn beginning(zone: Tz, dice: &mut Dice) -> DateTime<Utc> {
    use chrono::Offset as _;
    let first = i64::try_from(YEARS.start - 1_970).unwrap_or(0) * 31_556_952;
    let span = (YEARS.end - YEARS.start) * 31_556_952;
    let seconds = first + i64::try_from(dice.below(span)).unwrap_or(0);
    let any = DateTime::from_timestamp(seconds / 60 * 60, 0).unwrap_or_default();
    if dice.below(3) == 0 {
        return any;
    }
    let offset = |at: DateTime<Utc>| at.with_timezone(&zone).offset().fix();
    let days = (0..400).map(|day| any + TimeDelta::days(day));
    let changed = days.map(|day| (day, offset(day) != offset(any)));
    let found = changed.into_iter().find(|(_, changed)| *changed);
    found.map_or(any, |(day, _)| day - TimeDelta::days(BEFORE + ASKED / 2))
}

/// Compares at least `count` answers, in every zone of the database about as often.
pub(crate) fn compare(count: u64, seed: u64) -> Report {
    let mut dice = Dice(seed);
    let mut report = Report {
        zones: TZ_VARIANTS.len(),
        ..Report::default()
    };
    let walks = count.div_ceil(QUESTIONS).max(TZ_VARIANTS.len() as u64);
    for number in 0..walks {
        let zone = TZ_VARIANTS[usize::try_from(number).unwrap_or(0) % TZ_VARIANTS.len()];
        let walk = Walk::of(zone, beginning(zone, &mut dice));
        let changes = walk.changes();
        for _ in 0..QUESTIONS {
            ask(&walk, &changes, &mut dice, &mut report);
        }
    }
    report
}

fn ask(walk: &Walk, changes: &[DateTime<Utc>], dice: &mut Dice, report: &mut Report) {
    let meant = meant(dice);
    let span = u64::try_from(ASKED * 86_400).unwrap_or(1);
    let mut into = i64::try_from(dice.below(span)).unwrap_or(0);
    // Half of them at the minute, where "strictly later" matters.
    if dice.below(2) == 0 {
        into -= into % 60;
    }
    let after = walk.begin + TimeDelta::days(BEFORE) + TimeDelta::seconds(into);
    report.answers += 1;
    let close = |change: &DateTime<Utc>| (*change - after).abs() <= TimeDelta::days(1);
    report.near += u64::from(changes.iter().any(close));
    let expected = walk.next(&meant, after);
    let answer = match Schedule::parse(&meant.text, walk.zone) {
        Ok(schedule) => schedule.next(after),
        Err(_) => None,
    };
    let right = match (expected, answer) {
        (Some(expected), Some(answer)) => expected == answer,
        // Not while we walked: it must be later.
        (None, Some(answer)) => answer > walk.end(),
        (_, None) => false,
    };
    if !right {
        report.differ += 1;
        if report.wrong.len() < 20 {
            let local =
                |at: Option<DateTime<Utc>>| at.map(|at| at.with_timezone(&walk.zone).to_rfc3339());
            report.wrong.push(format!(
                "`{}` in {} after {}: {:?}, the oracle says {:?}",
                meant.text,
                walk.zone,
                after.with_timezone(&walk.zone).to_rfc3339(),
                local(answer),
                local(expected)
            ));
        }
    }
}
