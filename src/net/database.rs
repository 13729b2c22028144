//! Connections to other people's databases: read-only, bounded, every value as text.

use std::path::PathBuf;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;

use super::http::install_ciphers;
use super::{Guard, Net, shown_start};

/// Longest time for one statement.
const STATEMENT: Duration = Duration::from_mins(2);

/// Longest time to a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Most rows of one answer.
const MOST_ROWS: usize = 2_000_000;

/// Which database speaks at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL and what speaks like it.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// A SQLite file.
    Sqlite,
}

/// Why a database did not answer. A variant is a reaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// Not reachable, busy, too slow.
    #[error("{0}")]
    Wait(String),
    /// A person must act: address, password, permissions, names of tables and columns.
    #[error("{0}")]
    Refused(String),
}

/// One row; a NULL is `None`.
pub type Row = Vec<Option<String>>;

/// A database by its address.
pub struct Database {
    engine: Engine,
    place: Place,
}

enum Place {
    Postgres(Box<tokio_postgres::Config>, bool),
    MySql(mysql_async::Opts),
    Sqlite(PathBuf),
}

impl Database {
    /// Reads `postgres://`, `mysql://`, `mariadb://` or `sqlite:path`. Relative files are sought in
    /// `folder`. The text of the address never stands in an error.
    pub fn parse(text: &str, folder: &std::path::Path) -> Result<Self, DatabaseError> {
        let wrong = |why: &str| {
            DatabaseError::Refused(format!(
                "the database address cannot be read ({why}); write it like postgres://user:password@host/database, \
                 mysql://…, or sqlite:path"
            ))
        };
        let (scheme, rest) = text
            .split_once(':')
            .ok_or_else(|| wrong("it has no scheme"))?;
        match scheme {
            "postgres" | "postgresql" => {
                let mut config: tokio_postgres::Config =
                    text.parse().map_err(|_| wrong("PostgreSQL"))?;
                config
                    .connect_timeout(CONNECT)
                    .application_name("truecount");
                let encrypted = config.get_ssl_mode() != tokio_postgres::config::SslMode::Disable;
                Ok(Self {
                    engine: Engine::Postgres,
                    place: Place::Postgres(Box::new(config), encrypted),
                })
            }
            "mysql" | "mariadb" => {
                let address = format!("mysql:{rest}");
                let options = mysql_async::Opts::from_url(&address).map_err(|_| wrong("MySQL"))?;
                Ok(Self {
                    engine: Engine::MySql,
                    place: Place::MySql(options),
                })
            }
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                Ok(Self {
                    engine: Engine::Sqlite,
                    place: Place::Sqlite(folder.join(path)),
                })
            }
            _ => Err(wrong("its scheme is not known")),
        }
    }

    /// Which database it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Runs statements one after another on one read-only connection; each row as texts.
    pub async fn ask(
        &self,
        statements: &[(String, Vec<String>)],
        net: &Net,
    ) -> Result<Vec<Vec<Row>>, DatabaseError> {
        net.gauge.called();
        let work = async {
            match &self.place {
                Place::Postgres(config, encrypted) => {
                    postgres(config, *encrypted, statements, &net.guard).await
                }
                Place::MySql(options) => mysql(options, statements).await,
                Place::Sqlite(path) => sqlite(path.clone(), statements.to_vec()).await,
            }
        };
        match tokio::time::timeout(STATEMENT + CONNECT, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(DatabaseError::Wait(format!(
                "no answer within {} s",
                STATEMENT.as_secs()
            ))),
        }
    }
}

/// Databases on private addresses are the rule; only addresses that hand out credentials are not.
fn checked(addresses: impl Iterator<Item = std::net::IpAddr>) -> Result<(), DatabaseError> {
    for address in addresses {
        if Guard::is_metadata(address) {
            return Err(DatabaseError::Refused(
                "the address is link-local: no database is there".to_owned(),
            ));
        }
    }
    Ok(())
}

/// The same for a name. One that cannot be resolved is left to the connection's own message.
async fn resolved(host: &str) -> Result<(), DatabaseError> {
    match tokio::net::lookup_host((host, 0)).await {
        Ok(addresses) => checked(addresses.map(|address| address.ip())),
        Err(_) => Ok(()),
    }
}

