//! `completions` and `man`: the command line for shells and for `man`.

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Arguments, Exit, Screen};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// bash, elvish, fish, powershell or zsh
    shell: Shell,
}

/// Prints what the shell reads to complete words.
pub(super) fn run(options: &Options, screen: &Screen) -> anyhow::Result<Exit> {
    let mut text = Vec::new();
    let mut command = Arguments::command();
    clap_complete::generate(options.shell, &mut command, "truecount", &mut text);
    screen.say(&String::from_utf8(text).context("the completions are no text")?);
    Ok(Exit::Clean)
}

/// Prints the manual page.
pub(super) fn manual(screen: &Screen) -> anyhow::Result<Exit> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Arguments::command())
        .render(&mut text)
        .context("the manual page cannot be written")?;
    screen.say(&String::from_utf8(text).context("the manual page is no text")?);
    Ok(Exit::Clean)
}
