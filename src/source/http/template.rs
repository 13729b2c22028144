//! The request with its placeholders: `{from}`, `{to}`, `{event}` and others.

use serde_json::Value;
use url::Url;

use crate::config::{Reader, Section, Typed};
use crate::model::{Calendar, Code, Diagnostic, Window};
use crate::source::SourceError;

/// Everything a placeholder may stand for.
const PLACEHOLDERS: [&str; 9] = [
    "from",
    "to",
    "last",
    "from_unix",
    "to_unix",
    "from_time",
    "to_time",
    "event",
    "next",
];

/// What a call is made of, with placeholders.
pub(super) struct Template {
    base: Url,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
    post: bool,
}

/// What the placeholders stand for.
pub(super) struct Slots<'a> {
    /// The days that are asked for.
    pub(super) window: Window,
    /// Whose days.
    pub(super) calendar: &'a Calendar,
    /// The event's name in this API.
    pub(super) event: &'a str,
    /// The cursor of the next page; empty for the first.
    pub(super) next: &'a str,
}

impl Slots<'_> {
    fn value(&self, name: &str) -> String {
        let (from, to) = (self.window.from, self.window.to);
        let day = |at| self.calendar.local(at).date();
        match name {
            "from" => day(from).to_string(),
            "to" => day(to).to_string(),
            "last" => day(to - chrono::TimeDelta::seconds(1)).to_string(),
            "from_unix" => from.timestamp().to_string(),
            "to_unix" => to.timestamp().to_string(),
            "from_time" => from.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            "to_time" => to.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            "event" => self.event.to_owned(),
            "next" => self.next.to_owned(),
            _ => String::new(),
        }
    }

    /// Fills a text in one pass: a value that looks like a placeholder stays as it is.
    fn fill(&self, text: &str, escape: impl Fn(&str) -> String) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = placeholder(rest) {
            filled.push_str(before);
            filled.push_str(&escape(&self.value(name)));
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

/// The first known placeholder: what stands before it, its name, and what follows.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let known = PLACEHOLDERS.iter().find(|name| {
            text[open + 1..]
                .strip_prefix(**name)
                .is_some_and(|rest| rest.starts_with('}'))
        });
        if let Some(name) = known {
            return Some((&text[..open], name, &text[open + name.len() + 2..]));
        }
        from = open + 1;
    }
    None
}

/// One segment of a path, or one value of a query.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// Reads `request`.
pub(super) fn read(
    section: &Section,
    base: Option<Url>,
    outer: &mut Reader<'_>,
) -> Option<Template> {
    let mut reader = Reader::new(section);
    let path = reader.text("path").unwrap_or_default();
    let mut query = Vec::new();
    if let Some(table) = reader.table("query") {
        let mut entries: Vec<_> = table.entries.iter().collect();
        entries.sort_by_key(|(_, entry)| entry.key);
        for (key, entry) in entries {
            match plain(&entry.value) {
                Some(Value::String(text)) => query.push((key.clone(), text)),
                Some(value @ (Value::Number(_) | Value::Bool(_))) => {
                    query.push((key.clone(), value.to_string()));
                }
                _ => reader.complain(
                    Diagnostic::error(Code(105), format!("`{key}` cannot stand in a query"))
                        .at(entry.at, "not a text or number"),
                ),
            }
        }
    }
    let body = reader.entry("body").and_then(|entry| match &entry.value {
        Typed::Table(_) | Typed::List(_) => plain(&entry.value),
        Typed::Text(text) => serde_json::from_str(text).ok(),
        _ => None,
    });
    if reader.has("body") && body.is_none() {
        let at = reader.place("body");
        reader.complain(
            Diagnostic::error(Code(105), "`body` is not JSON")
                .at(at, "cannot be read")
                .help("write a table, or JSON as a text"),
        );
    }
    let method = if reader.has("method") {
        reader.one_of("method", &["GET", "POST"])
    } else {
        None
    };
    let inner = reader.finish();
    let fine = inner.is_empty();
    for complaint in inner {
        outer.complain(complaint);
    }
    let post = method.as_deref() == Some("POST") || body.is_some();
    (fine && base.is_some())
        .then_some(())
        .and(base)
        .map(|base| Template {
            base,
            path,
            query,
            body,
            post,
        })
}

