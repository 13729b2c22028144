//! Log format and the numbers we publish about ourselves.

use std::fmt::Write as _;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Labels of counters per source and reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PerSource {
    /// The source's name in the configuration.
    pub source: String,
    /// `ok`, `wait`, `refused` or `odd`.
    pub result: String,
}

/// Labels of letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PerRoute {
    /// The route's name in the configuration.
    pub route: String,
    /// `delivered`, `retry` or `dead`.
    pub result: String,
}

/// The numbers of the process: safe to show to everybody, since they name only what the
/// configuration names. Numbers per check and event are added by `server` behind a token.
pub struct Metrics {
    registry: Registry,
    /// Pulls by source and result.
    pub pulls: Family<PerSource, Counter>,
    /// How long pulls take.
    pub pull_seconds: Histogram,
    /// How long rounds take.
    pub round_seconds: Histogram,
    /// Rounds that were committed.
    pub rounds: Counter,
    /// Rounds that were dropped because somebody else was first.
    pub rounds_dropped: Counter,
    /// Pulls that were skipped because the one before still ran.
    pub overlaps: Counter,
    /// Letters by route and result.
    pub letters: Family<PerRoute, Counter>,
    /// 1 when the last reload was taken, 0 when it was refused.
    pub reload_ok: Gauge,
    /// Unix time of the newest committed round.
    pub last_round: Gauge,
    /// 1 while the database takes writes, 0 while it does not.
    pub writable: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Registers every number with its help.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("truecount");
        let seconds = || Histogram::new(exponential_buckets(0.005, 2.5, 10));
        let metrics = Self {
            pulls: Family::default(),
            pull_seconds: seconds(),
            round_seconds: seconds(),
            rounds: Counter::default(),
            rounds_dropped: Counter::default(),
            overlaps: Counter::default(),
            letters: Family::default(),
            reload_ok: Gauge::default(),
            last_round: Gauge::default(),
            writable: Gauge::default(),
            registry: Registry::default(),
        };
        metrics.reload_ok.set(1);
        metrics.writable.set(1);
        registry.register("pulls", "Pulls by source and result", metrics.pulls.clone());
        registry.register(
            "pull_duration_seconds",
            "How long pulls take",
            metrics.pull_seconds.clone(),
        );
        registry.register(
            "round_duration_seconds",
            "How long rounds take",
            metrics.round_seconds.clone(),
        );
        registry.register(
            "rounds",
            "Rounds that were committed",
            metrics.rounds.clone(),
        );
        registry.register(
            "rounds_dropped",
            "Rounds that were dropped because another process was first",
            metrics.rounds_dropped.clone(),
        );
        registry.register(
            "overlaps",
            "Pulls that were skipped because the one before still ran",
            metrics.overlaps.clone(),
        );
        registry.register(
            "notifications",
            "Letters by route and result",
            metrics.letters.clone(),
        );
        registry.register(
            "config_last_reload_successful",
            "1 when the last reload was taken, 0 when it was refused",
            metrics.reload_ok.clone(),
        );
        registry.register(
            "last_evaluation_timestamp_seconds",
            "Unix time of the newest committed round",
            metrics.last_round.clone(),
        );
        registry.register(
            "store_writable",
            "1 while the database takes writes, 0 while it does not",
            metrics.writable.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }

    /// Counts a pull.
    pub fn pulled(&self, source: &str, result: &str, took: Duration) {
        let labels = PerSource {
            source: source.to_owned(),
            result: result.to_owned(),
        };
        self.pulls.get_or_create(&labels).inc();
        self.pull_seconds.observe(took.as_secs_f64());
    }

    /// Counts a letter.
    pub fn letter(&self, route: &str, result: &str) {
        let labels = PerRoute {
            route: route.to_owned(),
            result: result.to_owned(),
        };
        self.letters.get_or_create(&labels).inc();
    }

    /// The text exposition format, without the end mark so that more can follow.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            return String::new();
        }
        text.trim_end().trim_end_matches("# EOF").to_owned()
    }
}

/// Adds one line of the exposition format. A value of a label may be any text: it ends no label and no
/// line.
pub fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: f64) {
    let labels: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}=\"{}\"", escaped(value)))
        .collect();
    // Writing to a String cannot fail.
    writeln!(text, "{name}{{{}}} {value}", labels.join(",")).unwrap_or_default();
}

fn escaped(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Plain,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error. `level` is `error`, `warn`, `info`, `debug` or `trace`.
/// A second call changes nothing.
pub fn start(format: LogFormat, level: tracing::Level, color: bool) {
    if logging(format, level, color, std::io::stderr)
        .try_init()
        .is_err()
    {
        tracing::debug!("logging was already started");
    }
}

/// The log as [`start`] writes it, to another place.
pub fn logging<W>(format: LogFormat, level: tracing::Level, color: bool, to: W) -> tracing::Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let plain = tracing_subscriber::fmt()
        .with_writer(to)
        .with_max_level(level)
        .with_target(false)
        .with_ansi(color)
        // Where no log can be written, its disk being full, the complaint about that would panic.
        .log_internal_errors(false);
    match format {
        LogFormat::Plain => plain.finish().into(),
        LogFormat::Json => plain.json().flatten_event(true).finish().into(),
    }
}
