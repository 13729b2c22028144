//! Rows of an own query that say a day twice, or a day that is not there yet: the same in each database.

use truecount::model::Measure;

use super::sql::{ALL, plan, prepare, question};

#[tokio::test]
async fn rows_of_one_day_are_added_and_days_to_come_are_left_out_aloud() {
    for kind in ALL {
        let bench = plan("{ query = \"SELECT day, n AS count FROM t_twice WHERE day >= $from\" }");
        let script = "DROP TABLE IF EXISTS t_twice;\nCREATE TABLE t_twice (day date, n int);\nINSERT INTO t_twice VALUES ('2026-11-22', 4), ('2026-11-22', 5), ('2026-11-23', 1);\n";
        let url = prepare(kind, &bench, script).await;
        let bench = bench.secret("DB", &url);
        let asked = question(&bench, Measure::Count);
        let ask = std::slice::from_ref(&asked);
        let counts = ["11-22 9", "11-23 1"];
        assert_eq!(
            bench.counts(&asked, "2026-11-22", "2026-11-23").await,
            counts,
            "{kind:?}"
        );
        let quiet = bench.pull(ask, "2026-11-22", "2026-11-23").await.unwrap();
        assert!(quiet.notes.is_empty(), "{kind:?} {:?}", quiet.notes);
        let ahead =
            "INSERT INTO t_twice VALUES ('2924-11-22', 7), ('2924-11-22', 1), ('2925-01-01', 2);\n";
        prepare(kind, &bench, ahead).await;
        assert_eq!(
            bench.counts(&asked, "2026-11-22", "2026-11-23").await,
            counts,
            "{kind:?}"
        );
        let pulled = bench.pull(ask, "2026-11-22", "2026-11-23").await.unwrap();
        let [note] = pulled.notes.as_slice() else {
            panic!("{kind:?} {:?}", pulled.notes);
        };
        assert!(
            note.contains("2 dates of its query lie in the future"),
            "{note}"
        );
    }
}
