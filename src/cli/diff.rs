//! `diff`: what a change of the plan means, against a git revision or another folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::app::{self, Project};
use crate::config::Text;
use crate::plan;
use crate::render;

use super::{Exit, Global, Screen, pull};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// A git revision such as origin/main, or another configuration file
    #[arg(default_value = "HEAD")]
    before: String,
    /// End with 1 when a change breaks something
    #[arg(long)]
    exit_code: bool,
}

pub(super) fn run(options: &Options, global: &Global, screen: &Screen) -> anyhow::Result<Exit> {
    let after = pull::project(global, screen)?;
    let reading = app::Reading {
        allow_plain: global.allow_plain,
    };
    let before = if Path::new(&options.before).is_file() {
        app::load(Path::new(&options.before), reading)?
    } else {
        at_revision(&options.before, &after, &global.config, reading)?
    };
    if before.refused() {
        screen.note(&format!(
            "the plan of {} has errors: what could not be read there counts as missing",
            options.before
        ));
    }
    let changes = plan::diff(&before.plan, &after.plan);
    if screen.json() {
        screen.say_json(&render::terminal::diff_json(&changes));
    } else {
        screen.say(&render::terminal::diff(&changes, screen.color));
    }
    let breaking = changes.iter().any(|change| change.breaking);
    Ok(if options.exit_code && breaking {
        Exit::Findings
    } else {
        Exit::Clean
    })
}

/// The same files as git knows them at a revision.
fn at_revision(
    revision: &str,
    after: &Project,
    config: &Path,
    reading: app::Reading,
) -> anyhow::Result<Project> {
    if revision.starts_with('-') {
        bail!("`{revision}` is not a revision");
    }
    let main = config
        .file_name()
        .map(PathBuf::from)
        .context("the configuration has no file name")?;
    let main_text = git(
        &after.folder,
        &["show", &format!("{revision}:./{}", main.display())],
    )
    .with_context(|| format!("git does not know {} at {revision}", config.display()))?;
    let listed = git(
        &after.folder,
        // Without -z git writes names that are not ASCII in quotes and escapes.
        &["ls-tree", "-r", "-z", "--name-only", revision, "."],
    )?;
    let patterns: Vec<glob::Pattern> = crate::config::includes(&main_text)
        .iter()
        .filter_map(|pattern| glob::Pattern::new(pattern).ok())
        .collect();
    let mut files = vec![Text {
        path: main.display().to_string(),
        text: main_text,
    }];
    // As on the disk: a `*` stays inside its folder.
    let options = glob::MatchOptions {
        require_literal_separator: true,
        ..glob::MatchOptions::new()
    };
    let is_main = |path: &str| Path::new(path) == main.as_path();
    let included = |path: &&str| patterns.iter().any(|one| one.matches_with(path, options));
    for path in listed
        .split('\0')
        .filter(|path| !path.is_empty() && !is_main(path))
        .filter(included)
    {
        let text = git(&after.folder, &["show", &format!("{revision}:./{path}")])?;
        files.push(Text {
            path: path.to_owned(),
            text,
        });
    }
    Ok(app::understand(after.folder.clone(), files, reading))
}

fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .context("`diff` against a revision needs git")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
