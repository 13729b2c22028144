//! Settings of a source that give its numbers their meaning, and what became of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Mark, MarkKind, Name, Timestamp};

/// Between the parts of a setting that is a list.
pub const BETWEEN: &str = ", ";

/// One mark for each setting that was read before and now, and is not what it was. A setting that was
/// never read before, or was not read now, has not changed.
pub fn drift(
    source: &Name,
    before: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
    at: Timestamp,
) -> Vec<Mark> {
    let changed = now.iter().filter_map(|(key, value)| {
        let was = before.get(key).filter(|was| *was != value)?;
        Some(Mark {
            at,
            kind: MarkKind::Setting,
            name: Name::clean(&told(key, was, value)),
            source: Some(source.clone()),
        })
    });
    changed.collect()
}

/// `time zone: was Europe/Berlin, is UTC`; of lists what came and went.
fn told(key: &str, was: &str, is: &str) -> String {
    let parts = |text: &str| -> BTreeSet<String> {
        let parts = text.split(BETWEEN).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    let (before, now) = (parts(was), parts(is));
    if before.len() < 2 && now.len() < 2 {
        return format!("{key}: was {was}, is {is}");
    }
    let list = |some: Vec<&String>| -> String {
        let some: Vec<&str> = some.into_iter().map(String::as_str).collect();
        some.join(BETWEEN)
    };
    let gone = list(before.difference(&now).collect());
    let new = list(now.difference(&before).collect());
    match (gone.is_empty(), new.is_empty()) {
        (false, true) => format!("{key}: {gone} is gone"),
        (true, false) => format!("{key}: {new} is new"),
        _ => format!("{key}: {gone} is gone, {new} is new"),
    }
}

/// Whether a mark of [`drift`] tells only of something new: worth knowing, and breaks nothing.
pub fn only_adds(mark: &Mark) -> bool {
    let text = mark.name.as_str();
    text.ends_with(" is new") && !text.contains(" is gone, ")
}
