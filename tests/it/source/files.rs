//! Counts from CSV and JSON Lines.

use truecount::model::{Grain, Measure};
use truecount::source::SourceError;

use super::bench::{Bench, HEAD, at, errors, example, name};

const PAGE: &str = include_str!("../../../docs/sources/files.md");

fn bench(settings: &str) -> Bench {
    Bench::new(&format!(
        "{HEAD}[source.export]\ntype = \"files\"\npath = \"in/*\"\n{settings}\n[event.purchase]\nby = [\"country\"]\nin.export = true\n"
    ))
}

async fn days(bench: &Bench) -> Vec<String> {
    let question = bench.question("export", "purchase", Measure::Count, Grain::Day);
    bench.counts(&question, "2026-11-20", "2026-11-24").await
}

async fn refused(text: &str) -> String {
    let bench = bench("").file("in/a.csv", text);
    let question = bench.question("export", "purchase", Measure::Count, Grain::Day);
    match bench.failure(&question, "2026-11-20", "2026-11-24").await {
        SourceError::Odd { why } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_example_of_the_page_counts() {
    let bench =
        Bench::new(&example(PAGE, "toml")).file("exports/november.csv", &example(PAGE, "csv"));
    let question = bench.question("export", "purchase", Measure::Count, Grain::Day);
    assert_eq!(
        bench.counts(&question, "2026-11-20", "2026-11-24").await,
        ["11-23 41", "11-24 38"]
    );
}

/// The same two days as different programs write them.
#[tokio::test]
async fn exports_of_every_program_are_read_as_they_are() {
    let lines = [
        ["date", "event", "count"],
        ["2026-11-21", "purchase", "4"],
        ["2026-11-22", "purchase", "9"],
    ];
    let text = |separator: &str, end: &str| {
        let lines = lines.map(|line| line.join(separator) + end);
        lines.concat()
    };
    let wide = |text: &str, big: bool| {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        let order = |unit: u16| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        };
        units.flat_map(order).collect::<Vec<u8>>()
    };
    let remarks = "# ------\n# Events, 1 to 30 November\n#\n\n";
    for (what, bytes) in [
        ("commas", text(",", "\n").into_bytes()),
        ("returns", text(",", "\r\n").into_bytes()),
        ("semicolons", text(";", "\r\n").into_bytes()),
        ("tabs", text("\t", "\n").into_bytes()),
        ("a mark", format!("\u{feff}{}", text(",", "\n")).into_bytes()),
        ("UTF-16", wide(&text("\t", "\r\n"), false)),
        ("UTF-16, the other way", wide(&text(",", "\n"), true)),
        ("remarks", format!("{remarks}{}", text(",", "\n")).into_bytes()),
        (
            "days first",
            "date;event;count\n21.11.2026;purchase;4\n22.11.2026;purchase;9\n".into(),
        ),
        (
            "a comma in a name",
            "date;event;count;\"city, country\"\n2026-11-21;purchase;4;x\n2026-11-22;purchase;9;y\n".into(),
        ),
    ] {
        let bench = bench("").file("in/a.csv", "");
        std::fs::write(bench.folder.path().join("in/a.csv"), bytes).unwrap();
        assert_eq!(days(&bench).await, ["11-21 4", "11-22 9"], "{what}");
    }
}

/// Whatever stands before it, a line is named by the number that an editor shows.
#[tokio::test]
async fn a_wrong_line_is_named_by_its_number() {
    for (text, line) in [
        ("date,event,count\n2026-11-21,purchase,x\n", 2),
        ("date,event,count\r\n2026-11-21,purchase,x\r\n", 2),
        (
            "# a\r\n#\r\ndate,event,count\r\n2026-11-21,purchase,1\r\n2026-11-22,purchase,x\r\n",
            5,
        ),
        (
            "date,event,count\n2026-11-21,purchase,1\n2026-11-22,purchase,x\n",
            3,
        ),
        ("date,event,count\r\n2026-11-21,purchase,1,7\r\n", 2),
    ] {
        let why = refused(text).await;
        assert!(why.starts_with(&format!("in/a.csv:{line}: ")), "{why}");
    }
}

#[tokio::test]
async fn numbers_and_dates_that_mean_two_things_are_refused() {
    for value in [
        "\"1,400\"",
        "1.400",
        "1.000",
        "1'400",
        "12 400",
        "1.400.000",
    ] {
        let why = refused(&format!("date,event,count\n2026-11-21,purchase,{value}\n")).await;
        assert!(why.contains("is not plainly a count"), "{value}: {why}");
    }
    let why = refused("date,event,count\n11/10/2026,purchase,4\n").await;
    assert!(why.contains("is not a date"), "{why}");
    let whole = bench("").file("in/a.csv", "date,event,count\n2026-11-21,purchase,4.0\n");
    assert_eq!(days(&whole).await, ["11-21 4"]);
}

#[tokio::test]
async fn an_absent_day_between_written_ones_is_zero_and_outside_of_them_unknown() {
    let text =
        "date,event,count\n2026-11-21,purchase,4\n2026-11-22,signup,9\n2026-11-23,purchase,6\n";
    assert_eq!(
        days(&bench("").file("in/a.csv", text)).await,
        ["11-21 4", "11-22 0", "11-23 6"]
    );
    let explicit = bench("zero = \"explicit\"").file("in/a.csv", text);
    assert_eq!(days(&explicit).await, ["11-21 4", "11-23 6"]);
}

#[tokio::test]
async fn files_of_both_forms_are_merged_and_hours_add_up_to_days_of_25() {
    let mut bench = bench("")
        .file("in/a.csv", "date,event,count\n2026-10-25T00:00,purchase,1\n2026-10-25T23:00,purchase,2\n")
        .file("in/b.jsonl", "{\"date\":\"2026-10-25T00:30:00Z\",\"event\":\"purchase\",\"count\":4}\n\n{\"date\":\"2026-10-25T01:30:00Z\",\"event\":\"purchase\",\"count\":8}\n");
    bench.now = at("2026-10-27T00:00:00Z");
    let day = bench.question("export", "purchase", Measure::Count, Grain::Day);
    assert_eq!(
        bench.counts(&day, "2026-10-25", "2026-10-25").await,
        ["10-25 15"]
    );
    let hour = bench.question("export", "purchase", Measure::Count, Grain::Hour);
    let hours = bench.counts(&hour, "2026-10-25", "2026-10-25").await;
    assert_eq!(hours.len(), 25);
    assert_eq!(
        hours[..4],
        ["10-25T00 1", "10-25T01 0", "10-25T02 4", "10-25T02 8"]
    );
}

#[tokio::test]
async fn other_columns_are_dimensions_and_amounts_are_summed() {
    let bench = bench("sum = \"money\"").file(
        "in/a.csv",
        "date,event,country,count,money\n2026-11-24,purchase,DE,3,10.5\n2026-11-24,purchase,AT,1,-2\n2026-11-24,purchase,,1,0\n",
    );
    let split = bench
        .question("export", "purchase", Measure::Count, Grain::Day)
        .split(&[name("country")]);
    assert_eq!(
        bench.counts(&split, "2026-11-24", "2026-11-24").await,
        ["11-24[(not set)] 1", "11-24[AT] 1", "11-24[DE] 3"]
    );
    let sum = bench.question(
        "export",
        "purchase",
        Measure::Sum {
            of: name("value"),
            currency: None,
        },
        Grain::Day,
    );
    assert_eq!(
        bench.counts(&sum, "2026-11-24", "2026-11-24").await,
        ["11-24 8.5"]
    );
}

#[tokio::test]
async fn broken_lines_are_named_and_refuse_all() {
    let head = "date,event,count\n2026-11-22,purchase,4\n";
    let cases = [
        (
            "2026-11-23,purchase,-1\n",
            "in/a.csv:3: a count of -1: counts are whole and not negative",
        ),
        (
            "2026-11-23,purchase,1.5\n",
            "in/a.csv:3: a count of 1.5: counts are whole and not negative",
        ),
        (
            "2026-11-23,purchase,NaN\n",
            "in/a.csv:3: a count of NaN: counts are whole and not negative",
        ),
        (
            "2026-11-23,purchase,many\n",
            "in/a.csv:3: `many` is not a count",
        ),
        (
            "2026-13-23,purchase,1\n",
            "in/a.csv:3: `2026-13-23` is not a date; write 2026-11-24 or 2026-11-24T13:00",
        ),
        (
            "2062-11-23,purchase,1\n",
            "in/a.csv:3: the date 2062-11-23 is out of range",
        ),
        (
            "1026-11-23,purchase,1\n",
            "in/a.csv:3: the date 1026-11-23 is out of range",
        ),
        (
            "2026-11-23,purch\n",
            "in/a.csv:3: 2 values where the first line names 3 columns",
        ),
        (
            "2026-11-22,purchase,4\n",
            "in/a.csv:3: the same event and time stand in in/a.csv:2 already; if they add up, say repeat = \"add\"",
        ),
    ];
    for (line, why) in cases {
        assert_eq!(refused(&format!("{head}{line}")).await, why);
    }
    assert_eq!(
        refused("day,event,count\n2026-11-22,purchase,4\n").await,
        "in/a.csv:2: there is no column `date`; there are day, event, count"
    );
    assert!(
        refused("<!doctype html><title>Log in</title>")
            .await
            .starts_with("in/a.csv is HTML")
    );
    let cut = refused("{\"date\":\"2026-11-22\",\"count\":4}\n{\"date\":\"2026-11-2").await;
    assert!(cut.starts_with("in/a.csv:2: not a JSON object"), "{cut}");
}

#[tokio::test]
async fn repeats_add_up_when_the_plan_says_so() {
    let text = "date,event,count\n2026-11-24,purchase,4\n2026-11-24,purchase,5\n";
    assert_eq!(
        days(&bench("repeat = \"add\"").file("in/a.csv", text)).await,
        ["11-24 9"]
    );
}

#[tokio::test]
async fn only_repeats_that_concern_the_answer_refuse_it() {
    let outside =
        "date,event,count\n2026-10-01,purchase,1\n2026-10-01,purchase,1\n2026-11-24,purchase,4\n";
    assert_eq!(
        days(&bench("").file("in/a.csv", outside))
            .await
            .last()
            .unwrap(),
        "11-24 4"
    );
    // Columns in another order say the same.
    let two = bench("")
        .file(
            "in/a.csv",
            "date,event,country,device,count\n2026-11-24,purchase,DE,tv,4\n",
        )
        .file(
            "in/b.csv",
            "device,country,count,event,date\ntv,DE,5,purchase,2026-11-24\n",
        );
    let question = two.question("export", "purchase", Measure::Count, Grain::Day);
    let why = two.failure(&question, "2026-11-20", "2026-11-24").await;
    assert!(
        why.to_string()
            .starts_with("in/b.csv:2: the same event and time stand in in/a.csv:2"),
        "{why}"
    );
    let other = bench("").file(
        "in/a.csv",
        "date,event,country,count\n2026-11-24,purchase,DE,4\n2026-11-24,purchase,AT,5\n",
    );
    assert_eq!(days(&other).await, ["11-24 9"]);
}

#[tokio::test]
async fn long_and_hostile_names_stay_names() {
    let long = "x".repeat(10_000);
    let text = format!(
        "date,event,country,count\n2026-11-24,purchase,{long},1\n2026-11-24,<script>alert(1)</script>,DE,2\n2026-11-24,{long},DE,3\n"
    );
    let bench = bench("").file("in/a.csv", &text);
    let split = bench
        .question("export", "purchase", Measure::Count, Grain::Day)
        .split(&[name("country")]);
    assert_eq!(
        bench.counts(&split, "2026-11-24", "2026-11-24").await,
        ["11-24[(masked)] 1"]
    );
}

#[tokio::test]
async fn a_missing_file_is_no_data() {
    let bench = bench("");
    let question = bench.question("export", "purchase", Measure::Count, Grain::Day);
    let why = bench.failure(&question, "2026-11-24", "2026-11-24").await;
    assert_eq!(
        why,
        SourceError::Wait {
            after: None,
            why: "no file matches in/*".to_owned()
        }
    );
}

#[test]
fn settings_are_checked() {
    let table = |text: &str| format!("{HEAD}[source.export]\ntype = \"files\"\n{text}\n");
    assert!(
        errors(&table("")).join("\n").contains("path"),
        "{:?}",
        errors(&table(""))
    );
    assert!(
        errors(&table("path = \"a.csv\"\nrows = \"lines\""))
            .join("\n")
            .contains("lines")
    );
    let lake = errors(&table("path = \"a.csv\"\nrows = \"events\""));
    if cfg!(feature = "lake") {
        assert!(lake.is_empty(), "{lake:?}");
    } else {
        assert!(lake.join("\n").contains("--features lake"), "{lake:?}");
    }
}
