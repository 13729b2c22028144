//! Screens, messages and pages of the demo, letter by letter. A change shows as a difference in
//! `tests/golden/render`; look at it, then accept it with `INSTA_UPDATE=always`.

use std::fs;
use std::process::Command;

use truecount::plan;
use truecount::render::terminal::{self, Finding};

use super::{demo, get};

/// Compares with `tests/golden/render/NAME.snap`.
pub(super) fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../golden/render");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Part of the demo's screen under a title.
fn part(title: &str) -> String {
    let screen = &demo().screen;
    let rest = screen
        .split(&format!("── {title}"))
        .nth(1)
        .unwrap_or_else(|| panic!("no part {title} in {screen}"));
    let rest = rest.split_once('\n').unwrap().1;
    rest.split("\n── ").next().unwrap().trim().to_owned()
}

#[test]
fn the_demo_prints_screens_and_messages() {
    golden("check", &part("What `truecount check` shows now"));
    golden("slack", &part("A Slack message that went out"));
    golden("mail", &part("A mail that went out"));
    golden("audit_text", &part("The weekly audit"));
    golden("scorecard", &part("Faults that were planted"));
    let folder = &demo().folder;
    let kept = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    golden("slack_json", &kept("slack.json"));
    golden("audit_page", &kept("audit.html"));
    golden("audit_mail", &kept("audit_mail.html"));
}

/// Runs a command on the demo's own plan and database.
fn run(arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_truecount"))
        .current_dir(&demo().folder)
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(
        !text.is_empty(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    text
}

#[test]
fn a_screen_is_the_same_at_every_width_and_without_color() {
    let screens: [&[&str]; 3] = [
        &["check", "--at", "2026-10-19"],
        &["explain", "orders.web", "--at", "2026-10-19"],
        &["report", "--week", "2026-W42"],
    ];
    for arguments in screens {
        let shown = |columns: &str, name: &str, value: &str| {
            let done = Command::new(env!("CARGO_BIN_EXE_truecount"))
                .current_dir(&demo().folder)
                .args(arguments)
                .env_clear()
                .env("COLUMNS", columns)
                .env(name, value)
                .output()
                .unwrap();
            String::from_utf8(done.stdout).unwrap()
        };
        // The clock of the machine stands in some lines: they are left to the demo's own screens.
        let still = |text: String| -> Vec<String> {
            let lines = text.lines().filter(|line| {
                !["open for", "as known on", " ago"]
                    .iter()
                    .any(|word| line.contains(word))
            });
            lines.map(str::to_owned).collect()
        };
        let narrow = still(shown("80", "NO_COLOR", "1"));
        assert!(narrow.len() > 3, "{arguments:?}: {narrow:#?}");
        assert_eq!(
            narrow,
            still(shown("120", "NO_COLOR", "1")),
            "{arguments:?}"
        );
        let plain = shown("80", "NO_COLOR", "1");
        assert!(!plain.contains('\u{1b}'), "{plain}");
    }
    golden("check_past", &run(&["check", "--at", "2026-10-19"]));
}

#[test]
fn explain_says_why() {
    golden(
        "explain",
        &run(&["explain", "orders.web", "--at", "2026-10-19"]),
    );
    golden(
        "explain_ok",
        &run(&["explain", "sign_up.volume", "--at", "2026-10-19"]),
    );
}

#[test]
fn doctor_and_diff_name_the_remedy() {
    let found = [
        Finding::good("Config", "4 files, no errors"),
        Finding::note(
            "Clock",
            "42 s behind api.hubapi.com",
            "Set it by the network: timedatectl set-ntp true",
        ),
        Finding::away(
            "Source shop",
            "cannot reach shop.example: connection refused",
            "It is asked again at the next pull",
        ),
        Finding::bad(
            "Source hubspot",
            "token lacks scope crm.objects.deals.read",
            "Add it in HubSpot: Settings > Integrations > Private apps",
        ),
    ];
    golden("doctor", &terminal::doctor(&found, false));
    let changes = plan::diff(&crate::made::plan(""), &crate::made::plan(MORE));
    golden("diff", &terminal::diff(&changes, false));
}

const MORE: &str = r#"
[event.demo_booked]
about = "A demo is booked"
required = ["lead_id"]
in.web = true
"#;

/// Lengths of time that the machine decides.
fn steady(page: &str) -> String {
    let took = regex_lite::Regex::new(r"in \d+ ms").unwrap();
    took.replace_all(page, "in 2 ms").into_owned()
}

#[test]
fn pages_show_the_finding_first() {
    for (name, path) in [
        ("page_overview", "/"),
        ("page_incidents", "/incidents"),
        ("page_incident", "/i/4"),
        ("page_confirm", "/i/4?do=ack"),
        ("page_check", "/checks/orders.web"),
        ("page_plan", "/plan"),
        ("page_compare", "/compare"),
        ("page_sources", "/sources"),
        ("page_silences", "/silences"),
        ("page_reports", "/reports"),
        ("page_sign_in", "/sign-in"),
    ] {
        golden(name, &steady(&get(path)));
    }
}
