//! Broken configurations, each named after its mistake, and what people are told about them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use truecount::app;
use truecount::check;
use truecount::config::{self, Text};
use truecount::deliver;
use truecount::model::{Diagnostic, Fix, Level};
use truecount::plan::{self, Decl, Environment, Plan};
use truecount::render::diagnostic;
use truecount::source;

/// Everything `validate` says, without looking at the environment of the machine.
pub(crate) fn understood(files: &[Text]) -> (Plan, Vec<Diagnostic>) {
    let (document, mut complaints) = config::parse(files);
    let (plan, more) = plan::resolve(&document, &app::known(), &Environment::default());
    complaints.extend(more);
    if complaints.iter().all(|one| one.level != Level::Error) {
        complaints.extend(built(&plan));
        let checks = check::checks(&plan);
        let names: Vec<&str> = checks.iter().map(|one| one.label().name.as_str()).collect();
        complaints.extend(plan::unknown_checks(&plan.tests, &names));
    }
    (plan, complaints)
}

/// What the builders of sources and channels complain of.
fn built(plan: &Plan) -> Vec<Diagnostic> {
    let sources = plan.sources.iter().filter_map(|source| {
        let kind = source::KINDS
            .iter()
            .find(|kind| kind.name == source.decl.kind)?;
        (kind.build)(&source.decl, plan).err()
    });
    let channels = plan.routes.iter().flat_map(|route| {
        route.channels.iter().filter_map(|channel| {
            let decl = Decl {
                name: route.name.clone(),
                kind: channel.kind.clone(),
                span: channel.span,
                section: channel.section.clone(),
            };
            let kind = deliver::KINDS.iter().find(|kind| kind.name == decl.kind)?;
            (kind.build)(&decl, plan).err()
        })
    });
    sources.chain(channels).flatten().collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture/config")
}

fn base() -> Text {
    Text {
        path: "truecount.toml".to_owned(),
        text: fs::read_to_string(folder().join("base.toml")).unwrap(),
    }
}

struct Mistake {
    name: String,
    codes: BTreeSet<String>,
    files: Vec<Text>,
}

/// The first line of a broken file names the codes it must raise; `# alone` keeps the base out.
fn mistakes() -> Vec<Mistake> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name != "base.toml"))
        .collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut lines = text.lines();
        let codes = lines.next().unwrap().trim_start_matches('#');
        let codes = codes.split_whitespace().map(str::to_owned).collect();
        let alone = lines.next() == Some("# alone");
        let file = |path: &str| Text {
            path: path.to_owned(),
            text: text.clone(),
        };
        let files = if alone {
            vec![file("truecount.toml")]
        } else {
            vec![base(), file("rules/broken.toml")]
        };
        Mistake { name, codes, files }
    };
    paths.iter().map(read).collect()
}

#[test]
fn the_base_of_the_broken_files_is_sound() {
    let (_, complaints) = understood(&[base()]);
    assert_eq!(diagnostic::human(&complaints, &[base()], false), "");
}

