//! Stable identities derived from content: the same facts give the same id, everywhere.

use std::fmt;

/// 16 bytes of an identity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// 32 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().fold(String::with_capacity(32), |text, byte| {
            text + &format!("{byte:02x}")
        })
    }

    /// Reads [`Fingerprint::hex`] back.
    pub fn parse(hex: &str) -> Option<Self> {
        if hex.len() != 32 || !hex.is_ascii() {
            return None;
        }
        let mut bytes = [0; 16];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

/// Hashes length-prefixed fields with SHA-256 behind a version word.
pub struct Digest(ring::digest::Context);

impl Digest {
    /// Begins with a word that names the format and its version, such as `letter.1`.
    pub fn new(version: &str) -> Self {
        let mut digest = Self(ring::digest::Context::new(&ring::digest::SHA256));
        digest.text(version);
        digest
    }

    /// Adds a text field.
    pub fn text(&mut self, field: &str) -> &mut Self {
        self.bytes(field.as_bytes())
    }

    /// Adds a field of bytes.
    pub fn bytes(&mut self, field: &[u8]) -> &mut Self {
        self.0.update(&(field.len() as u64).to_le_bytes());
        self.0.update(field);
        self
    }

    /// The first 16 bytes.
    pub fn fingerprint(self) -> Fingerprint {
        let digest = self.0.finish();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_ref()[..16]);
        Fingerprint(bytes)
    }

    /// The first 8 bytes as a number.
    pub fn number(self) -> u64 {
        let Fingerprint(bytes) = self.fingerprint();
        let mut first = [0; 8];
        first.copy_from_slice(&bytes[..8]);
        u64::from_le_bytes(first)
    }
}
