//! Reports: what did the last audits say?

use askama::Template;

use super::Frame;

#[derive(Template)]
#[template(path = "reports.html", escape = "html", config = ".config/askama.toml")]
struct Page {
    frame: Frame,
    kept: Vec<String>,
    newest: String,
}

/// The archive: labels of the audits that were sent, newest first, and the label of the last whole
/// week, which can be made now.
pub fn reports(frame: Frame, kept: &[String], newest: &str) -> String {
    let frame = frame.at("/reports");
    Page {
        frame,
        kept: kept.to_vec(),
        newest: newest.to_owned(),
    }
    .render()
    .unwrap_or_default()
}
