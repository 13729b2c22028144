//! Complaints about the configuration: for people, for machines, for pull requests.

use annotate_snippets::{AnnotationKind, Group, Level as Kind, Patch, Renderer, Snippet};
use serde_json::json;

use crate::config::Text;
use crate::model::{Diagnostic, Level, Note, Span};
use crate::plan::Plan;

/// For people: each complaint with its place underlined, its reason and its patch.
pub fn human(diagnostics: &[Diagnostic], files: &[Text], color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let files = masked(diagnostics, files);
    let texts: Vec<String> = diagnostics
        .iter()
        .map(|one| renderer.render(&groups(one, &files)))
        .collect();
    texts.join("\n\n")
}

/// The code of a secret that is written in a file.
const SECRET: u16 = 310;

/// The files with stars in place of secrets, byte by byte so that every place stays true: what is
/// printed here ends up in logs.
fn masked(diagnostics: &[Diagnostic], files: &[Text]) -> Vec<Text> {
    let mut masked = files.to_vec();
    let secrets = diagnostics.iter().filter(|one| one.code.0 == SECRET);
    for at in secrets.filter_map(|one| one.at) {
        let Some(file) = masked.get_mut(usize::from(at.file)) else {
            continue;
        };
        let range = range(at, &file.text);
        let stars: String = file.text[range.clone()]
            .bytes()
            .map(|byte| match byte {
                b'"' | b'\'' | b'\n' | b'\r' => char::from(byte),
                _ => '*',
            })
            .collect();
        file.text.replace_range(range, &stars);
    }
    masked
}

fn kind(level: Level) -> Kind<'static> {
    match level {
        Level::Error => Kind::ERROR,
        Level::Warning => Kind::WARNING,
        Level::Note => Kind::NOTE,
    }
}

