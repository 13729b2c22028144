//! What is told of a panic: one line of the log with the place, without secrets and without people.

use std::panic::PanicHookInfo;

/// From now on a panic is told by the log, so that its text passes the same mask as every other
/// text. What fell is caught where it was started: a check, a pull, a letter.
pub fn tell_panics() {
    std::panic::set_hook(Box::new(|fall| {
        let (said, place) = (words(fall), place(fall));
        tracing::error!(place = %place, "a part of Truecount fell: {said}; please report this");
    }));
}

fn words(fall: &PanicHookInfo<'_>) -> String {
    let text = fall.payload_as_str().unwrap_or("it said nothing");
    crate::net::shown_start(text.as_bytes())
}

fn place(fall: &PanicHookInfo<'_>) -> String {
    fall.location()
        .map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()))
}
