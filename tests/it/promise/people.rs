//! P22 for sources that are asked: rows of databases and answers of APIs whose dimensions hold what
//! people are. They are counted by these dimensions when something breaks, and no value is kept.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{Days, Utc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::echo::variable;
use super::rig::receiver::Receiver;
use super::rig::{PATIENCE, Rig};
use super::secret::{BINARY, PERSONAL, kept, search, shown};

/// Events of which a part was kept whose value is masked.
fn masked(rig: &Rig) -> BTreeSet<String> {
    let database = rig.database();
    let mut query = database
        .prepare("SELECT row FROM evaluation WHERE row LIKE '%(masked)%'")
        .unwrap();
    let rows = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let rows: Vec<String> = rows.map(Result::unwrap).collect();
    let events = ["bought", "kept", "shopped"].into_iter();
    let of = |event: &&str| {
        rows.iter()
            .any(|row| row.contains(&format!("{event}.volume")))
    };
    events.filter(of).map(str::to_owned).collect()
}

/// Personal values as the values of a dimension that a database and an API count by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn personal_values_of_databases_and_answers_are_kept_nowhere() {
    let hook = Receiver::start().await;
    let today = Utc::now().date_naive();
    let mut statements =
        "DROP TABLE IF EXISTS personal; CREATE TABLE personal (paid_on date, page text);"
            .to_owned();
    let (mut rows, mut sold) = (Vec::new(), Vec::new());
    for ago in 1..=42_u64 {
        let day = today - Days::new(ago);
        let times = if ago < 4 { 0 } else { 20 };
        let values = PERSONAL
            .iter()
            .map(|value| (*value, times))
            .chain([("DE", 30)]);
        for (value, times) in values {
            let quoted = value.replace('\'', "''");
            statements.push_str(&format!(
                "INSERT INTO personal SELECT DATE '{day}', '{quoted}' FROM generate_series(1, {times});"
            ));
            sold.extend(std::iter::repeat_n((day.to_string(), value), times));
            rows.push(serde_json::json!({ "day": day.to_string(), "kind": "order", "page": value, "total": times }));
        }
    }
    let url = variable("TRUECOUNT_TEST_POSTGRES_URL");
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client.batch_execute(&statements).await.unwrap();
    let shop = serde_json::json!({ "data": rows }).to_string();
    let shop = serving(shop).await;
    let rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"").set("DATABASE", &url);
    let file = rig.folder.path().join("shop.sqlite");
    let local = rusqlite::Connection::open(&file).unwrap();
    local
        .execute_batch("CREATE TABLE personal (paid_on text, page text)")
        .unwrap();
    for (day, value) in &sold {
        local
            .execute("INSERT INTO personal VALUES (?1, ?2)", [day, *value])
            .unwrap();
    }
    drop(local);
    let more = format!(
        "[source.orders]\ntype = \"sql\"\nurl = {{ env = \"DATABASE\" }}\nevery = \"1 minute\"\n\
         [source.local]\ntype = \"sql\"\nurl = \"sqlite:shop.sqlite\"\nevery = \"1 minute\"\n\
         [source.shop]\ntype = \"http\"\nbase_url = \"{shop}\"\nrequest = {{ path = \"/v1\" }}\nrows = \"$.data[*]\"\ndate = \"day\"\nevent = \"kind\"\ncount = \"total\"\nevery = \"1 minute\"\n\
         [event.bought]\nby = [\"page\"]\nin.orders = {{ table = \"personal\", date = \"paid_on\" }}\n\
         [event.kept]\nby = [\"page\"]\nin.local = {{ table = \"personal\", date = \"paid_on\" }}\n\
         [event.shopped]\nby = [\"page\"]\nin.shop = \"order\"\n"
    );
    rig.write(
        "truecount.toml",
        &format!("{}\n{more}", rig.plan("wait = \"0 min\"")),
    );
    let checked = rig.command(&["validate"]).output().unwrap();
    let text = [checked.stdout, checked.stderr].concat();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&text)
    );
    let daemon = rig.serve().await;
    rig.push_history().await;
    rig.push_drop(0..1).await;
    // Each source was asked for the parts of its trouble: five values of one are masked alike.
    let begun = Instant::now();
    while masked(&rig).len() < 3 {
        let late = begun.elapsed() > PATIENCE;
        assert!(!late, "{:?}: {}", masked(&rig), rig.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut places = shown(&rig, true).await;
    daemon.end("TERM").await;
    places.extend(shown(&rig, false).await);
    places.extend(kept(rig.folder.path()));
    let told = hook.arrivals().into_iter();
    places.extend(told.map(|one| ("a message".to_owned(), one.body)));
    search(&places, PERSONAL);
}

/// Answers every call with this JSON.
async fn serving(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            tokio::spawn(async move {
                let mut call = vec![0; 65_536];
                if stream.read(&mut call).await.is_ok() {
                    drop(stream.write_all(answer.as_bytes()).await);
                }
            });
        }
    });
    address
}
