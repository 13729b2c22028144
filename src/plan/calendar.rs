//! `[calendar.*]`: named times, for days that teach nothing and for routes that are mute.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;

use crate::config::{Reader, human, suggest};
use crate::model::{Code, Diagnostic, Name, Times};

use super::resolve::Resolver;
use super::{Plan, project};

/// Words for days of the week, with their numbers from Monday = 0.
const WEEKDAYS: [(&str, &[u8]); 9] = [
    ("monday", &[0]),
    ("tuesday", &[1]),
    ("wednesday", &[2]),
    ("thursday", &[3]),
    ("friday", &[4]),
    ("saturday", &[5]),
    ("sunday", &[6]),
    ("weekdays", &[0, 1, 2, 3, 4]),
    ("weekends", &[5, 6]),
];

/// `[calendar.*]`
pub(super) fn calendars(resolver: &mut Resolver<'_>, zone: Tz) -> BTreeMap<Name, Times> {
    let mut found = BTreeMap::new();
    for (name, span, section) in resolver.family("calendar") {
        let mut named = false;
        let times = resolver.read_section(section, |reader| {
            named = reader.has("days") || reader.has("hours");
            let zone = if reader.has("zone") {
                project::zone_of(reader, "zone").unwrap_or(zone)
            } else {
                zone
            };
            let (dates, weekdays) = days(reader);
            Times {
                dates,
                weekdays,
                hours: reader.hours("hours"),
                zone,
            }
        });
        if !named {
            resolver.complaints.push(
                Diagnostic::error(Code(104), format!("[calendar.{name}] names no time"))
                    .at(span, "in this table")
                    .help("give it days = [\"weekends\", \"2026-12-24..2026-12-26\"] or hours = \"20:00-07:00\""),
            );
        }
        found.insert(name, times);
    }
    found
}

fn days(reader: &mut Reader<'_>) -> (BTreeSet<chrono::NaiveDate>, BTreeSet<u8>) {
    let (mut dates, mut weekdays) = (BTreeSet::new(), BTreeSet::new());
    for (text, at) in reader.texts("days").unwrap_or_default() {
        let word = text.trim().to_lowercase();
        if let Some((_, numbers)) = WEEKDAYS.iter().find(|(known, _)| *known == word) {
            weekdays.extend(numbers.iter().copied());
            continue;
        }
        match human::days(&text) {
            Ok(more) => dates.extend(more),
            Err(why) => {
                let names: Vec<&str> = WEEKDAYS.iter().map(|(word, _)| *word).collect();
                let complaint = Diagnostic::error(Code(105), why).at(at, "cannot be read");
                reader.complain(match suggest(&word, &names) {
                    Some(near) => {
                        complaint
                            .help("a similar day exists")
                            .fix(at, format!("\"{near}\""), true)
                    }
                    None => complaint.help("or a day of the week: \"saturday\", \"weekends\""),
                });
            }
        }
    }
    (dates, weekdays)
}

/// Routes that are mute by a calendar must find it; a calendar that no route uses is a time that
/// teaches nothing.
pub(super) fn connect(resolver: &mut Resolver<'_>, plan: &mut Plan) {
    let places: Vec<(Name, crate::model::Span)> = resolver
        .family("calendar")
        .into_iter()
        .map(|(name, at, _)| (name, at))
        .collect();
    let mut used: BTreeSet<Name> = BTreeSet::new();
    for route in &plan.routes {
        let Some(section) = resolver.named("route", &route.name) else {
            continue;
        };
        for calendar in &route.mute {
            let at = super::consistent::place(section, "mute", calendar.as_str());
            if resolver.refer(205, "calendar", calendar, at, &places) {
                used.insert(calendar.clone());
            }
        }
    }
    let closed = plan
        .calendars
        .iter()
        .filter(|(name, _)| !used.contains(*name));
    let closed: Vec<Times> = closed.map(|(_, times)| times.clone()).collect();
    plan.project.calendar = plan.project.calendar.clone().closed(closed);
}
