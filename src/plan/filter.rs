//! `where`: a tiny language of comparisons joined by `and`.

use crate::model::{Filter, Name, Term, Value};

/// Reads `company_size != '1-10' and amount >= 5`. The error says what is wrong and what would do.
pub fn parse(text: &str) -> Result<Filter, String> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Err("a condition may not be empty".to_owned());
    }
    let mut terms = Vec::new();
    let mut rest = tokens.as_slice();
    loop {
        let (term, after) = term(rest)?;
        terms.push(term);
        rest = match after {
            [] => return Ok(Filter(terms)),
            [Token::Word(word), after @ ..] if word.eq_ignore_ascii_case("and") => after,
            [token, ..] => {
                return Err(format!(
                    "after a comparison comes `and` or the end, not {}",
                    token.shown()
                ));
            }
        };
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(String),
    Sign(&'static str),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Number(text) => format!("`{text}`"),
            Self::Text(text) => format!("'{text}'"),
            Self::Sign(sign) => format!("`{sign}`"),
        }
    }
}

/// Signs, longest first.
const SIGNS: [&str; 8] = ["!=", ">=", "<=", "==", "=", "(", ")", ","];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            found.push(Token::Sign(if *sign == "==" { "=" } else { sign }));
            rest = rest[sign.len()..].trim_start();
            continue;
        }
        let end = if first == '\'' {
            let close = rest[1..].find('\'').ok_or("a text in '…' is not closed")?;
            found.push(Token::Text(rest[1..=close].to_owned()));
            close + 2
        } else if first.is_ascii_digit() || first == '-' {
            let end = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-')
                .unwrap_or(rest.len());
            let number = &rest[..end];
            number
                .parse::<f64>()
                .map_err(|_| format!("`{number}` is not a number"))?;
            found.push(Token::Number(number.to_owned()));
            end
        } else if first.is_alphabetic() || first == '_' {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '-'))
                .unwrap_or(rest.len());
            found.push(Token::Word(rest[..end].to_owned()));
            end
        } else {
            return Err(format!(
                "`{first}` cannot stand here; texts stand in single quotes"
            ));
        };
        rest = rest[end..].trim_start();
    }
    Ok(found)
}

fn term(tokens: &[Token]) -> Result<(Term, &[Token]), String> {
    let [Token::Word(field), rest @ ..] = tokens else {
        return Err("a comparison begins with the name of a parameter".to_owned());
    };
    let field = Name::parse(field).map_err(|why| why.to_string())?;
    match rest {
        [Token::Sign("="), value, rest @ ..] => Ok((Term::Equal(field, literal(value)?), rest)),
        [Token::Sign("!="), value, rest @ ..] => Ok((Term::NotEqual(field, literal(value)?), rest)),
        [Token::Sign(">="), value, rest @ ..] => Ok((Term::AtLeast(field, literal(value)?), rest)),
        [Token::Sign("<="), value, rest @ ..] => Ok((Term::AtMost(field, literal(value)?), rest)),
        [Token::Word(word), Token::Sign("("), rest @ ..] if word.eq_ignore_ascii_case("in") => {
            let close = rest.iter().position(|token| *token == Token::Sign(")"));
            let close = close.ok_or("the list after `in` is not closed")?;
            let values = rest[..close]
                .split(|token| *token == Token::Sign(","))
                .map(|item| match item {
                    [value] => literal(value),
                    _ => Err("a list after `in` looks like ('a', 'b')".to_owned()),
                })
                .collect::<Result<Vec<Value>, String>>()?;
            Ok((Term::In(field, values), &rest[close + 1..]))
        }
        _ => Err(format!(
            "after `{field}` comes =, !=, >=, <= or in ('a', 'b')"
        )),
    }
}

fn literal(token: &Token) -> Result<Value, String> {
    match token {
        Token::Text(text) => Ok(Value::Text(text.clone())),
        Token::Number(number) => Ok(Value::Number(number.clone())),
        other => Err(format!(
            "{} is not a value; texts stand in single quotes",
            other.shown()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read() {
        let filter = parse("company_size != '1-10' and amount >= 5 and c in ('a','b')");
        assert_eq!(filter.as_ref().map(|filter| filter.0.len()), Ok(3));
        assert_eq!(
            parse("a = 'x'"),
            Ok(Filter(vec![Term::Equal(
                Name::clean("a"),
                Value::Text("x".to_owned())
            )]))
        );
    }

    #[test]
    fn mistakes_say_what_would_do() {
        for text in [
            "",
            "a",
            "a =",
            "a = b",
            "a = 'x",
            "a = 'x' or b = 'y'",
            "a in 'x'",
            "; drop",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