/// A span of the text that is there.
fn range(at: Span, text: &str) -> std::ops::Range<usize> {
    let mut start = (at.start as usize).min(text.len());
    let mut end = (at.end as usize).clamp(start, text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

fn groups<'a>(one: &'a Diagnostic, files: &'a [Text]) -> Vec<Group<'a>> {
    let code = one.code.to_string();
    let title = kind(one.level).primary_title(&one.message).id(code);
    let file = |at: Span| files.get(usize::from(at.file));
    let mut group = Group::with_title(title);
    if let Some((at, text)) = one.at.and_then(|at| Some((at, file(at)?))) {
        let mut snippet = Snippet::source(&text.text).path(&text.path).fold(true);
        snippet = snippet.annotation(
            AnnotationKind::Primary
                .span(range(at, &text.text))
                .label(one.label.as_str()),
        );
        for note in one.also.iter().filter(|note| note.at.file == at.file) {
            let span = range(note.at, &text.text);
            snippet =
                snippet.annotation(AnnotationKind::Context.span(span).label(note.text.as_str()));
        }
        group = group.element(snippet);
        for note in one.also.iter().filter(|note| note.at.file != at.file) {
            if let Some(other) = file(note.at) {
                let span = range(note.at, &other.text);
                let label = AnnotationKind::Context.span(span).label(note.text.as_str());
                group = group.element(
                    Snippet::source(&other.text)
                        .path(&other.path)
                        .annotation(label),
                );
            }
        }
    }
    let patch = one.fix.as_ref().and_then(|fix| Some((fix, file(fix.at)?)));
    let mut groups = Vec::new();
    match (patch, &one.help) {
        (Some((fix, text)), help) => {
            groups.push(group);
            let words = help.as_deref().unwrap_or("write it like this");
            let patch = Patch::new(range(fix.at, &text.text), fix.with.as_str());
            groups.push(
                Kind::HELP
                    .secondary_title(words)
                    .element(Snippet::source(&text.text).path(&text.path).patch(patch)),
            );
        }
        (None, Some(help)) => groups.push(group.element(Kind::HELP.message(help.as_str()))),
        (None, None) => groups.push(group),
    }
    groups
}

/// Line and column of a byte, both from 1.
fn place(text: &str, at: u32) -> (usize, usize) {
    let before = &text.as_bytes()[..(at as usize).min(text.len())];
    let line = String::from_utf8_lossy(before).matches('\n').count() + 1;
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    (
        line,
        String::from_utf8_lossy(&before[start..]).chars().count() + 1,
    )
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// For machines: `{version, diagnostics: [...]}`.
pub fn json(diagnostics: &[Diagnostic], files: &[Text]) -> String {
    let list: Vec<_> = diagnostics
        .iter()
        .map(|one| {
            let file = one.at.and_then(|at| files.get(usize::from(at.file)).map(|file| (at, file)));
            let (line, column) = file.map_or((0, 0), |(at, file)| place(&file.text, at.start));
            json!({
                "code": one.code.to_string(),
                "level": word(one.level),
                "message": one.message,
                "file": file.map(|(_, file)| file.path.clone()),
                "line": line,
                "column": column,
                "label": one.label,
                "also": one.also.iter().map(|note| also(note, files)).collect::<Vec<_>>(),
                "help": one.help,
                "fix": one.fix.as_ref().map(|fix| json!({ "start": fix.at.start, "end": fix.at.end, "with": fix.with, "safe": fix.safe })),
            })
        })
        .collect();
    format!("{:#}\n", json!({ "version": 1, "diagnostics": list }))
}

fn also(note: &Note, files: &[Text]) -> serde_json::Value {
    let file = files.get(usize::from(note.at.file));
    let (line, column) = file.map_or((0, 0), |file| place(&file.text, note.at.start));
    json!({
        "file": file.map(|file| file.path.clone()),
        "line": line,
        "column": column,
        "text": note.text,
    })
}

/// For pull requests on GitHub: one annotation a line. Annotations name files from the root of the
/// repository, in which the project may be the folder `inside`; empty when it is the root.
pub fn github(diagnostics: &[Diagnostic], files: &[Text], inside: &str) -> String {
    // Workflow commands end at a line break, their properties at `:` and `,` too.
    let escaped = |text: &str| {
        text.replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let property = |text: &str| escaped(text).replace(':', "%3A").replace(',', "%2C");
    let line = |one: &Diagnostic| {
        let level = if one.level == Level::Note {
            "notice"
        } else {
            word(one.level)
        };
        let file = one
            .at
            .and_then(|at| files.get(usize::from(at.file)).map(|file| (at, file)));
        let place = file.map_or(String::new(), |(at, file)| {
            let (line, column) = place(&file.text, at.start);
            let path = match inside {
                "" => file.path.clone(),
                folder => format!("{folder}/{}", file.path),
            };
            format!("file={},line={line},col={column},", property(&path))
        });
        let help = one
            .help
            .as_ref()
            .map_or(String::new(), |help| format!("\n{help}"));
        format!(
            "::{level} {place}title={}::{}\n",
            one.code,
            escaped(&format!("{}{help}", one.message))
        )
    };
    diagnostics.iter().map(line).collect()
}

/// `4 files, 19 events, 6 conversions, 31 checks: 1 error, 1 warning`.
pub fn summary(plan: &Plan, files: &[Text], checks: usize, diagnostics: &[Diagnostic]) -> String {
    let plural =
        |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let of = |level: Level| diagnostics.iter().filter(|one| one.level == level).count();
    let what = [
        plural(files.len(), "file"),
        plural(plan.events.len(), "event"),
        plural(plan.conversions.len(), "conversion"),
        plural(checks, "check"),
    ];
    let (errors, warnings) = (of(Level::Error), of(Level::Warning));
    let verdict = if errors + warnings == 0 {
        "no errors".to_owned()
    } else {
        format!(
            "{}, {}",
            plural(errors, "error"),
            plural(warnings, "warning")
        )
    };
    let first = diagnostics.iter().find(|one| one.level != Level::Note);
    let hint = first.map_or(String::new(), |one| {
        format!("\nExplain a code: truecount explain {}", one.code)
    });
    format!("{}: {verdict}{hint}", what.join(", "))
}
