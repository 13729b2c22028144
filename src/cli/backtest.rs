//! `backtest`: rehearse a check, a file or a folder of series, online, in the daemon's own code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::TimeDelta;

use crate::config;
use crate::daemon::{self, Rehearsal, Tried};
use crate::incident::{Incident, Label};
use crate::render::terminal::{self, Row, Told};
use crate::render::words;
use crate::stats::Sensitivity;
use crate::stats::trial::{self, Freq, Kind, Trial};

use super::{Exit, Global, Screen, pull, validate};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// A check (`purchase.volume`), or a CSV file: timestamp,value[,total]
    #[arg(required_unless_present = "series")]
    what: Option<String>,
    /// How far back a check is rehearsed
    #[arg(long, default_value = "180d", value_name = "SPAN")]
    since: String,
    /// A folder of CSV files, beside or below a labels.json
    #[arg(long, value_name = "DIR", conflicts_with = "what", requires = "out")]
    series: Option<PathBuf>,
    /// Where scores are written: `series_id,timestamp,score,is_anomaly`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What the files count
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    kind: Option<Kind>,
    /// D for days, H for hours
    #[arg(long, value_name = "D|H", value_parser = freq)]
    freq: Option<Freq>,
    /// First bucket of a file that is judged; earlier ones are history only
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
}

fn kind(word: &str) -> Result<Kind, String> {
    let known = Kind::ALL.into_iter().find(|(name, _)| *name == word);
    let names: Vec<&str> = Kind::ALL.iter().map(|(name, _)| *name).collect();
    known
        .map(|(_, kind)| kind)
        .ok_or_else(|| format!("write one of {}", names.join(", ")))
}

fn freq(word: &str) -> Result<Freq, String> {
    match word {
        "D" => Ok(Freq::D),
        "H" => Ok(Freq::H),
        _ => Err("write D for days or H for hours".to_owned()),
    }
}

pub(super) async fn run(
    options: &Options,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    if let (Some(folder), Some(out)) = (&options.series, &options.out) {
        return folder_of_series(folder, out, options, screen);
    }
    let what = options.what.as_deref().unwrap_or_default();
    let path = Path::new(what);
    let named_so = path.extension().is_some_and(|ending| ending == "csv");
    if named_so || path.is_file() {
        return file(path, options, screen);
    }
    check(what, options, global, screen).await
}

/// What the flags say of a file without labels.
fn flagged(options: &Options) -> trial::Label {
    let kind = options.kind.unwrap_or(match options.freq {
        Some(Freq::H) => Kind::CountHourly,
        _ => Kind::CountDaily,
    });
    let freq = options.freq.unwrap_or(match kind {
        Kind::CountHourly => Freq::H,
        _ => Freq::D,
    });
    trial::Label {
        kind,
        freq,
        score_from: options.from.clone().unwrap_or_default(),
    }
}

fn read(path: &Path, label: &trial::Label) -> anyhow::Result<Trial> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Trial::parse(&text, label).with_context(|| path.display().to_string())
}

fn folder_of_series(
    folder: &Path,
    out: &Path,
    options: &Options,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let mut scores = trial::HEADER.to_owned();
    let mut count = 0;
    for (id, label) in labels(folder, options)? {
        let path = folder.join(format!("{id}.csv"));
        if path.is_file() {
            scores.push_str(&read(&path, &label)?.scores(&id));
            count += 1;
        }
    }
    if count == 0 {
        bail!("no series of labels.json lies in {}", folder.display());
    }
    validate::write_whole(out, &scores)
        .with_context(|| format!("cannot write {}", out.display()))?;
    screen.say(&format!("{count} series scored into {}", out.display()));
    Ok(Exit::Clean)
}

/// `labels.json` is sought in the folder, then above it; without one the flags speak for every file.
fn labels(folder: &Path, options: &Options) -> anyhow::Result<BTreeMap<String, trial::Label>> {
    if !folder.is_dir() {
        bail!("{} is no folder", folder.display());
    }
    let found = [Some(folder), folder.parent()]
        .into_iter()
        .flatten()
        .map(|one| one.join("labels.json"))
        .find(|path| path.is_file());
    if let Some(path) = found.filter(|_| options.kind.is_none()) {
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        return trial::labels(&text).with_context(|| path.display().to_string());
    }
    if options.kind.is_none() {
        bail!(
            "there is no labels.json in {} or above it; say what the files count with --type, \
             and with --freq and --from what they are",
            folder.display()
        );
    }
    let mut named = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_csv = path.extension().is_some_and(|ending| ending == "csv");
        if let Some(id) = path.file_stem().filter(|_| is_csv) {
            named.insert(id.to_string_lossy().into_owned(), flagged(options));
        }
    }
    if named.is_empty() {
        bail!("there are no CSV files in {}", folder.display());
    }
    Ok(named)
}

