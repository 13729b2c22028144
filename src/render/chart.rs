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

/// Counts beside those before as horizontal bars, with what the drawing says; `None` when there is
/// nothing to draw.
pub fn counts(report: &Report) -> Option<(String, String)> {
    let lines: Vec<_> = report
        .counts
        .iter()
        .filter(|line| line.current > 0.0)
        .take(BARS)
        .collect();
    let first = lines.first()?;
    let word = report.period.word();
    let says = match first.previous {
        Some(before) if before > 0.0 => format!(
            "{}: {} this {word}, {} in the {word} before ({}); the table below holds every count",
            words::capital(&words::spoken(first.name.as_str())),
            words::number(first.current),
            words::number(before),
            words::moved(first.current / before - 1.0)
        ),
        _ => format!("Counts of this {word} beside the one before; the table below holds them"),
    };
    let (width, left, row) = (584.0, 170.0, 38.0);
    let height = row * lines.len() as f64 + 34.0;
    let mut svg = open(width, height, &says);
    for (index, line) in lines.iter().enumerate() {
        let top = 10.0 + row * index as f64;
        // Each pair has a scale of its own: events of very different sizes stand side by side.
        let before = line.previous.unwrap_or(0.0);
        let most = line.current.max(before).max(1.0);
        let scale = (width - left - 110.0) / most;
        let color = if line.doubts.is_empty() { LINE } else { BAD };
        let name = html(&words::cut(&words::spoken(line.name.as_str())));
        label(&mut svg, 8.0, top + 17.0, INK, "start", &name);
        bar(&mut svg, left, top, before * scale, 9.0, BEFORE);
        bar(
            &mut svg,
            left,
            top + 11.0,
            line.current * scale,
            12.0,
            color,
        );
        let text = words::number(line.current);
        let x = left + line.current * scale + 8.0;
        label(&mut svg, x, top + 21.0, INK, "start", &text);
    }
    let foot = height - 8.0;
    let mut x = left;
    let all = [
        (LINE, format!("this {word}")),
        (BAD, "unreliable".to_owned()),
        (BEFORE, format!("the {word} before")),
    ];
    let doubtful = lines.iter().any(|line| !line.doubts.is_empty());
    for (color, text) in all.iter().filter(|(color, _)| *color != BAD || doubtful) {
        bar(&mut svg, x, foot - 9.0, 12.0, 9.0, color);
        label(&mut svg, x + 17.0, foot, QUIET, "start", text);
        x += 100.0;
    }
    svg.push_str("</svg>");
    Some((svg, says))
}

/// Thirteen weeks of each figure as small lines, with what the drawing says.
pub fn trends(report: &Report) -> Option<(String, String)> {
    let lines = report
        .depth
        .trends
        .get(..report.depth.trends.len().min(BARS))?;
    if lines.is_empty() {
        return None;
    }
    let says = "Thirteen weeks of each figure; the table below holds the first and the last value";
    let (width, left, right, row) = (584.0, 170.0, 80.0, 38.0);
    let height = row * lines.len() as f64 + 26.0;
    let mut svg = open(width, height, says);
    for (index, line) in lines.iter().enumerate() {
        trend(
            &mut svg,
            line,
            8.0 + row * index as f64,
            (left, width - right),
        );
    }
    label(&mut svg, left, height - 6.0, QUIET, "start", "13 weeks ago");
    label(
        &mut svg,
        width - right,
        height - 6.0,
        QUIET,
        "end",
        "last week",
    );
    svg.push_str("</svg>");
    Some((svg, says.to_owned()))
}

/// One small line from zero with its newest value, between two edges.
fn trend(svg: &mut String, line: &crate::report::Trend, top: f64, (left, right): (f64, f64)) {
    let name = html(&words::cut(&words::capital(&words::spoken(&line.name))));
    label(svg, 8.0, top + 20.0, INK, "start", &name);
    let most = line.weeks.iter().flatten().copied().fold(0.0_f64, f64::max);
    let step = (right - left) / (line.weeks.len().max(2) - 1) as f64;
    let at = |place: usize, value: f64| {
        let share = if most > 0.0 {
            value.max(0.0) / most
        } else {
            0.0
        };
        (left + step * place as f64, top + 28.0 - 24.0 * share)
    };
    let ground = top + 28.0;
    write!(
        svg,
        "<path d=\"M{left:.1} {ground:.1}H{right:.1}\" stroke=\"#e4e9ee\"/>"
    )
    .unwrap_or_default();
    let mut path = String::new();
    let mut pen = "M";
    for (place, value) in line.weeks.iter().enumerate() {
        let Some(value) = value else {
            pen = "M";
            continue;
        };
        let (x, y) = at(place, *value);
        write!(path, "{pen}{x:.1} {y:.1}").unwrap_or_default();
        pen = "L";
    }
    write!(
        svg,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{LINE}\" stroke-width=\"2\" stroke-linejoin=\"round\"/>"
    )
    .unwrap_or_default();
    let last = line
        .weeks
        .iter()
        .enumerate()
        .rev()
        .find_map(|(at, one)| Some((at, (*one)?)));
    if let Some((place, value)) = last {
        let (x, y) = at(place, value);
        write!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{LINE}\"/>"
        )
        .unwrap_or_default();
        let text = if line.is_share {
            words::share(value)
        } else {
            words::number(value)
        };
        label(svg, x + 8.0, y + 4.0, INK, "start", &text);
    }
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
