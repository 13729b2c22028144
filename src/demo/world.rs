//! The numbers: what happened, and what each system shows of it at a given time.

use chrono::{Datelike, Duration, NaiveDate, TimeDelta};

use crate::model::{
    Bucket, Calendar, Digest, Grain, Measure, Name, Observation, Quality, Question, Segment,
    Subject, Timestamp, Window,
};

use super::DAYS;
use super::fault::{DEMAND, PARAMETER, SAFARI, SYNC, TWICE};

/// A company at a date. The same seed gives the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    /// Which noise.
    pub seed: u64,
    /// The last day that has begun.
    pub today: NaiveDate,
}

/// Browsers and their share of the visits.
const BROWSERS: [(&str, f64); 4] = [
    ("Chrome", 0.52),
    ("Safari", 0.31),
    ("Firefox", 0.10),
    ("Edge", 0.07),
];

/// Channels and their share of the visits.
const CHANNELS: [(&str, f64); 5] = [
    ("Organic search", 0.34),
    ("Paid search", 0.27),
    ("Direct", 0.17),
    ("Email", 0.14),
    ("Social", 0.08),
];

/// An event that went live in the history, this many days before today.
pub(super) const NEWSLETTER: &str = "newsletter_sign_up";
pub(super) const NEWSLETTER_LIVE: i64 = 40;

/// Names that the web shows; the last is in nobody's plan.
const NAMES: [&str; 6] = [
    "begin_checkout",
    "purchase",
    "sign_up",
    "generate_lead",
    NEWSLETTER,
    BANNER,
];
const BANNER: &str = "banner_click";

/// Visits.
const SESSIONS: &str = "(sessions)";

/// Part of the visits without a usable source.
const UNKNOWN: f64 = 0.064;

/// Monday to Sunday.
const WEEK: [f64; 7] = [1.05, 1.0, 0.98, 0.97, 0.95, 1.0, 1.15];

impl World {
    /// What happened on a day, for everybody; `None` for events that the company does not know.
    fn truth(&self, event: &str, date: NaiveDate) -> Option<f64> {
        let ago = (self.today - date).num_days();
        let base = match event {
            "begin_checkout" => 3000.0,
            "purchase" => 1400.0,
            "sign_up" => 700.0,
            "generate_lead" => 300.0,
            NEWSLETTER if ago <= NEWSLETTER_LIVE => 420.0,
            NEWSLETTER => 0.0,
            BANNER => 160.0,
            SESSIONS => 26_000.0,
            _ => return None,
        };
        let growth = 1.0 + 0.0008 * (DAYS - ago) as f64;
        let weekday = WEEK[date.weekday().num_days_from_monday() as usize];
        let demand = if event == "sign_up" && DEMAND.at_work(ago) {
            0.55
        } else {
            1.0
        };
        let mean = base * growth * weekday * demand;
        // Twice the spread of pure chance: real days are rougher than dice.
        Some(
            (mean + self.normal(event, date) * (2.0 * mean).sqrt())
                .max(0.0)
                .round(),
        )
    }

    /// What a system shows of an event on a day in its final state, in one browser or channel.
    fn shown(&self, system: &str, event: &str, part: (&str, f64), date: NaiveDate) -> Option<f64> {
        let ago = (self.today - date).num_days();
        let known = match system {
            "web" => true,
            "orders" => matches!(event, "purchase" | "sign_up"),
            _ => event == "generate_lead",
        };
        let all = self.truth(event, date).filter(|_| known)? * part.1;
        let jitter = 1.0 + 0.01 * self.normal(&format!("{system}/{event}/{}", part.0), date);
        let share = match system {
            // Consent and blockers.
            "web" => 0.90 * jitter,
            "crm" if SYNC.at_work(ago) => 0.0,
            "crm" => 0.90 * (1.0 + 0.5 * (jitter - 1.0)),
            _ => 1.0,
        };
        let broken =
            system == "web" && event == "purchase" && part.0 == "Safari" && SAFARI.at_work(ago);
        let twice = system == "web" && event == "generate_lead" && TWICE.at_work(ago);
        let faults = if broken { 0.03 } else { 1.0 } * if twice { 1.125 } else { 1.0 };
        Some(all * share * faults)
    }