fn file(path: &Path, options: &Options, screen: &Screen) -> anyhow::Result<Exit> {
    let label = flagged(options);
    let trial = read(path, &label)?;
    if let Some(out) = &options.out {
        let id = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = format!("{}{}", trial::HEADER, trial.scores(&id));
        validate::write_whole(out, &text)
            .with_context(|| format!("cannot write {}", out.display()))?;
        screen.note(&format!("scores written to {}", out.display()));
    }
    let grain = match label.freq {
        Freq::D => "d",
        Freq::H => "h",
    };
    let weeks = trial.weeks();
    let row = |(word, sensitivity): (&'static str, Sensitivity)| {
        let alerts = trial.alerts(sensitivity);
        let mut delays: Vec<usize> = alerts.iter().map(|alert| alert.delay).collect();
        delays.sort_unstable();
        let middle = delays.get(delays.len() / 2);
        let told = alerts.into_iter().map(|alert| Told {
            since: alert.since,
            at: alert.at,
            what: format!("score {:.1}", alert.score),
        });
        let alerts: Vec<Told> = told.collect();
        Row {
            sensitivity: word,
            is_now: sensitivity == Sensitivity::Normal,
            a_week: alerts.len() as f64 / weeks.max(1.0),
            real: None,
            noise: None,
            delay: middle.map(|middle| format!("{middle} {grain}")),
            alerts,
        }
    };
    let rows: Vec<Row> = [
        ("quiet", Sensitivity::Quiet),
        ("normal", Sensitivity::Normal),
        ("strict", Sensitivity::Strict),
    ]
    .map(row)
    .to_vec();
    let title = format!(
        "{}: {} buckets, {weeks:.1} weeks judged",
        path.display(),
        trial.buckets()
    );
    print(&path.display().to_string(), &title, &rows, screen);
    Ok(Exit::Clean)
}

async fn check(
    name: &str,
    options: &Options,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let span =
        config::human::duration(&options.since).map_err(|why| anyhow::anyhow!("--since: {why}"))?;
    let world = pull::world(global, screen).await?;
    let since = world.clock.now() - span;
    let Some(rehearsal) = daemon::rehearse(&world, name, since).await? else {
        let names: Vec<&str> = world
            .checks
            .iter()
            .map(|one| one.label().name.as_str())
            .collect();
        let near = config::suggest(name, &names);
        bail!(
            "no check is called `{name}`, and no file{}",
            near.map_or(String::new(), |near| format!("; did you mean `{near}`?"))
        );
    };
    if rehearsal.buckets == 0 {
        screen.note(&format!(
            "nothing is stored for {name} in that time; `truecount pull` fetches the past"
        ));
        return Ok(Exit::NotEnoughData);
    }
    if rehearsal.fetched_late > 0 {
        screen.note(&format!(
            "{} of {} buckets were fetched long after they ended: their newest number stands for the \
             first one, so that days that fill up slowly look better here than they were",
            rehearsal.fetched_late, rehearsal.buckets
        ));
    }
    let calendar = &world.plan.project.calendar;
    let rows: Vec<Row> = rehearsal
        .tried
        .iter()
        .map(|tried| row(&rehearsal, tried, |alert| told(alert, calendar)))
        .collect();
    let title = format!(
        "{name} since {}, asked {} times",
        words::day(calendar, since),
        rehearsal.looks
    );
    print(name, &title, &rows, screen);
    Ok(Exit::Clean)
}

fn row(rehearsal: &Rehearsal, tried: &Tried, told: impl Fn(&Incident) -> Told) -> Row {
    let span = rehearsal.window.to - rehearsal.window.from;
    let weeks = span.num_hours() as f64 / 168.0;
    let mut delays: Vec<TimeDelta> = tried
        .alerts
        .iter()
        .filter_map(|alert| Some(alert.opened_at? - alert.first.start))
        .collect();
    delays.sort_unstable();
    let middle = delays.get(delays.len() / 2);
    Row {
        sensitivity: tried.sensitivity,
        is_now: tried.is_now,
        alerts: tried.alerts.iter().map(told).collect(),
        a_week: tried.alerts.len() as f64 / weeks.max(1.0),
        real: Some(rehearsal.met(tried, Label::Real)),
        noise: Some(rehearsal.met(tried, Label::Noise)),
        delay: middle.map(|middle| words::span(*middle)),
    }
}

fn told(alert: &Incident, calendar: &crate::model::Calendar) -> Told {
    let what = match (&alert.finding, &alert.gap) {
        (Some(finding), _) => format!(
            "{} of {} expected",
            words::value(finding.since_onset.observed, &finding.unit),
            words::value(finding.since_onset.expected, &finding.unit)
        ),
        (None, Some(gap)) => words::gap(gap, calendar),
        (None, None) => String::new(),
    };
    Told {
        since: words::since(calendar, &alert.first),
        at: alert
            .opened_at
            .map_or(String::new(), |at| words::moment(calendar, at)),
        what,
    }
}

fn print(of: &str, title: &str, rows: &[Row], screen: &Screen) {
    if screen.json() {
        screen.say_json(&terminal::backtest_json(of, rows));
    } else {
        screen.say(&terminal::backtest(title, rows));
    }
}
