//! Reads lines of CSV and JSON Lines one by one, each with its place.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use encoding_rs_io::DecodeReaderBytes;
use serde_json::Value;

use crate::source::SourceError;
use crate::source::line::shown;

/// Longest line, in bytes: more is not a line of counts.
const LONGEST_LINE: u64 = 1 << 20;

/// The values of a line by the names of their columns; an absent or null value is not there.
pub(super) type Fields = BTreeMap<String, String>;

/// One line, borrowed from the reader: files have millions of them.
#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    /// Names of the columns, and the values under them.
    Record(&'a [String], &'a csv::StringRecord),
    /// Each value with its name.
    Fields(&'a Fields),
}

impl<'a> Row<'a> {
    /// The value of a column; of two columns of one name the last counts.
    pub(super) fn get(self, column: &str) -> Option<&'a str> {
        match self {
            Self::Record(names, values) => {
                let place = names.iter().rposition(|name| name == column)?;
                values.get(place)
            }
            Self::Fields(fields) => fields.get(column).map(String::as_str),
        }
    }

    /// Why a column is not there: with the names that are.
    pub(super) fn lacks(self, column: &str) -> String {
        const MOST: usize = 12;
        let names: Vec<String> = match self {
            Self::Record(names, _) => names.iter().map(|name| shown(name).to_string()).collect(),
            Self::Fields(fields) => fields.keys().map(|name| shown(name).to_string()).collect(),
        };
        let more = if names.len() > MOST { ", …" } else { "" };
        let names = &names[..names.len().min(MOST)];
        format!(
            "there is no column `{}`; there are {}{more}",
            shown(column),
            names.join(", ")
        )
    }

    /// Hands over every column with its value, in no particular order.
    pub(super) fn each(self, mut take: impl FnMut(&'a str, &'a str)) {
        match self {
            Self::Record(names, values) => names
                .iter()
                .zip(values)
                .for_each(|(name, value)| take(name, value)),
            Self::Fields(fields) => fields.iter().for_each(|(name, value)| take(name, value)),
        }
    }
}

/// A file as UTF-8: a mark at its beginning says that it is UTF-16, as exports of ad platforms are.
type Reader = BufReader<DecodeReaderBytes<File, Vec<u8>>>;

/// What follows a line: the next, or the reason to stop.
pub(super) type Visit<'a> = dyn FnMut(u64, Row<'_>) -> Result<(), String> + 'a;

/// Hands every line of a file to `visit` with its number. Errors name the file and the line.
pub(super) fn lines(path: &Path, name: &str, visit: &mut Visit<'_>) -> Result<(), SourceError> {
    let cannot = |why: std::io::Error| SourceError::Wait {
        after: None,
        why: format!("{name} cannot be read: {why}"),
    };
    let file = File::open(path).map_err(cannot)?;
    let mut reader: Reader = BufReader::new(DecodeReaderBytes::new(file));
    let start = reader.fill_buf().map_err(cannot)?;
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    // What a file is shows in its first character, not in its name.
    if first == Some(&b'<') {
        let why = format!("{name} is HTML, not a file of counts (a login page that was saved?)");
        return Err(SourceError::Odd { why });
    }
    if first == Some(&b'{') {
        json(reader, name, visit)
    } else {
        csv(reader, name, visit)
    }
}

fn odd(name: &str, line: u64, why: &str) -> SourceError {
    SourceError::Odd {
        why: format!("{name}:{line}: {why}"),
    }
}

/// The first line of a CSV file, which names the columns, and what it tells about the others.
struct Head {
    text: Vec<u8>,
    /// Lines of remarks before it, as exports of analytics have.
    before: u64,
    separator: u8,
    /// Lines end with a carriage return too. The reader then says of a line that it begins where the
    /// one before ends.
    returns: bool,
}

impl Head {
    fn read(reader: &mut Reader) -> io::Result<Self> {
        let (mut text, mut before) = (Vec::new(), 0);
        loop {
            let read = reader.take(LONGEST_LINE).read_until(b'\n', &mut text)?;
            let line = text.trim_ascii();
            if read == 0 || !line.is_empty() && line[0] != b'#' {
                break;
            }
            before += 1;
            text.clear();
        }
        // A name that holds one of the others stands in quotes, and the true one more often.
        let times = |wanted: u8| text.split(|byte| *byte == wanted).count();
        let separator = [b';', b'\t'].into_iter().fold(b',', |best, other| {
            if times(other) > times(best) {
                other
            } else {
                best
            }
        });
        Ok(Self {
            returns: text.ends_with(b"\r\n"),
            text,
            before,
            separator,
        })
    }
}

fn csv(mut reader: Reader, name: &str, visit: &mut Visit<'_>) -> Result<(), SourceError> {
    let head = Head::read(&mut reader).map_err(|why| odd(name, 1, &why.to_string()))?;
    let whole = head.text.as_slice().chain(reader);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .delimiter(head.separator)
        .from_reader(whole);
    let headers: Vec<String> = reader
        .headers()
        .map_err(|why| csv_trouble(name, head.before, &why))?
        .iter()
        .map(|header| header.trim_start_matches('\u{feff}').to_owned())
        .collect();
    if headers.is_empty() {
        return Err(odd(
            name,
            1,
            "the file is empty; its first line names the columns",
        ));
    }
    let offset = head.before + u64::from(head.returns);
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(why) => return Err(csv_trouble(name, offset, &why)),
        }
        let line = offset + record.position().map_or(0, csv::Position::line);
        visit(line, Row::Record(&headers, &record)).map_err(|why| odd(name, line, &why))?;
    }
}

fn csv_trouble(name: &str, offset: u64, why: &csv::Error) -> SourceError {
    let text = match why.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("{len} values where the first line names {expected_len} columns")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8 text; save the file as CSV UTF-8".to_owned(),
        _ => why.to_string(),
    };
    let line = why.position().map_or(1, csv::Position::line);
    odd(name, offset + line, &text)
}

fn json(mut reader: Reader, name: &str, visit: &mut Visit<'_>) -> Result<(), SourceError> {
    let mut buffer = Vec::new();
    let mut line = 0;
    loop {
        buffer.clear();
        line += 1;
        let read = (&mut reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut buffer)
            .map_err(|why| odd(name, line, &why.to_string()))?;
        if read == 0 {
            return Ok(());
        }
        if read as u64 == LONGEST_LINE {
            return Err(odd(name, line, "the line is longer than 1 MiB"));
        }
        if buffer.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let fields: BTreeMap<String, Value> = serde_json::from_slice(&buffer).map_err(|why| {
            let text = shown(&String::from_utf8_lossy(&buffer[..buffer.len().min(60)])).to_string();
            odd(name, line, &format!("not a JSON object ({why}): {text}"))
        })?;
        let mut row = Fields::new();
        flatten("", fields, &mut row);
        visit(line, Row::Fields(&row)).map_err(|why| odd(name, line, &why))?;
    }
}

/// Objects within a line become columns with dots: `{"params": {"value": 5}}` has `params.value`.
fn flatten(prefix: &str, fields: impl IntoIterator<Item = (String, Value)>, row: &mut Fields) {
    for (key, value) in fields {
        let key = format!("{prefix}{key}");
        match value {
            Value::String(text) => drop(row.insert(key, text)),
            Value::Number(number) => drop(row.insert(key, number.to_string())),
            Value::Bool(flag) => drop(row.insert(key, flag.to_string())),
            Value::Object(inner) => flatten(&format!("{key}."), inner, row),
            Value::Null | Value::Array(_) => {}
        }
    }
}
