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

/// Monday to Sunday.
const WEEK: [f64; 7] = [1.05, 1.0, 0.98, 0.97, 0.95, 1.0, 1.15];

impl World {
    /// What happened on a day, for everybody; `None` for events that the company does not know.
    fn truth(&self, event: &str, date: NaiveDate) -> Option<f64> {
        let base = match event {
            "begin_checkout" => 3000.0,
            "purchase" => 1400.0,
            "sign_up" => 700.0,
            "generate_lead" => 300.0,
            _ => return None,
        };
        let ago = (self.today - date).num_days();
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

    /// What a system shows of an event on a day in its final state, in one browser.
    fn shown(
        &self,
        system: &str,
        event: &str,
        browser: (&str, f64),
        date: NaiveDate,
    ) -> Option<f64> {
        let ago = (self.today - date).num_days();
        let known = match system {
            "web" => true,
            "orders" => matches!(event, "purchase" | "sign_up"),
            _ => event == "generate_lead",
        };
        let all = self.truth(event, date).filter(|_| known)? * browser.1;
        let jitter = 1.0 + 0.01 * self.normal(&format!("{system}/{event}/{}", browser.0), date);
        let share = match system {
            // Consent and blockers.
            "web" => 0.90 * jitter,
            "crm" if SYNC.at_work(ago) => 0.0,
            "crm" => 0.90 * (1.0 + 0.5 * (jitter - 1.0)),
            _ => 1.0,
        };
        let broken =
            system == "web" && event == "purchase" && browser.0 == "Safari" && SAFARI.at_work(ago);
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
    let Subject::Event(event) = &question.subject else {
        return None;
    };
    let by_browser = match question.by.as_slice() {
        [] => false,
        [one] if one.as_str() == "browser" => true,
        _ => return None,
    };
    if question.grain != Grain::Day || !question.filter.0.is_empty() {
        return None;
    }
    world.part(&question.measure, system, event.as_str(), world.today)?;
    let first = world.today - Duration::days(DAYS);
    let days = calendar.buckets(Grain::Day, window);
    let ended = days
        .into_iter()
        .filter(|day| day.end <= now && day.date() >= first);
    let mut found = Vec::new();
    for day in ended {
        let value = |browser| {
            let shown = world.shown(system, event.as_str(), browser, day.date())?;
            let part = world.part(&question.measure, system, event.as_str(), day.date())?;
            Some(shown * part * visible(system, now - day.end))
        };
        if by_browser {
            for browser in BROWSERS {
                let segment = Segment::from([(Name::clean("browser"), browser.0.to_owned())]);
                found.push(observation(question, segment, day, value(browser)?, now));
            }
        } else {
            let total = BROWSERS.into_iter().map(value).sum::<Option<f64>>()?;
            found.push(observation(question, Segment::new(), day, total, now));
        }
    }
    Some(found)
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
