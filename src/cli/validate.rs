//! `validate` and `schema`: what is wrong with the files, offline, all at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::{self, Project};
use crate::check;
use crate::daemon;
use crate::model::{Diagnostic, Level};
use crate::plan;
use crate::render;

use super::{Exit, Format, Global, Screen, explain, test};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// A configuration file, or a folder that holds `truecount.toml`
    path: Option<PathBuf>,
    /// Apply the patches that are safe
    #[arg(long)]
    fix: bool,
}

pub(super) async fn run(
    options: &Options,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let path = match &options.path {
        Some(path) if path.is_dir() => path.join("truecount.toml"),
        Some(path) => path.clone(),
        None => global.config.clone(),
    };
    let reading = app::Reading {
        allow_plain: global.allow_plain,
    };
    let mut project = app::load(&path, reading)?;
    if options.fix {
        let fixed = fix(&project)?;
        screen.note(&format!("{fixed} fixes applied"));
        project = app::load(&path, reading)?;
    }
    test::complain_of_unknown(&mut project);
    print(&project, screen);
    let worst = project.diagnostics.iter().map(|one| one.level).max();
    if !project.refused() && matches!(screen.format, Format::Human) {
        reaches(project, global, screen).await;
    }
    Ok(match worst {
        Some(Level::Error) => Exit::Findings,
        Some(Level::Warning) if global.deny_warnings => Exit::Findings,
        _ => Exit::Clean,
    })
}

/// What each check could find, if counts are stored beside the files. Nothing of it is needed for the
/// answer, so what is missing is only noted.
async fn reaches(project: Project, global: &Global, screen: &Screen) {
    let path = app::store_path(&project, global.store.as_deref());
    if !path.is_file() {
        screen.note("the smallest drop that each check finds is shown once counts are stored");
        return;
    }
    let looked = async {
        let world = Arc::new(app::open(project, global.store.as_deref()).await?);
        let now = world.clock.now();
        Ok::<_, anyhow::Error>(daemon::outlooks(&world, &world.checks, now).await?)
    };
    match looked.await {
        Ok(sights) if sights.is_empty() => {
            screen.note("no series is stored for long enough to say which drops would be found");
        }
        Ok(sights) => {
            let lines: Vec<_> = sights
                .iter()
                .filter_map(|(name, one)| {
                    Some((name.to_string(), explain::reach(one.sight.as_ref()?)))
                })
                .collect();
            screen.say(&format!("\n{}", render::terminal::reaches(&lines)));
        }
        Err(why) => screen.note(&format!(
            "which drops would be found cannot be said: {why:#}"
        )),
    }
}

/// Prints every complaint and the summary.
pub(super) fn print(project: &Project, screen: &Screen) {
    let (diagnostics, files) = (&project.diagnostics, &project.files);
    match screen.format {
        Format::Human | Format::Compact => {
            let checks = check::checks(&project.plan).len();
            screen.say(&render::diagnostic::human(diagnostics, files, screen.color));
            screen.say(&render::diagnostic::summary(
                &project.plan,
                files,
                checks,
                diagnostics,
            ));
        }
        Format::Json => screen.say(&render::diagnostic::json(diagnostics, files)),
        Format::Github => screen.say(&annotations(project, diagnostics)),
    }
}

/// Diagnostics as annotations of a pull request.
pub(super) fn annotations(project: &Project, diagnostics: &[Diagnostic]) -> String {
    render::diagnostic::github(diagnostics, &project.files, &inside(&project.folder))
}

/// The project's folder as seen from the root of its repository; empty when it is the root, or when
/// there is no repository.
fn inside(folder: &Path) -> String {
    let Ok(folder) = folder.canonicalize() else {
        return String::new();
    };
    let root = folder.ancestors().find(|one| one.join(".git").exists());
    let path = root.and_then(|root| folder.strip_prefix(root).ok());
    let parts = path.into_iter().flat_map(Path::components);
    let parts: Vec<_> = parts
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    parts.join("/")
}

/// Writes the safe patches into the files; each file is written whole beside itself and renamed.
fn fix(project: &Project) -> anyhow::Result<usize> {
    let mut count = 0;
    for (index, file) in project.files.iter().enumerate() {
        let mine: Vec<_> = project
            .diagnostics
            .iter()
            .filter_map(|one| one.fix.as_ref())
            .filter(|fix| fix.safe && usize::from(fix.at.file) == index)
            .cloned()
            .collect();
        if mine.is_empty() {
            continue;
        }
        count += mine.len();
        write_whole(
            &project.folder.join(&file.path),
            &plan::apply_fixes(&file.text, &mine),
        )?;
    }
    Ok(count)
}

/// Replaces a file in one step, so that a crash leaves the old or the new one.
pub(super) fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)?;
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SchemaForm {
    Json,
    Markdown,
}

#[derive(Debug, clap::Args)]
pub(super) struct SchemaOptions {
    /// How it is written: for editors, or for people
    #[arg(long = "as", default_value = "json")]
    form: SchemaForm,
}

pub(super) fn schema(options: &SchemaOptions, screen: &Screen) -> Exit {
    let known = app::known();
    match options.form {
        SchemaForm::Json => screen.say_json(&plan::schema(&known)),
        SchemaForm::Markdown => screen.say(plan::reference(&known).trim_end()),
    }
    Exit::Clean
}
