//! Charts as SVG made here, and as PNG for mail: one drawing, two grounds.

use std::fmt::Write as _;
use std::sync::Arc;

use resvg::{tiny_skia, usvg};

use crate::model::Status;
use crate::report::Report;

use super::mail::html;
use super::words;

/// Colors of a ground that does not change: mail and pictures.
const INK: &str = "#1b2733";
const QUIET: &str = "#55636f";
const LINE: &str = "#0b5c94";
const BEFORE: &str = "#b9cad8";
const BAD: &str = "#c2410c";

/// Most bars.
const BARS: usize = 8;

/// This week's counts beside last week's, as horizontal bars; `None` when there is nothing to draw.
pub fn counts(report: &Report) -> Option<String> {
    let lines: Vec<_> = report
        .counts
        .iter()
        .filter(|line| line.this_week > 0.0)
        .take(BARS)
        .collect();
    if lines.is_empty() {
        return None;
    }
    let (width, left, row) = (584.0, 170.0, 38.0);
    let height = row * lines.len() as f64 + 34.0;
    let mut svg = open(width, height, "Counts of this week beside last week's");
    for (index, line) in lines.iter().enumerate() {
        let top = 10.0 + row * index as f64;
        // Each pair has a scale of its own: events of very different sizes stand side by side.
        let most = line.this_week.max(line.last_week.unwrap_or(0.0)).max(1.0);
        let scale = (width - left - 110.0) / most;
        let color = if line.doubts.is_empty() { LINE } else { BAD };
        let name = html(&words::cut(&words::spoken(line.name.as_str())));
        label(&mut svg, 8.0, top + 17.0, INK, "start", &name);
        bar(
            &mut svg,
            left,
            top,
            line.last_week.unwrap_or(0.0) * scale,
            9.0,
            BEFORE,
        );
        bar(
            &mut svg,
            left,
            top + 11.0,
            line.this_week * scale,
            12.0,
            color,
        );
        let text = words::number(line.this_week);
        label(
            &mut svg,
            left + line.this_week * scale + 8.0,
            top + 21.0,
            INK,
            "start",
            &text,
        );
    }
    let foot = height - 8.0;
    bar(&mut svg, left, foot - 9.0, 12.0, 9.0, LINE);
    label(&mut svg, left + 17.0, foot, QUIET, "start", "this week");
    bar(&mut svg, left + 90.0, foot - 9.0, 12.0, 9.0, BEFORE);
    label(&mut svg, left + 107.0, foot, QUIET, "start", "last week");
    bar(&mut svg, left + 180.0, foot - 9.0, 12.0, 9.0, BAD);
    label(&mut svg, left + 197.0, foot, QUIET, "start", "unreliable");
    svg.push_str("</svg>");
    Some(svg)
}

fn open(width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"DejaVu Sans, Segoe UI, Roboto, Arial, sans-serif\" font-size=\"12\"><title>{0}</title><rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
        html(title)
    )
}

fn bar(svg: &mut String, x: f64, y: f64, width: f64, height: f64, color: &str) {
    // Writing to a String cannot fail.
    write!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{color}\"/>",
        width.max(0.0)
    )
    .unwrap_or_default();
}

fn label(svg: &mut String, x: f64, y: f64, color: &str, anchor: &str, text: &str) {
    write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{color}\" text-anchor=\"{anchor}\">{text}</text>"
    )
    .unwrap_or_default();
}

/// The picture for the mail.
pub fn counts_png(report: &Report) -> Option<Vec<u8>> {
    png(&counts(report)?)
}

/// An SVG as PNG in twice its size, with the letters of the compiled-in face.
pub fn png(svg: &str) -> Option<Vec<u8>> {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    let options = usvg::Options {
        fontdb: Arc::new(fonts),
        font_family: "DejaVu Sans".to_owned(),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(svg, &options).ok()?;
    let size = tree.size().to_int_size().scale_by(2.0)?;
    let mut canvas = tiny_skia::Pixmap::new(size.width(), size.height())?;
    resvg::render(
        &tree,
        tiny_skia::Transform::from_scale(2.0, 2.0),
        &mut canvas.as_mut(),
    );
    canvas.encode_png().ok()
}

/// Twenty-eight days of a check: the height tells the state (low is OK, middle is warning, full is
/// failing, a dot is no data), so that it reads without color.
pub fn strip(days: &[Option<Status>], title: &str) -> String {
    let (step, height) = (7.0, 22.0);
    let width = step * days.len().max(1) as f64;
    let mut svg = format!(
        "<svg class=\"strip\" role=\"img\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\"><title>{}</title>",
        html(title)
    );
    for (index, day) in days.iter().enumerate() {
        let x = step * index as f64;
        let (class, tall) = match day {
            Some(Status::Ok) => ("ok", 6.0),
            Some(Status::Warning) => ("warning", 13.0),
            Some(Status::Failing) => ("failing", 20.0),
            None => {
                write!(
                    svg,
                    "<circle class=\"none\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.2\"/>",
                    x + 2.5,
                    height - 3.0
                )
                .unwrap_or_default();
                continue;
            }
        };
        write!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"5\" height=\"{tall}\"/>",
            height - tall
        )
        .unwrap_or_default();
    }
    svg.push_str("</svg>");
    svg
}
