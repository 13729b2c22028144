//! Parts of statements: quoted names, bound values, conditions and measures in each dialect.

use crate::model::{Measure, Question, Rule, Term, Value};
use crate::net::Engine;

/// Letters, digits and underscores; nothing that could end a name.
pub(super) fn quoted(engine: Engine, name: &str) -> Result<String, String> {
    let plain = name
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    if name.is_empty() || name.len() > 63 || !plain {
        return Err(format!("`{name}` cannot be the name of a table or column"));
    }
    Ok(if engine == Engine::MySql {
        format!("`{name}`")
    } else {
        format!("\"{name}\"")
    })
}

pub(super) fn quoted_path(engine: Engine, path: &str) -> Result<String, String> {
    let parts: Vec<String> = path
        .split('.')
        .map(|part| quoted(engine, part))
        .collect::<Result<_, _>>()?;
    Ok(parts.join("."))
}

pub(super) fn as_text(engine: Engine, expression: &str) -> String {
    match engine {
        Engine::Postgres => format!("CAST({expression} AS text)"),
        // Case matters in identifiers and values, whatever the column's collation says.
        Engine::MySql => format!("CAST({expression} AS CHAR) COLLATE utf8mb4_bin"),
        Engine::Sqlite => format!("CAST({expression} AS TEXT)"),
    }
}

/// A statement in the making: its values are numbered in the order in which they are bound.
pub(super) struct Writer {
    pub(super) engine: Engine,
    pub(super) values: Vec<String>,
}

impl Writer {
    pub(super) fn bind(&mut self, value: &str) -> String {
        self.values.push(value.to_owned());
        match self.engine {
            Engine::Postgres => format!("${}", self.values.len()),
            Engine::MySql | Engine::Sqlite => "?".to_owned(),
        }
    }

    fn number(&self, expression: &str) -> String {
        match self.engine {
            Engine::Postgres => format!("CAST({expression} AS numeric)"),
            Engine::MySql => format!("CAST({expression} AS DECIMAL(30, 6))"),
            Engine::Sqlite => format!("CAST({expression} AS REAL)"),
        }
    }

    /// Present: neither NULL nor an empty text.
    fn present(&self, column: &str) -> String {
        format!(
            "({column} IS NOT NULL AND {} <> '')",
            as_text(self.engine, column)
        )
    }

    /// A missing value never matches, also not `!=`.
    pub(super) fn term(&mut self, term: &Term, question: &Question) -> Result<String, String> {
        let column = quoted(self.engine, question.mapping.field(term.field()))?;
        let text = as_text(self.engine, &column);
        let compare = |writer: &mut Self, sign: &str, value: &Value| {
            let bound = writer.bind(value.as_str());
            match value {
                Value::Text(_) => format!("{text} {sign} {bound}"),
                Value::Number(_) => {
                    format!(
                        "{} {sign} {}",
                        writer.number(&column),
                        writer.number(&as_text(writer.engine, &bound))
                    )
                }
            }
        };
        let condition = match term {
            Term::Equal(_, value) => compare(self, "=", value),
            Term::NotEqual(_, value) => compare(self, "<>", value),
            Term::AtLeast(_, value) => compare(self, ">=", value),
            Term::AtMost(_, value) => compare(self, "<=", value),
            Term::In(_, values) => {
                let list: Vec<String> = values
                    .iter()
                    .map(|value| self.bind(value.as_str()))
                    .collect();
                format!("{text} IN ({})", list.join(", "))
            }
        };
        Ok(format!("({} AND {condition})", self.present(&column)))
    }

    fn rule(&mut self, column: &str, rule: &Rule) -> String {
        let text = as_text(self.engine, column);
        match rule {
            Rule::OneOf(values) => {
                let list: Vec<String> = values.iter().map(|value| self.bind(value)).collect();
                format!("{text} IN ({})", list.join(", "))
            }
            Rule::Url => format!("({text} LIKE 'http://%' OR {text} LIKE 'https://%')"),
            Rule::Number { min, max } => {
                let number = self.number(column);
                let mut parts = Vec::new();
                if let Some(min) = min {
                    parts.push(format!("{number} >= {min}"));
                }
                if let Some(max) = max {
                    parts.push(format!("{number} <= {max}"));
                }
                if parts.is_empty() {
                    "1 = 1".to_owned()
                } else {
                    parts.join(" AND ")
                }
            }
            Rule::Pattern(pattern) => {
                // The whole value must match; MySQL's usual collations would ignore the case.
                let case = if self.engine == Engine::MySql {
                    "(?-i)"
                } else {
                    ""
                };
                let bound = self.bind(&format!("{case}^(?:{pattern})$"));
                match self.engine {
                    Engine::Postgres => format!("{text} ~ {bound}"),
                    Engine::MySql | Engine::Sqlite => format!("{text} REGEXP {bound}"),
                }
            }
        }
    }

    /// What is aggregated, as text.
    pub(super) fn measure(&mut self, question: &Question) -> Result<String, String> {
        let settings = &question.mapping.settings;
        let column = |name: &str| quoted(self.engine, name);
        let when = |condition: &str| format!("SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)");
        let id = |parameter: &crate::model::Name| {
            settings.get("id").map_or_else(
                || question.mapping.field(parameter).to_owned(),
                Clone::clone,
            )
        };
        let expression = match &question.measure {
            Measure::Count => "COUNT(*)".to_owned(),
            Measure::Sum { .. } => format!("COALESCE(SUM({}), 0)", column(&settings["sum"])?),
            Measure::Having(names) => {
                let parts = names
                    .iter()
                    .map(|name| {
                        column(question.mapping.field(name)).map(|column| self.present(&column))
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                when(&parts.join(" AND "))
            }
            Measure::Valid { parameter, rule } => {
                let column = column(question.mapping.field(parameter))?;
                let rule = self.rule(&column, rule);
                when(&format!("{} AND {rule}", self.present(&column)))
            }
            Measure::Repeats(name) => {
                let column = column(&id(name))?;
                let text = format!("NULLIF({}, '')", as_text(self.engine, &column));
                format!("COUNT({text}) - COUNT(DISTINCT {text})")
            }
            Measure::WithoutId(name) => {
                let column = column(&id(name))?;
                when(&format!("NOT {}", self.present(&column)))
            }
            Measure::Users | Measure::Unknown | Measure::Consented => {
                return Err("a table does not know users, traffic sources or consent".to_owned());
            }
        };
        Ok(as_text(self.engine, &expression))
    }
}
