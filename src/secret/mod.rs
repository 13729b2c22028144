//! Reads secret texts where they are kept; the only room that holds one.

mod mask;

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
pub use secrecy::{ExposeSecret, SecretString};

use crate::config::SecretRef;

pub use mask::{masked, remember};

/// Why a secret could not be read. Names the place, never the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The variable, file or credential is not there.
    #[error("{place} is not set")]
    Missing {
        /// Such as `the environment variable HUBSPOT_TOKEN`.
        place: String,
    },
    /// It is there and cannot be read.
    #[error("{place} cannot be read: {why}")]
    Unreadable {
        /// Where.
        place: String,
        /// Why.
        why: String,
    },
}

/// The way to secret texts.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The text, without line breaks at its end.
    async fn read(&self, at: &SecretRef) -> Result<SecretString, SecretError>;
}

/// Environment, files, systemd credentials and commands of this process.
#[derive(Debug, Clone)]
pub struct SystemSecrets {
    /// Relative files are sought here: the folder of `truecount.toml`.
    pub folder: PathBuf,
}

/// A command that takes longer is given up.
const COMMAND: Duration = Duration::from_secs(20);

/// Longest secret, in bytes: a key file fits.
const LONGEST: usize = 64 * 1024;

/// An environment variable, for the few settings that may come from there.
#[expect(
    clippy::disallowed_methods,
    reason = "this file reads secrets from the environment"
)]
pub fn variable(name: &str) -> Option<SecretString> {
    std::env::var(name)
        .ok()
        .filter(|text| !text.trim().is_empty())
        .map(SecretString::from)
}

#[async_trait]
impl Secrets for SystemSecrets {
    async fn read(&self, at: &SecretRef) -> Result<SecretString, SecretError> {
        let found = match at {
            SecretRef::Plain(text) => Ok(SecretString::from(text.clone())),
            SecretRef::Env(name) => variable(name).ok_or_else(|| SecretError::Missing {
                place: format!("the environment variable {name}"),
            }),
            SecretRef::File(path) => {
                file(&self.folder.join(path), &format!("the file {path}")).await
            }
            SecretRef::Credential(name) => credential(name).await,
            SecretRef::Command(words) => command(words, &self.folder).await,
        };
        found.inspect(remember)
    }
}

async fn file(path: &Path, place: &str) -> Result<SecretString, SecretError> {
    let path = path.to_path_buf();
    let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
    let bytes = match read {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(why)) if why.kind() == std::io::ErrorKind::NotFound => {
            return Err(SecretError::Missing {
                place: place.to_owned(),
            });
        }
        Ok(Err(why)) => return Err(unreadable(place, &why.to_string())),
        Err(_) => return Err(unreadable(place, "reading was cut off")),
    };
    text(bytes, place)
}

fn unreadable(place: &str, why: &str) -> SecretError {
    SecretError::Unreadable {
        place: place.to_owned(),
        why: why.to_owned(),
    }
}

fn text(bytes: Vec<u8>, place: &str) -> Result<SecretString, SecretError> {
    if bytes.len() > LONGEST {
        return Err(unreadable(place, "it is longer than a secret should be"));
    }
    // The error of the conversion holds the bytes: it must not travel.
    let text = String::from_utf8(bytes).map_err(|_| unreadable(place, "it is not text"))?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Err(SecretError::Missing {
            place: place.to_owned(),
        });
    }
    Ok(SecretString::from(text.to_owned()))
}

/// systemd hands credentials over as files in a folder of their own.
async fn credential(name: &str) -> Result<SecretString, SecretError> {
    let place = format!("the credential {name}");
    let folder = variable("CREDENTIALS_DIRECTORY").ok_or_else(|| {
        unreadable(
            &place,
            "CREDENTIALS_DIRECTORY is not set; it exists only under systemd",
        )
    })?;
    if name.contains('/') || name.contains("..") {
        return Err(unreadable(&place, "a credential is a plain name"));
    }
    file(&Path::new(folder.expose_secret()).join(name), &place).await
}

/// Runs a program without a shell.
async fn command(words: &[String], folder: &Path) -> Result<SecretString, SecretError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(unreadable("the command", "it is empty"));
    };
    let place = format!("the command {program}");
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let mut child = std::process::Command::new(program);
    child
        .args(arguments)
        .current_dir(folder)
        .stdin(std::process::Stdio::null());
    let run = tokio::task::spawn_blocking(move || child.output());
    let output = match tokio::time::timeout(COMMAND, run).await {
        Ok(Ok(Ok(output))) => output,
        Ok(Ok(Err(why))) => return Err(unreadable(&place, &why.to_string())),
        Ok(Err(_)) => return Err(unreadable(&place, "it was cut off")),
        Err(_) => return Err(unreadable(&place, "it took longer than 20 s")),
    };
    if !output.status.success() {
        return Err(unreadable(
            &place,
            &format!("it ended with {}", output.status),
        ));
    }
    text(output.stdout, &place)
}
