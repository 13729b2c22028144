//! A checked name: what a person or a system calls an event, a source, a parameter or a route.

use std::fmt;
use std::sync::Arc;

/// The longest name that is kept, in characters; longer foreign names are cut (P16).
pub const MAX_NAME: usize = 200;

/// A name of 1 to [`MAX_NAME`] characters without control, bidirectional or zero-width characters.
///
/// Cheap to clone. Names of TOML tables are stricter; `plan` checks that with a message.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left after trimming.
    #[error("a name may not be empty")]
    Empty,
    /// More than [`MAX_NAME`] characters.
    #[error("a name may have at most {MAX_NAME} characters, this one has {0}")]
    TooLong(usize),
    /// Contains a character that cannot be shown safely.
    #[error("a name may not contain the character U+{0:04X}")]
    Forbidden(u32),
}

impl Name {
    /// Accepts `text` as it stands, or says why not.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.trim().is_empty() {
            return Err(NameError::Empty);
        }
        let length = text.chars().count();
        if length > MAX_NAME {
            return Err(NameError::TooLong(length));
        }
        match text.chars().find(|c| is_unsafe(*c)) {
            Some(c) => Err(NameError::Forbidden(c as u32)),
            None => Ok(Self(text.into())),
        }
    }

    /// Makes a name of whatever a foreign system sent: unsafe characters go, the rest is cut
    /// with an ellipsis; an empty text becomes `(empty)`.
    pub fn clean(text: &str) -> Self {
        let safe: String = text.chars().filter(|c| !is_unsafe(*c)).collect();
        let safe = safe.trim();
        if safe.is_empty() {
            return Self("(empty)".into());
        }
        if safe.chars().count() <= MAX_NAME {
            return Self(safe.into());
        }
        let mut cut: String = safe.chars().take(MAX_NAME - 1).collect();
        cut.push('…');
        Self(cut.into())
    }

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Controls, bidirectional overrides, zero-width characters and the byte-order mark: they can
/// forge lines in logs, mails and terminals.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
        || matches!(c, '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// A value of a dimension as it may be stored: long values and values that look like an address,
/// a telephone number or a token become `(masked)`, so that no personal data is kept (P22).
pub fn masked_value(value: &str) -> String {
    let cleaned = Name::clean(value);
    let text = cleaned.as_str();
    if value.chars().count() > MAX_NAME || looks_personal(text) {
        "(masked)".to_owned()
    } else {
        text.to_owned()
    }
}

/// A sentence of another system in which every word that looks like an address, a telephone or
/// card number or a token is `(masked)`: it may quote a row that it stumbled over.
pub fn masked_words(text: &str) -> String {
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\''
                    | '`'
                    | ','
                    | ';'
                    | '='
                    | '<'
                    | '>'
                    | '('
                    | ')'
                    | '['
                    | ']'
                    | '{'
                    | '}'
                    | '&'
                    | '?'
            )
    };
    let mut told = String::with_capacity(text.len());
    for part in text.split_inclusive(ends) {
        let word = part.trim_end_matches(ends);
        // Long digits alone are ids of properties and accounts; only cards have 13 and more.
        let digits = word.chars().all(|c| c.is_ascii_digit());
        if looks_personal(word) && !is_address(word) && !(digits && word.len() < 13) {
            told.push_str("(masked)");
            told.push_str(&part[word.len()..]);
        } else {
            told.push_str(part);
        }
    }
    without_numbers(&told)
}

/// An address of a machine or a time stamp, of which every system may speak.
fn is_address(word: &str) -> bool {
    let dotted =
        word.split('.').count() == 4 && word.split('.').all(|part| part.parse::<u8>().is_ok());
    dotted || begins_with_date(word)
}

fn begins_with_date(text: &str) -> bool {
    let shape = text.bytes().take(10).map(|byte| match byte {
        b'0'..=b'9' => '9',
        other => char::from(other),
    });
    shape.eq("9999-99-99".chars())
}

/// Telephone and card numbers that are written in groups.
fn without_numbers(text: &str) -> String {
    let grouped = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '/');
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit() || c == '+') {
        told.push_str(&rest[..start]);
        let run = &rest[start..];
        let end = run.find(|c| !grouped(c)).unwrap_or(run.len());
        let whole = run[..end].trim_end();
        let digits = whole.chars().filter(char::is_ascii_digit).count();
        let groups = whole.contains([' ', '-', '/', '+']);
        if digits >= 9 && groups && !begins_with_date(whole) {
            told.push_str("(masked)");
        } else {
            told.push_str(whole);
        }
        rest = &run[whole.len()..];
        if whole.is_empty() {
            break;
        }
    }
    told.push_str(rest);
    told
}

fn looks_personal(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let phone = digits >= 9
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '/'));
    let mail = text
        .find('@')
        .is_some_and(|at| at > 0 && text[at..].contains('.'))
        || text.to_ascii_lowercase().contains("%40");
    let token = text
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|word| {
            word.len() >= 24
                && word.chars().any(|c| c.is_ascii_digit())
                && word.chars().any(|c| c.is_ascii_alphabetic())
        });
    phone || mail || token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_a_safe_name() {
        assert_eq!(Name::clean("a\r\nBcc: x").as_str(), "aBcc: x");
        assert_eq!(Name::clean("\u{202E}gpj.exe").as_str(), "gpj.exe");
        assert_eq!(Name::clean("  ").as_str(), "(empty)");
        assert_eq!(
            Name::clean(&"x".repeat(10_000)).as_str().chars().count(),
            MAX_NAME
        );
        assert_eq!(Name::parse("a\nb"), Err(NameError::Forbidden(10)));
    }

    #[test]
    fn a_sentence_loses_people_and_keeps_its_sense() {
        for (told, kept) in [
            (
                "invalid input for type integer: \"mara@acme.example\"",
                "invalid input for type integer: \"(masked)\"",
            ),
            ("call +49 170 5550123 now", "call (masked) now"),
            ("card 4111 1111 1111 1111", "card (masked)"),
            ("card 4111111111111111, refused", "card (masked), refused"),
            (
                "see /reset?token=a8f5f167f44f4964e6c998dee827110c&x=1",
                "see /reset?token=(masked)&x=1",
            ),
            (
                "property 123456789 from 2026-11-22 to 2026-11-23 13:00 at 192.168.100.200",
                "property 123456789 from 2026-11-22 to 2026-11-23 13:00 at 192.168.100.200",
            ),
            ("5 of 7 + 3", "5 of 7 + 3"),
            ("über 12 – ok +", "über 12 – ok +"),
        ] {
            assert_eq!(masked_words(told), kept);
        }
    }

    #[test]
    fn personal_values_are_masked_and_ordinary_ones_are_not() {
        for secret in [
            "mara@acme.example",
            "+49 170 1234567",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
            "a%40b.c",
        ] {
            assert_eq!(masked_value(secret), "(masked)", "{secret}");
        }
        for plain in [
            "Safari",
            "de_spring-sale_2026q1",
            "2026-11-24",
            "Germany",
            "paid_social",
        ] {
            assert_eq!(masked_value(plain), plain);
        }
    }
}
