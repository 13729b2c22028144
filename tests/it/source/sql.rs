//! Counts from PostgreSQL, MariaDB and SQLite: the same cases in each.

use mysql_async::prelude::Queryable as _;
use truecount::model::{Filter, Grain, Measure, Question, Rule, Term, Value};
use truecount::source::SourceError;

use super::bench::{Bench, HEAD, at, example, name};

const PAGE: &str = include_str!("../../../docs/sources/sql.md");

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Postgres,
    Maria,
    Sqlite,
}

pub(super) const ALL: [Kind; 3] = [Kind::Postgres, Kind::Maria, Kind::Sqlite];

#[expect(
    clippy::disallowed_methods,
    reason = "tests/run hands over the addresses of its components this way"
)]
fn variable(key: &str) -> String {
    std::env::var(key).unwrap_or_else(|_| {
        panic!(
            "{key} is not set: run `bash tests/run`, or take it from `bash tests/run --components`"
        )
    })
}

/// Runs statements as the owner of the data; the address to read it with.
pub(super) async fn prepare(kind: Kind, bench: &Bench, script: &str) -> String {
    match kind {
        Kind::Postgres => {
            let url = variable("TRUECOUNT_TEST_POSTGRES_URL");
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
                .await
                .unwrap();
            tokio::spawn(connection);
            client.batch_execute(script).await.unwrap();
            url
        }
        Kind::Maria => {
            let url = variable("TRUECOUNT_TEST_MYSQL_URL");
            let mut connection = mysql_async::Conn::from_url(&url).await.unwrap();
            for statement in script.split(";\n").filter(|text| !text.trim().is_empty()) {
                connection.query_drop(statement).await.unwrap();
            }
            connection.disconnect().await.unwrap();
            url
        }
        Kind::Sqlite => {
            let path = bench.folder.path().join("shop.db");
            rusqlite::Connection::open(path)
                .unwrap()
                .execute_batch(script)
                .unwrap();
            "sqlite:shop.db".to_owned()
        }
    }
}

pub(super) fn plan(mapping: &str) -> Bench {
    Bench::new(&format!(
        "{HEAD}[source.orders]\ntype = \"sql\"\nurl = {{ env = \"DB\" }}\n[event.purchase]\nunique = \"order_no\"\nin.orders = {mapping}\n"
    ))
}

/// Orders around the end of summer time in Berlin (2026-10-25 has 25 hours), in UTC.
const ORDERS: &[(&str, &str, &str, &str, &str)] = &[
    ("2026-10-24 21:59:59", "A1", "10.50", "EUR", "DE"),
    ("2026-10-24 22:00:00", "A2", "20", "EUR", "DE"),
    ("2026-10-25 00:30:00", "A3", "30", "EUR", "AT"),
    ("2026-10-25 01:30:00", "A3", "30", "EUR", "AT"),
    ("2026-10-25 22:59:59", "a3", "5", "USD", ""),
    ("2026-10-25 23:00:00", "", "-4", "EUR", "CH"),
];

async fn orders(kind: Kind, table: &str, settings: &str) -> Bench {
    let mut bench = plan(&format!(
        "{{ table = \"{table}\", date = \"paid_at\"{settings} }}"
    ));
    bench.now = at("2026-10-27T00:00:00Z");
    let time = match kind {
        Kind::Postgres => "timestamptz",
        Kind::Maria => "datetime",
        Kind::Sqlite => "text",
    };
    let zone = if kind == Kind::Postgres { "+00" } else { "" };
    let rows: Vec<String> = ORDERS
        .iter()
        .map(|(at, id, total, currency, land)| {
            format!("('{at}{zone}', '{id}', {total}, '{currency}', '{land}')")
        })
        .collect();
    let script = format!(
        "DROP TABLE IF EXISTS {table};\nCREATE TABLE {table} (paid_at {time}, order_no varchar(20), total decimal(10,2), currency varchar(3), land varchar(20));\nINSERT INTO {table} VALUES {};\n",
        rows.join(", ")
    );
    let url = prepare(kind, &bench, &script).await;
    bench.secret("DB", &url)
}

pub(super) fn question(bench: &Bench, measure: Measure) -> Question {
    bench.question("orders", "purchase", measure, Grain::Day)
}

async fn days(bench: &Bench, measure: Measure) -> Vec<String> {
    bench
        .counts(&question(bench, measure), "2026-10-24", "2026-10-26")
        .await
}

