//! The command line: what was typed, what it means, and one exit-code table for all commands.

mod act;
mod backtest;
mod check;
mod completions;
mod database;
mod demo;
mod diff;
mod doctor;
mod explain;
mod fall;
mod init;
mod letters;
mod notify;
mod plan;
mod progress;
mod pull;
mod report;
mod screen;
mod serve;
mod status;
mod test;
mod validate;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::telemetry;

pub use fall::tell_panics;
pub use screen::Screen;

/// What every command ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Clean.
    Clean,
    /// Findings: a check fails, a rule file has errors.
    Findings,
    /// Could not run: bad flag, no configuration, unreadable file.
    CouldNotRun,
    /// Not enough data to say, and nothing that was seen fails.
    NotEnoughData,
}

impl Exit {
    /// The number the shell sees.
    pub fn number(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::CouldNotRun => 2,
            Self::NotEnoughData => 3,
        }
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// Versioned JSON.
    Json,
    /// Annotations for pull requests (`validate`).
    Github,
    /// One line a result.
    Compact,
}

/// When to use color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Truecount watches the counts that decisions rest on, and says when they stop being true.
#[derive(Debug, Parser)]
#[command(name = "truecount", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are switches of a command line"
)]
pub struct Global {
    /// The configuration file
    #[arg(
        short,
        long,
        global = true,
        env = "TRUECOUNT_CONFIG",
        default_value = "truecount.toml"
    )]
    pub config: PathBuf,
    /// The database file, in place of `[store] url`
    #[arg(long, global = true, env = "TRUECOUNT_STORE", value_name = "FILE")]
    pub store: Option<String>,
    /// How results are printed
    #[arg(long, global = true, env = "TRUECOUNT_FORMAT", default_value = "human")]
    pub format: Format,
    /// When to use color
    #[arg(long, global = true, env = "TRUECOUNT_COLOR", default_value = "auto")]
    pub color: Color,
    /// Print results only
    #[arg(short, long, global = true, env = "TRUECOUNT_QUIET", value_parser = switch())]
    pub quiet: bool,
    /// Do not show how far a pull is
    #[arg(long, global = true, env = "TRUECOUNT_NO_PROGRESS", value_parser = switch())]
    pub no_progress: bool,
    /// Say more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Treat warnings as findings
    #[arg(short = 'W', long, global = true, env = "TRUECOUNT_DENY_WARNINGS", value_parser = switch())]
    pub deny_warnings: bool,
    /// Report, and end with 0 unless the command could not run
    #[arg(long, global = true, env = "TRUECOUNT_EXIT_ZERO", value_parser = switch())]
    pub exit_zero: bool,
    /// Accept secrets that are written in the configuration
    #[arg(long, global = true, env = "TRUECOUNT_ALLOW_PLAIN", value_parser = switch())]
    pub allow_plain: bool,
    /// Log lines as JSON
    #[arg(long, global = true, env = "TRUECOUNT_LOG_JSON", value_parser = switch())]
    pub log_json: bool,
}