#[test]
fn every_mistake_is_found_and_told_well() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden/config");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut faults = Vec::new();
    for mistake in mistakes() {
        let (_, complaints) = understood(&mistake.files);
        let seen: BTreeSet<String> = complaints.iter().map(|one| one.code.to_string()).collect();
        if seen != mistake.codes {
            faults.push(format!(
                "{}: {seen:?} in place of {:?}",
                mistake.name, mistake.codes
            ));
        }
        let screen = diagnostic::human(&complaints, &mistake.files, false);
        settings.bind(|| insta::assert_snapshot!(mistake.name.as_str(), screen));
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_code_is_explained_and_every_explained_code_happens() {
    let explained: BTreeSet<String> = config::codes()
        .map(|(code, _)| format!("TC{code:03}"))
        .collect();
    let shown: BTreeSet<String> = mistakes()
        .into_iter()
        .flat_map(|mistake| mistake.codes)
        .collect();
    assert_eq!(explained, shown);
    for code in &explained {
        let text = config::explain_code(&code.to_lowercase());
        assert!(
            text.is_some_and(|text| text.starts_with(code) && text.len() > 60),
            "{code}"
        );
    }
    assert_eq!(config::explain_code("TC999"), None);
    assert_eq!(config::explain_code("purchase"), None);
}

#[test]
fn safe_fixes_leave_no_fixable_mistake() {
    for mistake in mistakes() {
        let (_, complaints) = understood(&mistake.files);
        let mut files = mistake.files.clone();
        for (index, file) in files.iter_mut().enumerate() {
            let mine: Vec<Fix> = complaints
                .iter()
                .filter_map(|one| one.fix.clone())
                .filter(|fix| fix.safe && usize::from(fix.at.file) == index)
                .collect();
            file.text = plan::apply_fixes(&file.text, &mine);
        }
        let (_, after) = understood(&files);
        let patched = |one: &&Diagnostic| one.fix.as_ref().is_some_and(|fix| fix.safe);
        for one in complaints.iter().filter(patched) {
            let stays = after.iter().any(|other| other.message == one.message);
            assert!(
                !stays,
                "{}: `{}` outlives its patch",
                mistake.name, one.message
            );
        }
        assert_eq!(after.iter().filter(patched).count(), 0, "{}", mistake.name);
    }
}

fn one(text: &str) -> [Text; 1] {
    [Text {
        path: "truecount.toml".to_owned(),
        text: text.to_owned(),
    }]
}

#[test]
fn secrets_are_not_printed() {
    let text = fs::read_to_string(folder().join("a_secret_in_clear.toml")).unwrap();
    let database = fs::read_to_string(folder().join("a_database_password_in_clear.toml")).unwrap();
    let broken = Text {
        path: "rules/broken.toml".to_owned(),
        text: text + &database.replace("leads]", "more]"),
    };
    let files = [base(), broken];
    let (_, complaints) = understood(&files);
    let machine =
        diagnostic::json(&complaints, &files) + &diagnostic::github(&complaints, &files, "shop");
    let screens = diagnostic::human(&complaints, &files, false)
        + &diagnostic::human(&complaints, &files, true);
    for secret in ["pat-eu1", "XXXXXXXX", "hunter2"] {
        assert!(!screens.contains(secret), "{screens}");
        assert!(!machine.contains(secret), "{machine}");
    }
}

#[test]
fn machines_get_places_and_patches() {
    let files = [
        base(),
        Text {
            path: "rules/a,b.toml".to_owned(),
            text: "[event.refund]\nownr = 'shop' # 100%\n".to_owned(),
        },
    ];
    let (_, complaints) = understood(&files);
    assert_eq!(
        diagnostic::github(&complaints, &files, "shop"),
        "::error file=shop/rules/a%2Cb.toml,line=2,col=1,title=TC103::[event.refund] knows no `ownr`%0Aa similar key exists\n"
    );
    let json: serde_json::Value =
        serde_json::from_str(&diagnostic::json(&complaints, &files)).unwrap();
    let first = &json["diagnostics"][0];
    assert_eq!(json["version"], 1);
    assert_eq!((&first["line"], &first["column"]), (&2.into(), &1.into()));
    assert_eq!(
        first["fix"],
        serde_json::json!({ "start": 15, "end": 19, "with": "owner", "safe": true })
    );
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_do_no_harm() {
    let text = base().text.replace('\n', "\r\n");
    let (plan, complaints) = understood(&one(&format!("\u{feff}{text}")));
    assert_eq!(complaints, Vec::new());
    assert_eq!(plan.events.len(), 2);
}

#[test]
fn the_files_that_are_included_are_those_the_main_file_says() {
    assert_eq!(config::includes(""), ["rules/**/*.toml"]);
    assert_eq!(config::includes("include = \"more.toml\""), ["more.toml"]);
    assert_eq!(
        config::includes("include = [\"a.toml\", \"b/*.toml\"]"),
        ["a.toml", "b/*.toml"]
    );
    assert_eq!(config::includes("[project"), ["rules/**/*.toml"]);
}

/// Pieces that look like configuration, so that chance gets past the first bracket.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "[project]",
        "[event.purchase]",
        "[[event]]",
        "[source.web]",
        "[compare.x]",
        "[funnel.f]",
        "[route.default]",
        "[check.c]",
        "[silence.s]",
        "[calendar.c]",
        "[report.weekly]",
        "[utm]",
        "[conversion.purchase]",
        "name",
        "timezone",
        "type",
        "in.web",
        "required",
        "unique",
        "home",
        "was",
        "=",
        ".",
        ",",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "'",
        "\n",
        "#",
        "true",
        "-1",
        "1e400",
        "nan",
        "9999999999999999999",
        "2026-02-30",
        "2026-10-23",
        "\"5%\"",
        "\"2 days\"",
        "\"60%..85%\"",
        "\"20:00-07:00\"",
        "\"purchase\"",
        "\"web\"",
        "\"ga4\"",
        "\"Europe/Berlin\"",
        "[\"purchase\", \"refund\"]",
        "{ env = \"X\" }",
        "{ command = [] }",
        "\u{feff}",
        "é",
        "\u{202e}",
        "\0",
    ]);
    prop_oneof![6 => known.prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

fn stay_whole(files: &[Text]) {
    let (_, complaints) = understood(files);
    for color in [false, true] {
        diagnostic::human(&complaints, files, color);
    }
    diagnostic::json(&complaints, files);
    diagnostic::github(&complaints, files, "");
    for (index, file) in files.iter().enumerate() {
        let patches: Vec<Fix> = complaints
            .iter()
            .filter_map(|one| one.fix.clone())
            .filter(|fix| usize::from(fix.at.file) == index)
            .collect();
        plan::apply_fixes(&file.text, &patches);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,200}") {
        stay_whole(&one(&text));
    }

    #[test]
    fn any_heap_of_pieces_is_read_without_a_panic(pieces in prop::collection::vec(piece(), 0..60)) {
        stay_whole(&one(&pieces.join(" ")));
        stay_whole(&[base(), Text { path: "rules/x.toml".to_owned(), text: pieces.concat() }]);
    }

    #[test]
    fn a_sound_file_with_a_wound_is_read_without_a_panic(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, piece()), 1..6),
    ) {
        let mut text: Vec<char> = base().text.chars().collect();
        for (at, length, patch) in cuts {
            let start = at.index(text.len().max(1)).min(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, patch.chars());
        }
        stay_whole(&one(&text.into_iter().collect::<String>()));
    }

    #[test]
    fn durations_shares_and_days_read_back_what_was_said(days in 0_i64..3_000, percent in 0_u32..=1_000) {
        let text = format!("{days} days");
        prop_assert_eq!(config::human::duration(&text), Ok(chrono::TimeDelta::days(days)));
        let share = config::human::share(&format!("{percent}%"));
        prop_assert!(share.is_ok_and(|share| (share * 100.0 - f64::from(percent)).abs() < 1e-9));
        let from = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let to = from + chrono::TimeDelta::days(days);
        let found = config::human::days(&format!("{from}..{to}"));
        prop_assert!(found.is_ok_and(|found| i64::try_from(found.len()) == Ok(days + 1) && found.last() == Some(&to)));
    }
}

#[test]
fn a_very_deep_nest_is_a_complaint_and_no_crash() {
    for text in [
        format!("a = {}", "[".repeat(50_000)),
        format!("a = {}", "{a=".repeat(50_000)),
        format!("[{}]", "a.".repeat(50_000) + "a"),
    ] {
        let (_, complaints) = understood(&one(&text));
        assert!(!complaints.is_empty());
    }
}