#[tokio::test]
async fn days_are_cut_in_the_projects_zone_also_when_clocks_change() {
    for kind in ALL {
        let bench = orders(kind, "t_days", "").await;
        assert_eq!(
            days(&bench, Measure::Count).await,
            ["10-24 1", "10-25 4", "10-26 1"],
            "{kind:?}"
        );
        let hour = bench.question("orders", "purchase", Measure::Count, Grain::Hour);
        let hours = bench.counts(&hour, "2026-10-25", "2026-10-25").await;
        assert_eq!(hours.len(), 25, "{kind:?}");
        assert_eq!(
            hours[..4],
            ["10-25T00 1", "10-25T01 0", "10-25T02 1", "10-25T02 1"],
            "{kind:?}"
        );
        assert_eq!(hours[24], "10-25T23 1", "{kind:?}");
    }
}

#[tokio::test]
async fn every_measure_is_asked_in_every_dialect() {
    for kind in ALL {
        let bench = orders(
            kind,
            "t_measures",
            ", sum = \"total\", currency = \"currency\", id = \"order_no\"",
        )
        .await;
        let having = Measure::Having(vec![name("order_no"), name("land")]);
        assert_eq!(
            days(&bench, having).await,
            ["10-24 1", "10-25 3", "10-26 0"],
            "{kind:?}"
        );
        assert_eq!(
            days(&bench, Measure::Repeats(name("order_no"))).await,
            ["10-24 0", "10-25 1", "10-26 0"],
            "{kind:?}"
        );
        assert_eq!(
            days(&bench, Measure::WithoutId(name("order_no"))).await,
            ["10-24 0", "10-25 0", "10-26 1"],
            "{kind:?}"
        );
        let sum = Measure::Sum {
            of: name("total"),
            currency: Some("EUR".to_owned()),
        };
        assert_eq!(
            days(&bench, sum).await,
            ["10-24 10.5", "10-25 80", "10-26 -4"],
            "{kind:?}"
        );
        let valid = |parameter: &str, rule| Measure::Valid {
            parameter: name(parameter),
            rule,
        };
        let one_of = valid(
            "currency",
            Rule::OneOf(vec!["EUR".to_owned(), "CHF".to_owned()]),
        );
        assert_eq!(
            days(&bench, one_of).await,
            ["10-24 1", "10-25 3", "10-26 1"],
            "{kind:?}"
        );
        let pattern = valid("order_no", Rule::Pattern("A[0-9]".to_owned()));
        assert_eq!(
            days(&bench, pattern).await,
            ["10-24 1", "10-25 3", "10-26 0"],
            "{kind:?}"
        );
        let range = valid(
            "total",
            Rule::Number {
                min: Some("0".to_owned()),
                max: Some("20".to_owned()),
            },
        );
        assert_eq!(
            days(&bench, range).await,
            ["10-24 1", "10-25 2", "10-26 0"],
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn splits_and_filters_bind_their_values() {
    for kind in ALL {
        let bench = orders(
            kind,
            "t_filters",
            ", filter = \"total > 0\", fields = { country = \"land\" }",
        )
        .await;
        let split = question(&bench, Measure::Count).split(&[name("country")]);
        let found = bench.counts(&split, "2026-10-25", "2026-10-26").await;
        assert_eq!(
            found,
            [
                "10-25[(not set)] 1",
                "10-25[AT] 2",
                "10-25[DE] 1",
                "10-26[(not set)] 0",
                "10-26[AT] 0",
                "10-26[DE] 0"
            ],
            "{kind:?}"
        );
        let text = |text: &str| Value::Text(text.to_owned());
        let cases = [
            (Term::Equal(name("country"), text("AT")), 2),
            (Term::NotEqual(name("country"), text("AT")), 1),
            (Term::Equal(name("country"), text("' OR '1'='1")), 0),
            (Term::In(name("country"), vec![text("AT"), text("DE")]), 3),
            (
                Term::AtLeast(name("total"), Value::Number("20".to_owned())),
                3,
            ),
            (
                Term::AtMost(name("total"), Value::Number("20".to_owned())),
                2,
            ),
        ];
        for (term, count) in cases {
            let mut asked = question(&bench, Measure::Count);
            asked.filter = Filter(vec![term.clone()]);
            assert_eq!(
                bench.counts(&asked, "2026-10-25", "2026-10-25").await,
                [format!("10-25 {count}")],
                "{kind:?} {term:?}"
            );
        }
    }
}

#[tokio::test]
async fn dates_stay_as_they_are_and_give_no_hours() {
    for kind in ALL {
        let bench = plan("{ table = \"t_dates\", date = \"day\" }");
        let script = "DROP TABLE IF EXISTS t_dates;\nCREATE TABLE t_dates (day date);\nINSERT INTO t_dates VALUES ('2026-11-22'), ('2026-11-23'), ('2026-11-23');\n";
        let url = prepare(kind, &bench, script).await;
        let bench = bench.secret("DB", &url);
        let asked = question(&bench, Measure::Count);
        assert_eq!(
            bench.counts(&asked, "2026-11-21", "2026-11-23").await,
            ["11-21 0", "11-22 1", "11-23 2"],
            "{kind:?}"
        );
        let hour = bench.question("orders", "purchase", Measure::Count, Grain::Hour);
        let pulled = bench
            .pull(&[hour], "2026-11-21", "2026-11-23")
            .await
            .unwrap();
        assert_eq!(
            pulled.unanswerable[0].1, "the date column has no time of day",
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn numbers_of_unix_time_are_times() {
    for (value, kind) in [
        ("1795390200", Kind::Sqlite),
        ("1795390200000", Kind::Sqlite),
        ("1795390200", Kind::Postgres),
        ("1795390200", Kind::Maria),
    ] {
        let bench = plan("{ table = \"t_unix\", date = \"at\" }");
        let script = format!(
            "DROP TABLE IF EXISTS t_unix;\nCREATE TABLE t_unix (at bigint);\nINSERT INTO t_unix VALUES ({value});\n"
        );
        let url = prepare(kind, &bench, &script).await;
        let bench = bench.secret("DB", &url);
        // 2026-11-22 23:30 UTC is the 23rd in Berlin.
        assert_eq!(
            bench
                .counts(
                    &question(&bench, Measure::Count),
                    "2026-11-22",
                    "2026-11-23"
                )
                .await,
            ["11-22 0", "11-23 1"],
            "{kind:?} {value}"
        );
    }
}

#[tokio::test]
async fn an_own_query_gives_days() {
    for kind in ALL {
        let bench = plan(
            "{ query = \"SELECT day, n AS count FROM t_query WHERE day >= $from AND day < $to\" }",
        );
        let script = "DROP TABLE IF EXISTS t_query;\nCREATE TABLE t_query (day date, n int);\nINSERT INTO t_query VALUES ('2026-11-22', 4), ('2026-11-24', 9);\n";
        let url = prepare(kind, &bench, script).await;
        let bench = bench.secret("DB", &url);
        assert_eq!(
            bench
                .counts(
                    &question(&bench, Measure::Count),
                    "2026-11-22",
                    "2026-11-23"
                )
                .await,
            ["11-22 4", "11-23 0"],
            "{kind:?}"
        );
        prepare(kind, &bench, "UPDATE t_query SET n = -1;\n").await;
        let why = bench
            .failure(
                &question(&bench, Measure::Count),
                "2026-11-22",
                "2026-11-23",
            )
            .await;
        assert!(
            matches!(&why, SourceError::Odd { why } if why.contains("a count of -1")),
            "{kind:?} {why:?}"
        );
    }
}

#[tokio::test]
async fn nothing_can_be_written() {
    for (kind, query) in [
        (
            Kind::Postgres,
            "SELECT nextval('t_seq') AS count, current_date AS day",
        ),
        (
            Kind::Maria,
            "SELECT NEXTVAL(t_seq) AS count, CURRENT_DATE AS day",
        ),
    ] {
        let bench = plan(&format!("{{ query = \"{query}\" }}"));
        let url = prepare(
            kind,
            &bench,
            "DROP SEQUENCE IF EXISTS t_seq;\nCREATE SEQUENCE t_seq;\n",
        )
        .await;
        let bench = bench.secret("DB", &url);
        let why = bench
            .failure(
                &question(&bench, Measure::Count),
                "2026-11-22",
                "2026-11-23",
            )
            .await;
        assert!(
            matches!(&why, SourceError::Refused { why } if why.to_lowercase().contains("read")),
            "{kind:?} {why:?}"
        );
    }
}

#[tokio::test]
async fn wrong_names_and_passwords_are_told_and_nothing_is_zero() {
    for kind in ALL {
        let told = |why: SourceError, word: &str| {
            assert!(
                matches!(&why, SourceError::Refused { why } if why.contains(word)),
                "{kind:?} {word}: {why:?}"
            );
        };
        let bench = orders(kind, "t_names", "").await;
        let mut asked = question(&bench, Measure::Having(vec![name("nobody")]));
        told(
            bench.failure(&asked, "2026-10-25", "2026-10-25").await,
            "nobody",
        );
        asked
            .mapping
            .settings
            .insert("date".to_owned(), "nowhere".to_owned());
        let missing = bench.failure(&asked, "2026-10-25", "2026-10-25").await;
        assert!(
            matches!(missing, SourceError::Refused { .. }),
            "{kind:?} {missing:?}"
        );
        asked
            .mapping
            .settings
            .insert("table".to_owned(), "t_missing".to_owned());
        let missing = bench.failure(&asked, "2026-10-25", "2026-10-25").await;
        assert!(
            matches!(missing, SourceError::Refused { .. }),
            "{kind:?} {missing:?}"
        );
        asked
            .mapping
            .settings
            .insert("table".to_owned(), "t; DROP TABLE t_names".to_owned());
        told(
            bench.failure(&asked, "2026-10-25", "2026-10-25").await,
            "cannot be the name",
        );
    }
    for key in ["TRUECOUNT_TEST_POSTGRES_URL", "TRUECOUNT_TEST_MYSQL_URL"] {
        let url = variable(key).replace(":truecount@", ":wrong-pass@");
        let bench = plan("{ table = \"t\", date = \"d\" }").secret("DB", &url);
        let why = bench
            .failure(
                &question(&bench, Measure::Count),
                "2026-10-25",
                "2026-10-25",
            )
            .await;
        assert!(matches!(&why, SourceError::Refused { .. }), "{key} {why:?}");
        assert!(!why.to_string().contains("wrong-pass"), "{why}");
    }
}

#[tokio::test]
async fn a_database_that_is_down_is_waited_for() {
    for url in ["postgres://u:p@127.0.0.1:1/x", "mysql://u:p@127.0.0.1:1/x"] {
        let bench = plan("{ table = \"t\", date = \"d\" }").secret("DB", url);
        let why = bench
            .failure(
                &question(&bench, Measure::Count),
                "2026-10-25",
                "2026-10-25",
            )
            .await;
        assert!(matches!(why, SourceError::Wait { .. }), "{url}: {why:?}");
    }
    for url in [
        "postgres://u:p@169.254.169.254/x",
        "mysql://u:p@169.254.169.254/x",
    ] {
        let bench = plan("{ table = \"t\", date = \"d\" }").secret("DB", url);
        let why = bench
            .failure(
                &question(&bench, Measure::Count),
                "2026-10-25",
                "2026-10-25",
            )
            .await;
        assert!(
            matches!(&why, SourceError::Refused { why } if why.contains("link-local")),
            "{url}: {why:?}"
        );
    }
}

#[tokio::test]
async fn the_example_of_the_page_counts() {
    let bench = Bench::new(&example(PAGE, "toml"));
    let script = "CREATE TABLE orders (paid_at text, order_no text, total real);\nINSERT INTO orders VALUES ('2026-11-22 23:30:00', 'A1', 5), ('2026-11-23T10:00:00Z', 'A2', 6);\n";
    let url = prepare(Kind::Sqlite, &bench, script).await;
    let bench = bench.secret("ORDERS_DATABASE_URL", &url);
    assert_eq!(
        bench
            .counts(
                &question(&bench, Measure::Count),
                "2026-11-22",
                "2026-11-23"
            )
            .await,
        ["11-22 0", "11-23 2"]
    );
    let having = Measure::Having(vec![name("transaction_id"), name("value")]);
    assert_eq!(
        bench
            .counts(&question(&bench, having), "2026-11-22", "2026-11-23")
            .await,
        ["11-22 0", "11-23 2"]
    );
}

#[tokio::test]
async fn a_probe_says_what_answers() {
    for kind in ALL {
        let bench = orders(kind, "t_probe", "").await;
        let found = bench
            .source("orders")
            .probe(&bench.means())
            .await
            .unwrap()
            .found;
        assert!(found.starts_with("connected, "), "{kind:?} {found}");
    }
}