/// A switch in the environment: nothing, `0`, `no` and `false` are off, all else is on.
fn switch() -> FalseyValueParser {
    FalseyValueParser::new()
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole thing on a made-up company
    Demo(demo::Options),
    /// Write a first configuration
    Init(init::Options),
    /// Check all configuration files
    Validate(validate::Options),
    /// Try the rule tests: given these counts, this check must, or must not, fire
    Test(test::Options),
    /// Say what a change of the plan means
    Diff(diff::Options),
    /// Test credentials, databases, mail and everything else that can be missing
    Doctor(doctor::Options),
    /// Run: schedule, checks, alerts, page, API
    Serve(serve::Options),
    /// Fetch once now
    Pull(pull::Options),
    /// Judge once from stored counts
    Check(check::Options),
    /// Say why a check says what it says, or what a code means
    Explain(explain::Options),
    /// Health at a glance
    Status(status::Options),
    /// Work with incidents
    #[command(subcommand)]
    Incident(act::IncidentCommand),
    /// Mute planned work, with a reason and an end
    #[command(subcommand)]
    Silence(act::SilenceCommand),
    /// Note a release or campaign on the time line
    Mark(act::MarkOptions),
    /// Messages that nobody took
    #[command(subcommand)]
    Letters(letters::LettersCommand),
    /// Write the weekly audit
    Report(report::Options),
    /// Try a route
    #[command(subcommand)]
    Notify(notify::NotifyCommand),
    /// Rehearse: how often would checks have fired?
    Backtest(backtest::Options),
    /// Print the JSON Schema of the configuration for editors
    Schema(validate::SchemaOptions),
    /// Back up or look after the database
    #[command(subcommand)]
    Db(database::DbCommand),
    /// API tokens
    #[command(subcommand)]
    Token(database::TokenCommand),
    /// The tracking plan as a page, or a first one from what a source counts
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Print completions for a shell
    Completions(completions::Options),
    /// Print the manual page
    Man,
}

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(why) => {
            let asked = !why.use_stderr();
            // Nothing can be done when the terminal is gone.
            why.print().unwrap_or_default();
            return ExitCode::from(if asked { 0 } else { Exit::CouldNotRun.number() });
        }
    };
    let global = arguments.global.clone();
    let screen = Screen::new(&global);
    start_logging(&global, &arguments.command);
    tell_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let outcome = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(dispatch(arguments.command, &global, &screen)));
    match outcome {
        Ok(exit) if global.exit_zero && exit != Exit::CouldNotRun => ExitCode::SUCCESS,
        Ok(exit) => ExitCode::from(exit.number()),
        Err(why) => {
            screen.error(&format!("{why:#}"));
            ExitCode::from(Exit::CouldNotRun.number())
        }
    }
}

async fn dispatch(command: Command, global: &Global, screen: &Screen) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(options) => demo::run(&options, global, screen).await,
        Command::Init(options) => init::run(&options, screen),
        Command::Validate(options) => validate::run(&options, global, screen).await,
        Command::Test(options) => test::run(&options, global, screen),
        Command::Diff(options) => diff::run(&options, global, screen),
        Command::Doctor(options) => doctor::run(&options, global, screen).await,
        Command::Serve(options) => serve::run(&options, global, screen).await,
        Command::Pull(options) => pull::run(&options, global, screen).await,
        Command::Check(options) => check::run(&options, global, screen).await,
        Command::Explain(options) => explain::run(&options, global, screen).await,
        Command::Status(options) => status::run(&options, global, screen).await,
        Command::Incident(command) => act::incident(&command, global, screen).await,
        Command::Silence(command) => act::silence(&command, global, screen).await,
        Command::Mark(options) => act::mark(&options, global, screen).await,
        Command::Letters(command) => letters::run(&command, global, screen).await,
        Command::Report(options) => report::run(&options, global, screen).await,
        Command::Notify(command) => notify::run(&command, global, screen).await,
        Command::Backtest(options) => backtest::run(&options, global, screen).await,
        Command::Schema(options) => Ok(validate::schema(&options, screen)),
        Command::Db(command) => database::database(&command, global, screen).await,
        Command::Token(command) => database::token(&command, global, screen).await,
        Command::Plan(command) => plan::run(&command, global, screen).await,
        Command::Completions(options) => completions::run(&options, screen),
        Command::Man => completions::manual(screen),
    }
}

/// Commands that print a result log only what went wrong; the daemon logs what it does.
fn start_logging(global: &Global, command: &Command) {
    let usual = match command {
        Command::Serve(_) => tracing::Level::INFO,
        // Its result says why a source failed; a log line would tear the bar.
        Command::Pull(_) => tracing::Level::ERROR,
        _ => tracing::Level::WARN,
    };
    let level = match (global.quiet, global.verbose) {
        (true, _) => tracing::Level::ERROR,
        (false, 0) => usual,
        (false, 1) => tracing::Level::INFO.max(usual),
        (false, _) => tracing::Level::DEBUG,
    };
    let format = if global.log_json {
        telemetry::LogFormat::Json
    } else {
        telemetry::LogFormat::Plain
    };
    telemetry::start(format, level, std::io::stderr().is_terminal());
}

/// A text as TOML: its basic strings are those of JSON, but for one character.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}
