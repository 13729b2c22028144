//! Who may do what: bearer tokens, kept as SHA-256, each with one scope.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::model::{Name, Timestamp};
use crate::store::{Memory, StoreError};

use super::{Problem, Server};

/// What a token may do; each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Post counts and marks, nothing else.
    Push,
    /// Read everything.
    Read,
    /// Acknowledge, silence, label, reload.
    Write,
}

impl Scope {
    /// The word of the command line and the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// Reads [`Scope::word`] back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Push, Self::Read, Self::Write]
            .into_iter()
            .find(|scope| scope.word() == word)
    }
}

/// The hash under which a token is kept.
pub fn hash(token: &str) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}

/// Compares hashes without telling by its time where they differ.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |found, (a, b)| found | (a ^ b)) == 0
}

/// Makes a token of 256 random bits, keeps its hash, and returns the text to be shown once.
pub async fn create(
    store: &dyn Memory,
    name: &Name,
    scope: Scope,
    now: Timestamp,
) -> Result<String, StoreError> {
    use base64::Engine as _;
    use ring::rand::SecureRandom as _;
    let mut bits = [0; 32];
    ring::rand::SystemRandom::new()
        .fill(&mut bits)
        .map_err(|_| StoreError::Corrupt {
            what: "the system gives no random bits".to_owned(),
        })?;
    let text = format!(
        "tc_{}",
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bits)
    );
    store
        .token(name, &hash(&text), Some(scope.word()), now)
        .await?;
    Ok(text)
}

/// Who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    scope: Option<Scope>,
    /// Nobody has a token and we listen on loopback only: reading is open.
    open: bool,
}

impl Caller {
    /// May read names and numbers.
    pub fn may_read(self) -> Result<(), Problem> {
        match self.scope {
            Some(scope) if scope >= Scope::Read => Ok(()),
            Some(_) => Err(Problem::forbidden(
                "it may only push; this needs the scope `read`",
            )),
            None if self.open => Ok(()),
            None => Err(Problem::unauthorized()),
        }
    }

    /// May post counts and marks.
    pub fn may_push(self) -> Result<(), Problem> {
        match self.scope {
            Some(Scope::Push | Scope::Write) => Ok(()),
            Some(Scope::Read) => Err(Problem::forbidden("this needs the scope `push` or `write`")),
            None => Err(Problem::unauthorized()),
        }
    }

    /// May change things.
    pub fn may_write(self) -> Result<(), Problem> {
        match self.scope {
            Some(Scope::Write) => Ok(()),
            Some(_) => Err(Problem::forbidden("this needs the scope `write`")),
            None => Err(Problem::unauthorized()),
        }
    }
}

impl FromRequestParts<Server> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        let world = server.world();
        let open = server.open_reading;
        let Some(given) = parts.headers.get(AUTHORIZATION) else {
            return Ok(Self { scope: None, open });
        };
        let text = given
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("Bearer "));
        let Some(token) = text.map(str::trim).filter(|token| !token.is_empty()) else {
            return Err(Problem::unauthorized());
        };
        let hashed = hash(token);
        let configured = server
            .configured
            .as_ref()
            .is_some_and(|own| same(own, &hashed));
        if configured {
            return Ok(Self {
                scope: Some(Scope::Write),
                open,
            });
        }
        let scope = world.store.token_scope(&hashed, world.clock.now()).await?;
        match scope.as_deref().and_then(Scope::parse) {
            Some(scope) => Ok(Self {
                scope: Some(scope),
                open,
            }),
            None => Err(Problem::unauthorized()),
        }
    }
}