async fn postgres(
    config: &tokio_postgres::Config,
    encrypted: bool,
    statements: &[(String, Vec<String>)],
    _guard: &Guard,
) -> Result<Vec<Vec<Row>>, DatabaseError> {
    checked(config.get_hostaddrs().iter().copied())?;
    for host in config.get_hosts() {
        if let tokio_postgres::config::Host::Tcp(name) = host {
            resolved(name).await?;
        }
    }
    install_ciphers();
    let wait = |why: tokio_postgres::Error| postgres_trouble(&why);
    let client = if encrypted {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in rustls_native_certs::load_native_certs().certs {
            // One unreadable certificate of the system does not matter.
            roots.add(certificate).unwrap_or_default();
        }
        let mut tls = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        if config.get_ssl_mode() == tokio_postgres::config::SslMode::Prefer {
            tls.dangerous()
                .set_certificate_verifier(std::sync::Arc::new(super::tls::Unverified));
        }
        let connector = tokio_postgres_rustls::MakeRustlsConnect::new(tls);
        let (client, connection) = config.connect(connector).await.map_err(wait)?;
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        client
    } else {
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(wait)?;
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        client
    };
    let setup = format!(
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET statement_timeout = {}; SET TIME ZONE 'UTC'",
        STATEMENT.as_millis()
    );
    client.batch_execute(&setup).await.map_err(wait)?;
    let mut answers = Vec::new();
    for (sql, values) in statements {
        let values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = values
            .iter()
            .map(|value| value as &(dyn tokio_postgres::types::ToSql + Sync))
            .collect();
        let rows = client.query(sql.as_str(), &values).await.map_err(wait)?;
        bounded(rows.len())?;
        let mut list = Vec::with_capacity(rows.len());
        for row in rows {
            let texts = (0..row.len())
                .map(|at| row.try_get::<_, Option<String>>(at))
                .collect::<Result<Row, _>>();
            list.push(texts.map_err(wait)?);
        }
        answers.push(list);
    }
    Ok(answers)
}

fn bounded(rows: usize) -> Result<(), DatabaseError> {
    if rows > MOST_ROWS {
        let why = format!("the answer has more than {MOST_ROWS} rows; ask for less with a filter");
        return Err(DatabaseError::Refused(why));
    }
    Ok(())
}

fn postgres_trouble(why: &tokio_postgres::Error) -> DatabaseError {
    if let Some(known) = why.as_db_error() {
        let text = format!("PostgreSQL: {}", shown_start(known.message().as_bytes()));
        // Classes of SQLSTATE: 08 connection, 53 resources, 57 intervention, 40 rollback.
        let temporary = ["08", "53", "57", "40"]
            .iter()
            .any(|class| known.code().code().starts_with(class));
        return if temporary {
            DatabaseError::Wait(text)
        } else {
            DatabaseError::Refused(text)
        };
    }
    let mut inner: &dyn std::error::Error = why;
    while let Some(deeper) = inner.source() {
        inner = deeper;
    }
    let text = shown_start(inner.to_string().as_bytes());
    if text.contains("password") && text.contains("missing") {
        return DatabaseError::Refused("PostgreSQL: the address has no password".to_owned());
    }
    DatabaseError::Wait(format!("PostgreSQL cannot be reached: {text}"))
}

async fn mysql(
    options: &mysql_async::Opts,
    statements: &[(String, Vec<String>)],
) -> Result<Vec<Vec<Row>>, DatabaseError> {
    resolved(options.ip_or_hostname()).await?;
    install_ciphers();
    let mut connection = tokio::time::timeout(CONNECT, mysql_async::Conn::new(options.clone()))
        .await
        .map_err(|_| DatabaseError::Wait("MySQL cannot be reached in time".to_owned()))?
        .map_err(|why| mysql_trouble(&why))?;
    for setup in [
        "SET SESSION TRANSACTION READ ONLY",
        "SET time_zone = '+00:00'",
    ] {
        connection
            .query_drop(setup)
            .await
            .map_err(|why| mysql_trouble(&why))?;
    }
    // MariaDB and MySQL name their limit differently; each refuses the other's.
    let limits = [
        format!("SET SESSION max_statement_time = {}", STATEMENT.as_secs()),
        format!("SET SESSION max_execution_time = {}", STATEMENT.as_millis()),
    ];
    for limit in &limits {
        connection.query_drop(limit).await.unwrap_or_default();
    }
    let mut answers = Vec::new();
    for (sql, values) in statements {
        let rows: Vec<mysql_async::Row> = connection
            .exec(sql.as_str(), mysql_async::Params::from(values.clone()))
            .await
            .map_err(|why| mysql_trouble(&why))?;
        bounded(rows.len())?;
        answers.push(rows.into_iter().map(mysql_row).collect());
    }
    connection
        .disconnect()
        .await
        .map_err(|why| mysql_trouble(&why))?;
    Ok(answers)
}

