//! Reports: what did the last audits say?

use askama::Template;

use super::Frame;

#[derive(Template)]
#[template(path = "reports.html", escape = "html", config = ".config/askama.toml")]
struct Page {
    frame: Frame,
    kept: Vec<String>,
    /// Week and month.
    newest: [String; 2],
}

/// The archive: labels of the audits that were sent, newest first, and the labels of the last whole
/// week and month, which can be made now.
pub fn reports(frame: Frame, kept: &[String], newest: &[String; 2]) -> String {
    let frame = frame.at("/reports");
    Page {
        frame,
        kept: kept.to_vec(),
        newest: newest.clone(),
    }
    .render()
    .unwrap_or_default()
}