    /// Part of what is shown that a measure counts; `None` when the systems cannot tell.
    fn part(&self, measure: &Measure, system: &str, event: &str, date: NaiveDate) -> Option<f64> {
        let ago = (self.today - date).num_days();
        match measure {
            Measure::Count => Some(1.0),
            Measure::Having(_) if event == "begin_checkout" && PARAMETER.at_work(ago) => Some(0.70),
            Measure::Having(_) => Some(0.996),
            Measure::Repeats(_)
                if system == "web" && event == "generate_lead" && TWICE.at_work(ago) =>
            {
                Some(0.125 / 1.125)
            }
            Measure::Repeats(_) => Some(0.001),
            Measure::Unknown if event == SESSIONS => {
                Some(UNKNOWN * (1.0 + 0.05 * self.normal("unknown", date)))
            }
            _ => None,
        }
    }

    /// About normal with mean 0 and spread 1, from twelve uniform numbers.
    fn normal(&self, what: &str, date: NaiveDate) -> f64 {
        let mut digest = Digest::new("demo.1");
        digest
            .text(what)
            .bytes(&self.seed.to_le_bytes())
            .bytes(&date.num_days_from_ce().to_le_bytes());
        let mut state = digest.number();
        let mut sum = -6.0;
        for _ in 0..12 {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            sum += ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        }
        sum
    }
}

/// Share of the final value that is visible when a bucket has this age: web analytics settle over two days.
fn visible(system: &str, age: TimeDelta) -> f64 {
    match age.num_hours() {
        _ if system != "web" => 1.0,
        ..24 => 0.92,
        24..48 => 0.98,
        _ => 1.0,
    }
}

/// What `system` answers at `now`: the numbers it would have shown then. `None` when it cannot.
pub fn answers(
    world: &World,
    system: &str,
    question: &Question,
    window: Window,
    calendar: &Calendar,
    now: Timestamp,
) -> Option<Vec<Observation>> {
    if question.grain != Grain::Day || !question.filter.0.is_empty() {
        return None;
    }
    let first = world.today - Duration::days(DAYS);
    let days = calendar.buckets(Grain::Day, window);
    let ended = days
        .into_iter()
        .filter(|day| day.end <= now && day.date() >= first);
    let cells = cells(system, question)?;
    for cell in &cells {
        world.part(&question.measure, system, cell.event, world.today)?;
    }
    let mut found = Vec::new();
    for day in ended {
        for cell in &cells {
            let value = |part: (&str, f64)| {
                let shown = world.shown(system, cell.event, part, day.date())?;
                let share = world.part(&question.measure, system, cell.event, day.date())?;
                Some(shown * share * visible(system, now - day.end))
            };
            let total = cell.parts.iter().copied().map(value).sum::<Option<f64>>()?;
            found.push(observation(
                question,
                cell.segment.clone(),
                day,
                total * cell.share,
                now,
            ));
        }
    }
    Some(found)
}

/// One line of an answer: the sum of some parts of an event.
struct Cell<'a> {
    segment: Segment,
    event: &'a str,
    parts: Vec<(&'a str, f64)>,
    /// How much of that sum the line gets.
    share: f64,
}

/// The lines of an answer; `None` for what the company does not count.
fn cells<'a>(system: &str, question: &'a Question) -> Option<Vec<Cell<'a>>> {
    let cell = |segment: Segment, event: &'a str, parts: &[(&'a str, f64)], share| Cell {
        segment,
        event,
        parts: parts.to_vec(),
        share,
    };
    let named = |name: &str, value: &str| Segment::from([(Name::clean(name), value.to_owned())]);
    let by: Vec<&str> = question.by.iter().map(Name::as_str).collect();
    Some(match (&question.subject, by.as_slice()) {
        (Subject::Event(event), []) => {
            vec![cell(Segment::new(), event.as_str(), &BROWSERS, 1.0)]
        }
        (Subject::Event(event), ["browser"]) => BROWSERS
            .iter()
            .map(|one| cell(named("browser", one.0), event.as_str(), &[*one], 1.0))
            .collect(),
        // Who comes from where uses every browser.
        (Subject::Event(event), ["channel"]) if system == "web" => CHANNELS
            .iter()
            .map(|one| cell(named("channel", one.0), event.as_str(), &BROWSERS, one.1))
            .collect(),
        (Subject::Sessions, []) if system == "web" => {
            vec![cell(Segment::new(), SESSIONS, &BROWSERS, 1.0)]
        }
        (Subject::AnyEvent, ["event"]) if system == "web" => NAMES
            .iter()
            .map(|name| cell(named("event", name), name, &BROWSERS, 1.0))
            .collect(),
        _ => return None,
    })
}

fn observation(
    question: &Question,
    segment: Segment,
    bucket: Bucket,
    value: f64,
    seen_at: Timestamp,
) -> Observation {
    Observation {
        series: question.key(segment),
        bucket,
        value: value.round(),
        quality: Quality::plain(),
        seen_at,
    }
}