fn mysql_row(row: mysql_async::Row) -> Row {
    use mysql_async::Value;
    row.unwrap()
        .into_iter()
        .map(|value| match value {
            Value::NULL => None,
            Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Value::Int(number) => Some(number.to_string()),
            Value::UInt(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Double(number) => Some(number.to_string()),
            other => Some(other.as_sql(true).trim_matches('\'').to_owned()),
        })
        .collect()
}

fn mysql_trouble(why: &mysql_async::Error) -> DatabaseError {
    match why {
        mysql_async::Error::Server(known) => {
            let text = format!("MySQL: {}", shown_start(known.message.as_bytes()));
            // 1040 too many connections, 1205 lock wait, 1213 deadlock, 3024 timeout.
            if [1040, 1205, 1213, 3024].contains(&known.code) {
                DatabaseError::Wait(text)
            } else {
                DatabaseError::Refused(text)
            }
        }
        _ => DatabaseError::Wait("MySQL cannot be reached, or the connection broke off".to_owned()),
    }
}

/// SQLite leaves `REGEXP` to its host: the plan's own patterns.
fn add_regexp(connection: &rusqlite::Connection) -> Result<(), rusqlite::Error> {
    use rusqlite::functions::FunctionFlags;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("regexp", 2, flags, |context| {
        let pattern: std::sync::Arc<regex_lite::Regex> = context.get_or_create_aux(
            0,
            |value| -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
                Ok(regex_lite::Regex::new(value.as_str()?)?)
            },
        )?;
        let text: Option<String> = context.get(1)?;
        Ok(text.is_some_and(|text| pattern.is_match(&text)))
    })
}

async fn sqlite(
    path: PathBuf,
    statements: Vec<(String, Vec<String>)>,
) -> Result<Vec<Vec<Row>>, DatabaseError> {
    let (send, handle) = tokio::sync::oneshot::channel();
    let work = move || -> Result<Vec<Vec<Row>>, rusqlite::Error> {
        let flags =
            rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(CONNECT)?;
        // A column that is not there is an error, not a text.
        connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        // Nobody waits when the other end is gone.
        send.send(connection.get_interrupt_handle())
            .unwrap_or_default();
        add_regexp(&connection)?;
        let mut answers = Vec::new();
        for (sql, values) in &statements {
            let mut statement = connection.prepare(sql)?;
            let width = statement.column_count();
            let mut rows = statement.query(rusqlite::params_from_iter(values))?;
            let mut list: Vec<Row> = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(
                    (0..width)
                        .map(|at| row.get(at))
                        .collect::<Result<Row, _>>()?,
                );
                if list.len() > MOST_ROWS {
                    break;
                }
            }
            answers.push(list);
        }
        Ok(answers)
    };
    let mut task = tokio::task::spawn_blocking(work);
    let ended = match tokio::time::timeout(STATEMENT, &mut task).await {
        Ok(ended) => ended,
        Err(_) => {
            if let Ok(handle) = handle.await {
                handle.interrupt();
            }
            task.await
        }
    };
    match ended {
        Ok(Ok(answers)) => {
            answers.iter().try_for_each(|rows| bounded(rows.len()))?;
            Ok(answers)
        }
        Ok(Err(why)) => Err(match why.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                DatabaseError::Wait("the SQLite file is locked".to_owned())
            }
            Some(rusqlite::ErrorCode::OperationInterrupted) => DatabaseError::Wait(format!(
                "SQLite: no answer within {} s",
                STATEMENT.as_secs()
            )),
            Some(rusqlite::ErrorCode::CannotOpen) => DatabaseError::Refused(
                "the SQLite file cannot be opened; is the path right?".to_owned(),
            ),
            _ => DatabaseError::Refused(format!(
                "SQLite: {}",
                shown_start(why.to_string().as_bytes())
            )),
        }),
        Err(_) => Err(DatabaseError::Wait(
            "reading the SQLite file was cut off".to_owned(),
        )),
    }
}
