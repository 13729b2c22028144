//! Who may do what: tokens with one scope each, kept as SHA-256; programs send them in a header,
//! browsers in a cookie.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::model::{Fingerprint, Name, Timestamp};
use crate::render::page::Hand;
use crate::store::{Memory, Right, StoreError};

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

/// Makes a token of 256 random bits, keeps its hash, and returns the text to be shown once. It ends
/// by itself at `ends`, or is to be revoked.
pub async fn create(
    store: &dyn Memory,
    name: &Name,
    scope: Scope,
    ends: Option<Timestamp>,
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
    let right = Right {
        scope: scope.word(),
        ends,
    };
    store.token(name, &hash(&text), Some(right), now).await?;
    Ok(text)
}

/// The cookie in which a browser keeps its token.
pub(super) const COOKIE: &str = "truecount";

/// Who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    scope: Option<Scope>,
    /// Reading is open to everybody who reaches us: on loopback only.
    open: bool,
    /// The token came from a browser's cookie: only forms that carry this seal may change anything,
    /// for a cookie also travels with requests that other pages make.
    seal: Option<[u8; 16]>,
}

impl Caller {
    /// May read names and numbers.
    pub fn may_read(self) -> Result<(), Problem> {
        match self.scope {
            Some(scope) if scope >= Scope::Read => Ok(()),
            _ if self.open => Ok(()),
            Some(_) => Err(Problem::forbidden(
                "it may only push; this needs the scope `read`",
            )),
            None => Err(Problem::unauthorized()),
        }
    }

    /// May post counts and marks.
    pub fn may_push(self) -> Result<(), Problem> {
        match self.scope.filter(|_| self.seal.is_none()) {
            Some(Scope::Push | Scope::Write) => Ok(()),
            Some(Scope::Read) => Err(Problem::forbidden("this needs the scope `push` or `write`")),
            None => Err(Problem::unauthorized()),
        }
    }

    /// May change things by the API, which takes tokens from the header alone.
    pub fn may_write(self) -> Result<(), Problem> {
        match self.scope.filter(|_| self.seal.is_none()) {
            Some(Scope::Write) => Ok(()),
            Some(_) => Err(Problem::forbidden("this needs the scope `write`")),
            None => Err(Problem::unauthorized()),
        }
    }

    /// May change things by a form of our pages, which carries the seal.
    pub fn may_act(self, seal: &str) -> Result<(), Problem> {
        match (self.scope, self.seal) {
            (Some(Scope::Write), Some(own)) if Fingerprint(own).hex() == seal => Ok(()),
            (Some(Scope::Write), Some(_)) => Err(Problem::forbidden(
                "the form is not of this sign-in; open the page again",
            )),
            (Some(_), _) => Err(Problem::forbidden("this needs the scope `write`")),
            (None, _) => Err(Problem::unauthorized()),
        }
    }

    /// Nobody has signed in.
    pub(super) fn is_nobody(self) -> bool {
        self.scope.is_none()
    }

    /// What a page may offer.
    pub(super) fn hand(self) -> Hand {
        match (self.scope, self.seal) {
            (Some(Scope::Write), Some(seal)) => Hand::Writer {
                seal: Fingerprint(seal).hex(),
            },
            (Some(_), _) => Hand::Reader,
            (None, _) => Hand::Nobody,
        }
    }
}

/// What only pages for the holder of a token know.
fn seal(token: &str) -> [u8; 16] {
    let mut found = [0; 16];
    found.copy_from_slice(&hash(&format!("form/{token}"))[..16]);
    found
}

/// The token in the cookies of a request.
fn cookie(parts: &Parts) -> Option<&str> {
    parts
        .headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, token)| *name == COOKIE && !token.is_empty())
        .map(|(_, token)| token)
}

impl Server {
    /// What a token may do, by its hash; `None` when nobody gave it out.
    pub(super) async fn scope_of(&self, hashed: &[u8; 32]) -> Result<Option<Scope>, StoreError> {
        if self
            .configured
            .as_ref()
            .is_some_and(|own| same(own, hashed))
        {
            return Ok(Some(Scope::Write));
        }
        let world = self.world();
        let scope = world.store.token_scope(hashed, world.clock.now()).await?;
        Ok(scope.as_deref().and_then(Scope::parse))
    }
}

impl FromRequestParts<Server> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        let open = server.open_reading;
        let nobody = Self {
            scope: None,
            open,
            seal: None,
        };
        let Some(given) = parts.headers.get(header::AUTHORIZATION) else {
            let Some(token) = cookie(parts) else {
                return Ok(nobody);
            };
            // A token that was withdrawn signs out; it is no reason to refuse the page.
            let scope = server.scope_of(&hash(token)).await?;
            return Ok(scope.map_or(nobody, |scope| Self {
                scope: Some(scope),
                open,
                seal: Some(seal(token)),
            }));
        };
        let text = given
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("Bearer "));
        let Some(token) = text.map(str::trim).filter(|token| !token.is_empty()) else {
            return Err(Problem::unauthorized());
        };
        match server.scope_of(&hash(token)).await? {
            Some(scope) => Ok(Self {
                scope: Some(scope),
                open,
                seal: None,
            }),
            None => Err(Problem::unauthorized()),
        }
    }
}
