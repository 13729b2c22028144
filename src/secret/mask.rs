//! Takes secrets out of texts that others wrote: who echoes a token back does not get it into our log.

use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

/// What stands in place of a secret.
const MASK: &str = "(secret)";

/// Shorter parts are words of everyday texts.
const SHORTEST: usize = 4;

/// Parts of a path that are shorter are names of methods and rooms, not keys.
const SHORTEST_STEP: usize = 10;

/// Everything that was read as a secret by this process, and the forms in which it may come back,
/// longest first.
static KNOWN: RwLock<Vec<SecretString>> = RwLock::new(Vec::new());

/// From now on this text is taken out of everything that passes [`masked`].
pub fn remember(secret: &SecretString) {
    let mut parts = forms(secret.expose_secret());
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    parts.retain(|part| {
        part.len() >= SHORTEST && !known.iter().any(|one| one.expose_secret() == part)
    });
    if parts.is_empty() {
        return;
    }
    known.extend(parts.into_iter().map(SecretString::from));
    known.sort_by_key(|one| std::cmp::Reverse(one.expose_secret().len()));
}

/// The text without any secret that this process has read.
pub fn masked(text: &str) -> String {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let mut text = text.to_owned();
    for secret in known.iter() {
        if text.contains(secret.expose_secret()) {
            text = text.replace(secret.expose_secret(), MASK);
        }
    }
    text
}

/// A secret as it stands, and as it travels: lines of a key file, parts of an address, base64.
fn forms(text: &str) -> Vec<String> {
    let text = text.trim();
    let mut found = vec![text.to_owned()];
    if let Ok(url) = url::Url::parse(text)
        && url.has_host()
    {
        found.extend(parts(&url));
    } else {
        // A key file is JSON with a key of many lines: each may be quoted alone. Addresses in it are no secret.
        let lines = text.split(['\n', '"']).flat_map(|line| line.split("\\n"));
        let keys =
            lines.filter(|line| line.len() >= 24 && !line.contains('@') && !line.contains("://"));
        found.extend(keys.map(str::to_owned));
    }
    for at in 0..found.len() {
        found.push(escaped(&found[at]));
        found.push(STANDARD.encode(&found[at]));
    }
    found
}

/// What is secret in an address: the password, the steps of the path that look like keys, the query's values.
fn parts(url: &url::Url) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(password) = url.password() {
        found.push(password.to_owned());
        found.push(decoded(password));
        let user = decoded(url.username());
        found.push(STANDARD.encode(format!("{user}:{}", decoded(password))));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return found;
    }
    let steps = url.path_segments().into_iter().flatten();
    let keys = steps.filter(|step| step.len() >= SHORTEST_STEP);
    found.extend(keys.flat_map(|step| [step.to_owned(), decoded(step)]));
    for (_, value) in url.query_pairs() {
        if value.len() >= SHORTEST {
            found.push(value.into_owned());
        }
    }
    found
}

fn decoded(text: &str) -> String {
    // A form field reads `+` as a space, a password does not.
    let pair = format!("x={}", text.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out_in_each_form_in_which_it_comes_back() {
        remember(&SecretString::from(
            "postgres://root:p%40ss-canary@db.example/shop".to_owned(),
        ));
        remember(&SecretString::from(
            "https://hooks.example/services/T0/canary-step-of-path?sig=ca%2Fnary".to_owned(),
        ));
        remember(&SecretString::from("bearer canary+value".to_owned()));
        for text in [
            "no user root with p@ss-canary here",
            "no user root with p%40ss-canary here",
            "Basic cm9vdDpwQHNzLWNhbmFyeQ==",
            "/services/T0/canary-step-of-path is gone",
            "signature ca/nary is wrong",
            "token bearer canary+value is revoked",
            "token bearer+canary%2Bvalue is revoked",
        ] {
            let shown = masked(text);
            assert!(shown.contains(MASK), "{shown}");
            for part in ["nary", "cm9v"] {
                assert!(!shown.contains(part), "{shown}");
            }
        }
        let plain = "/services/T0 on hooks.example and db.example/shop refused root";
        assert_eq!(masked(plain), plain);
    }
}
