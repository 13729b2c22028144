//! Answers that should be JSON: bounded depth, and a good word for what came instead.

use serde::de::DeserializeOwned;

use super::Reply;

/// An answer that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{who} answered {what}")]
pub struct OddAnswer {
    /// The host or source.
    pub who: String,
    /// What came instead of what was expected.
    pub what: String,
}

/// Reads a JSON body. `serde_json` itself stops at 128 levels.
pub fn json<T: DeserializeOwned>(who: &str, reply: &Reply) -> Result<T, OddAnswer> {
    let odd = |what: String| OddAnswer {
        who: who.to_owned(),
        what,
    };
    let kind = reply
        .header("content-type")
        .unwrap_or("")
        .to_ascii_lowercase();
    let start = reply
        .body
        .iter()
        .position(|byte| !byte.is_ascii_whitespace());
    match start.and_then(|start| reply.body.get(start)) {
        None => return Err(odd("with an empty page instead of JSON".to_owned())),
        Some(b'<') => {
            return Err(odd(
                "with an HTML page instead of JSON (a login page or a proxy?)".to_owned(),
            ));
        }
        Some(_) => {}
    }
    serde_json::from_slice(&reply.body).map_err(|why| {
        // The parser repeats what it could not use, whatever its length.
        let told = shown_start(why.to_string().as_bytes());
        odd(match why.classify() {
            serde_json::error::Category::Eof => {
                format!("with JSON that breaks off after {} bytes", reply.body.len())
            }
            serde_json::error::Category::Data => {
                format!("with JSON of another shape than expected: {told}")
            }
            serde_json::error::Category::Syntax | serde_json::error::Category::Io
                if kind.contains("json") =>
            {
                format!("with broken JSON: {told}")
            }
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
                let kind = shown_start(kind.as_bytes());
                let kind = if kind.is_empty() { "something" } else { &kind };
                format!("with {kind} instead of JSON")
            }
        })
    })
}

/// Most bytes of an error text that are looked at.
const LOOKED_AT: usize = 64 << 10;

/// The beginning of an error text of another system, safe to show: one line, at most 200 characters,
/// without our secrets and without what looks like a person, should the other side repeat them.
pub fn shown_start(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)]);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // Taken out before the text is cut: half a secret would not be recognised.
    let told = crate::model::masked_words(&crate::secret::masked(&line));
    crate::model::Name::clean(&told).to_string()
}
