//! How far a pull is: a bar where standard error is a terminal, else a line every ten seconds.

use std::io::IsTerminal as _;

use chrono::TimeDelta;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::daemon::World;
use crate::model::Name;
use crate::render;
use crate::source::{Ask, Cost};

use super::Screen;

/// A bar is drawn again this often.
const FRAME: TimeDelta = TimeDelta::milliseconds(150);

/// Without a terminal a line is written this often.
const LINE: TimeDelta = TimeDelta::seconds(10);

/// The name of the source, the bar, and what is known.
const STYLE: &str = "{prefix:20!} {bar:28} {percent:>3}%  {msg}";

/// Does the work of one pull and shows how far it is; never on standard output.
pub(super) async fn watched<T>(
    world: &World,
    source: &Name,
    asks: &[(Ask, Cost)],
    screen: &Screen,
    work: impl Future<Output = T>,
) -> T {
    if !screen.progress {
        return work.await;
    }
    let gauge = &world.net.gauge;
    gauge.begin();
    let weights: Vec<u64> = asks.iter().map(|(_, cost)| weight(*cost)).collect();
    let bar = std::io::stderr()
        .is_terminal()
        .then(|| bar(source, weights.iter().sum()));
    let began = world.clock.uptime();
    let mut work = std::pin::pin!(work);
    loop {
        let nap = if bar.is_some() { FRAME } else { LINE };
        tokio::select! {
            done = &mut work => {
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                }
                return done;
            }
            () = world.clock.sleep_until(world.clock.now() + nap) => (),
        }
        let (answered, calls) = gauge.reached();
        let reached = render::terminal::Reached {
            done: done(&weights, answered, calls),
            all: weights.iter().sum(),
            took: world.clock.uptime().saturating_sub(began),
            quota: gauge.quota(),
        };
        match &bar {
            Some(bar) => {
                bar.set_position(reached.done);
                bar.set_message(render::terminal::progress(&reached));
            }
            None => screen.note(&render::terminal::progress_line(source, &reached)),
        }
    }
}

fn weight(cost: Cost) -> u64 {
    u64::from(cost.requests.max(1))
}

/// Requests that are behind us: those of answered asks as they were expected, of the running one
/// as they went out.
fn done(weights: &[u64], answered: u64, calls: u64) -> u64 {
    let answered = usize::try_from(answered).unwrap_or(usize::MAX);
    let behind: u64 = weights.iter().take(answered).sum();
    let running = weights.get(answered).copied().unwrap_or(0);
    // A call that is out is not yet answered.
    behind + calls.saturating_sub(1).min(running)
}

fn bar(source: &Name, length: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(STYLE) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar.set_prefix(source.to_string());
    bar.set_message("asking");
    bar.tick();
    bar
}

#[cfg(test)]
mod tests {
    use super::done;

    #[test]
    fn a_pull_never_looks_further_than_it_is() {
        let weights = [3, 121, 121];
        assert_eq!(done(&weights, 0, 0), 0);
        assert_eq!(done(&weights, 0, 1), 0, "the first call is out");
        assert_eq!(done(&weights, 0, 9), 3, "more calls than expected");
        assert_eq!(done(&weights, 1, 0), 3);
        assert_eq!(done(&weights, 2, 61), 184);
        assert_eq!(done(&weights, 3, 0), 245);
        assert_eq!(done(&weights, 7, 5), 245);
    }
}