/// A TOML value as JSON.
fn plain(value: &Typed) -> Option<Value> {
    Some(match value {
        Typed::Text(text) | Typed::Moment(text) => Value::String(text.clone()),
        Typed::Whole(number) => Value::from(*number),
        Typed::Decimal(number) => Value::from(*number),
        Typed::Flag(flag) => Value::Bool(*flag),
        Typed::Date(date) => Value::String(date.to_string()),
        Typed::List(items) => Value::Array(
            items
                .iter()
                .map(|(_, item)| plain(item))
                .collect::<Option<_>>()?,
        ),
        Typed::Table(table) => Value::Object(
            table
                .entries
                .iter()
                .map(|(key, entry)| Some((key.clone(), plain(&entry.value)?)))
                .collect::<Option<_>>()?,
        ),
    })
}

impl Template {
    /// Whether a text of the request holds a placeholder that `wanted` accepts.
    fn any(&self, wanted: impl Fn(&str) -> bool) -> bool {
        let body = self.body.as_ref().map(Value::to_string);
        let texts = std::iter::once(&self.path)
            .chain(self.query.iter().map(|(_, value)| value))
            .chain(&body);
        texts.into_iter().any(|text| {
            let mut rest = text.as_str();
            while let Some((_, name, after)) = placeholder(rest) {
                if wanted(name) {
                    return true;
                }
                rest = after;
            }
            false
        })
    }

    /// Whether each event is asked for alone.
    pub(super) fn names_event(&self) -> bool {
        self.any(|name| name == "event")
    }

    /// Whether the days are named.
    pub(super) fn names_time(&self) -> bool {
        self.any(|name| name.starts_with("from"))
    }

    pub(super) fn is_post(&self) -> bool {
        self.post
    }

    /// The address of a call. Empty cursors are left out.
    pub(super) fn url(&self, slots: &Slots<'_>) -> Result<Url, SourceError> {
        let path = slots.fill(&self.path, escaped);
        let text = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let mut url = Url::parse(&text).map_err(|why| SourceError::Refused {
            why: format!("the address of the request is wrong: {why}"),
        })?;
        if url.origin() != self.base.origin() {
            return Err(SourceError::Refused {
                why: "the path of the request leads to another host: write it like /v1/counts"
                    .to_owned(),
            });
        }
        for (key, value) in &self.query {
            let filled = slots.fill(value, str::to_owned);
            if !(filled.is_empty() && value.contains("{next}")) {
                url.query_pairs_mut().append_pair(key, &filled);
            }
        }
        Ok(url)
    }

    /// The address of the next page: an address, a path, or a cursor for `{next}`. Never another
    /// host, which would be handed our headers.
    pub(super) fn next_url(
        &self,
        now: &Url,
        next: &str,
        slots: &Slots<'_>,
    ) -> Result<Url, SourceError> {
        if self.any(|name| name == "next") {
            return self.url(slots);
        }
        let wrong = || {
            SourceError::Odd { why: "the next page is neither an address nor a path; if it is a cursor, write {next} into the request".to_owned() }
        };
        let is_address = next.starts_with("http://")
            || next.starts_with("https://")
            || next.starts_with(['/', '?']);
        let url = now
            .join(next)
            .ok()
            .filter(|_| is_address)
            .ok_or_else(wrong)?;
        if url.origin() != self.base.origin() {
            let host = url.host_str().unwrap_or("nowhere").to_owned();
            return Err(SourceError::Odd {
                why: format!("the next page is said to be at another host ({host})"),
            });
        }
        Ok(url)
    }

    /// The body of a call. Placeholders are filled in texts of the JSON, so no value can break out.
    pub(super) fn body(&self, slots: &Slots<'_>) -> Option<String> {
        self.body
            .as_ref()
            .map(|body| filled(body, slots).to_string())
    }
}

fn filled(value: &Value, slots: &Slots<'_>) -> Value {
    match value {
        Value::String(text) => Value::String(slots.fill(text, str::to_owned)),
        Value::Array(items) => Value::Array(items.iter().map(|item| filled(item, slots)).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, item)| (key.clone(), filled(item, slots)))
                .collect(),
        ),
        other => other.clone(),
    }
}
