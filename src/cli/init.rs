//! `init`: a first configuration from one of the shipped examples.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::app;
use crate::plan;

use super::{Exit, Screen};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Where to write; here unless given
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// b2b-leads, ecommerce, mobile-app or minimal
    #[arg(long, default_value = "minimal")]
    template: String,
    /// Ask nothing (kept for scripts; nothing is asked)
    #[arg(long)]
    yes: bool,
}

/// One file of a template: path and content.
type File = (&'static str, &'static str);

const MINIMAL: &[File] = &[(
    "truecount.toml",
    r#"[project]
name     = "My shop"
timezone = "Europe/Berlin"

[source.ga4]
type     = "ga4"
property = "123456789"                       # Admin > Property details
key      = { file = "ga4-key.json" }         # a service account that may view the property

[event.purchase]
required = ["transaction_id", "value", "currency"]

[route.default]
slack = { env = "SLACK_WEBHOOK_URL" }
"#,
)];

const B2B: &[File] = &[
    (
        "truecount.toml",
        include_str!("../../rules/b2b-leads/truecount.toml"),
    ),
    (
        "rules/events.toml",
        include_str!("../../rules/b2b-leads/rules/events.toml"),
    ),
    (
        "rules/compare.toml",
        include_str!("../../rules/b2b-leads/rules/compare.toml"),
    ),
    (
        "rules/standards.toml",
        include_str!("../../rules/b2b-leads/rules/standards.toml"),
    ),
    (
        "rules/tests/leads.toml",
        include_str!("../../rules/b2b-leads/rules/tests/leads.toml"),
    ),
];

const SHOP: &[File] = &[
    (
        "truecount.toml",
        include_str!("../../rules/ecommerce/truecount.toml"),
    ),
    (
        "rules/events.toml",
        include_str!("../../rules/ecommerce/rules/events.toml"),
    ),
    (
        "rules/compare.toml",
        include_str!("../../rules/ecommerce/rules/compare.toml"),
    ),
    (
        "rules/tests/purchase.toml",
        include_str!("../../rules/ecommerce/rules/tests/purchase.toml"),
    ),
];

const APP: &[File] = &[
    (
        "truecount.toml",
        include_str!("../../rules/mobile-app/truecount.toml"),
    ),
    (
        "rules/events.toml",
        include_str!("../../rules/mobile-app/rules/events.toml"),
    ),
    (
        "rules/standards.toml",
        include_str!("../../rules/mobile-app/rules/standards.toml"),
    ),
    (
        "rules/tests/onboarding.toml",
        include_str!("../../rules/mobile-app/rules/tests/onboarding.toml"),
    ),
];

const ENV: &str = "# Read into the environment before starting, for example with: set -a; . ./.env; set +a\nSLACK_WEBHOOK_URL=\nTRUECOUNT_SMTP_URL=\n";

const WORKFLOW: &str = "name: tracking plan\non: [pull_request]\njobs:\n  validate:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: truecount validate --format github\n      - run: truecount test --format github\n";

pub(super) fn run(options: &Options, screen: &Screen) -> anyhow::Result<Exit> {
    let files = match options.template.as_str() {
        "minimal" => MINIMAL,
        "b2b-leads" => B2B,
        "ecommerce" => SHOP,
        "mobile-app" => APP,
        other => {
            bail!("there is no template `{other}`: use b2b-leads, ecommerce, mobile-app or minimal")
        }
    };
    let schema = format!("{:#}\n", plan::schema(&app::known()));
    let others = [
        ("truecount.schema.json", schema.as_str()),
        (".env.example", ENV),
        (".github/workflows/truecount.yml", WORKFLOW),
    ];
    let all: Vec<(PathBuf, &str)> = files
        .iter()
        .map(|(path, text)| (*path, *text))
        .chain(others)
        .map(|(path, text)| (options.folder.join(path), text))
        .collect();
    if let Some((taken, _)) = all.iter().find(|(path, _)| path.exists()) {
        bail!("{} exists already; nothing was written", taken.display());
    }
    for (path, text) in &all {
        write(path, text)?;
        screen.say(&format!("wrote {}", path.display()));
    }
    screen.note("Next: truecount validate, then truecount doctor, then truecount serve");
    Ok(Exit::Clean)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
