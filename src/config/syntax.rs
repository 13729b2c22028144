//! Breaches of TOML, told once each and with what would do.

use toml::de::Error;

use crate::model::{Code, Diagnostic, Span};

/// What reading one file complained of, without the echoes of one mistake, and the lines that
/// cannot be trusted after it.
pub(super) struct Breaches {
    pub(super) complaints: Vec<Diagnostic>,
    pub(super) lines: Vec<Span>,
}

/// A list that is not closed makes every line below it wrong, so of such a run only the first is
/// told; and of each line only its first mistake.
pub(super) fn breaches(file: u16, text: &str, mistakes: &[Error]) -> Breaches {
    let mut ordered: Vec<&Error> = mistakes.iter().collect();
    ordered.sort_by_key(|mistake| (start(mistake), !in_list(mistake)));
    let mut found = Breaches {
        complaints: Vec::new(),
        lines: Vec::new(),
    };
    let mut in_run = false;
    for mistake in ordered {
        let line = line_of(file, text, start(mistake));
        let seen = found.lines.contains(&line);
        let echo = seen || (in_run && in_list(mistake));
        if !seen {
            found.lines.push(line);
        }
        in_run = in_list(mistake) || (in_run && seen);
        if !echo {
            found.complaints.push(complaint(file, text, mistake));
        }
    }
    found
}

fn start(mistake: &Error) -> usize {
    mistake.span().map_or(0, |range| range.start)
}

fn in_list(mistake: &Error) -> bool {
    let message = mistake.message();
    message.contains("array") || message.contains("inline table")
}

fn complaint(file: u16, text: &str, mistake: &Error) -> Diagnostic {
    let range = mistake.span().unwrap_or(0..0);
    let mut at = span(file, &range);
    if at.start == at.end {
        // A place of no width gets its character, so that there is something to underline.
        let rest = text.get(range.start..).and_then(|rest| rest.chars().next());
        at.end += rest
            .filter(|c| *c != '\n')
            .map_or(0, |c| u32::try_from(c.len_utf8()).unwrap_or(1));
    }
    let message = mistake.message().lines().next().unwrap_or_default();
    let marked = text.get(range.clone()).unwrap_or_default();
    if message.starts_with("duplicate key") {
        return Diagnostic::error(
            Code(101),
            format!("`{marked}` is written twice in one table"),
        )
        .at(at, "written again here")
        .help("keep one of them");
    }
    let plain = |why: &str| {
        Diagnostic::error(Code(100), format!("this is not TOML: {message}")).at(at, why)
    };
    let line_start = text[..range.start.min(text.len())]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    if marked.starts_with(':')
        || text
            .get(range.start..)
            .is_some_and(|rest| rest.starts_with(':'))
    {
        let colon = Span {
            end: at.start + 1,
            ..at
        };
        return plain("a colon")
            .help("between a key and its value stands `=`")
            .fix(colon, " =", false);
    }
    if message.starts_with("string values must be quoted") && !marked.is_empty() {
        return plain("no quotes around it")
            .help("texts stand in double quotes")
            .fix(at, format!("\"{}\"", marked.trim_end()), false);
    }
    if in_list(mistake)
        && let Some(opened) = open_bracket(text, line_start)
    {
        return plain("not part of the list")
            .also(span(file, &(opened..opened + 1)), "opened here, and not closed")
            .help("close the list with ], or the inline table with }, and separate its values by commas");
    }
    if message.contains("invalid basic string") {
        return plain("the text is not closed on its line").help("close the text with \"");
    }
    plain("here").help(
        "texts stand in double quotes, lists in [ ], and every line is `key = value` or `[table]`",
    )
}

/// Where the list or inline table was opened that still runs at the beginning of a line.
fn open_bracket(text: &str, before: usize) -> Option<usize> {
    text.get(..before)?
        .match_indices(['[', '{'])
        .filter(|(at, _)| text[..*at].trim_end().ends_with('='))
        .map(|(at, _)| at)
        .next_back()
}

fn line_of(file: u16, text: &str, at: usize) -> Span {
    let at = at.min(text.len());
    let bytes = text.as_bytes();
    let start = bytes[..at]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let end = bytes[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(text.len(), |length| at + length);
    span(file, &(start..end))
}

/// A place in a file; places beyond 4 GiB end there.
pub(super) fn span(file: u16, range: &std::ops::Range<usize>) -> Span {
    let limit = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span {
        file,
        start: limit(range.start),
        end: limit(range.end),
    }
}
