//! Every table and key in words: what editors show and what the reference prints.

use super::source::COMMON;
use super::{Form, Setting};

const TEXT: Form = Form::Text;
const TEXTS: Form = Form::Texts;
const SHARE: Form = Form::Share;
const TIME: Form = Form::Duration;
const FLAG: Form = Form::Flag;
const SECRET: Form = Form::Secret;
const TABLE: Form = Form::Table;

pub(super) const fn key(key: &'static str, form: Form, about: &'static str) -> Setting {
    Setting {
        key,
        about,
        form,
        required: false,
        default: "",
    }
}

const fn default(setting: Setting, default: &'static str) -> Setting {
    Setting { default, ..setting }
}

pub(super) const fn required(setting: Setting) -> Setting {
    Setting {
        required: true,
        ..setting
    }
}

pub(super) type Tables = &'static [(&'static str, &'static str, &'static [Setting])];

/// Tables that are single.
pub(super) const SINGLE: Tables = &[
    (
        "project",
        "The frame around everything",
        &[
            required(key("name", TEXT, "Stands in every message")),
            required(key(
                "timezone",
                TEXT,
                "Where days begin at midnight, as in the IANA database: Europe/Berlin",
            )),
            key(
                "id",
                TEXT,
                "Stable id of every stored row; made of the name unless given",
            ),
            key("currency", TEXT, "Three capital letters: EUR"),
            key(
                "country",
                TEXT,
                "Two capital letters, for public holidays: DE",
            ),
            key("url", Form::Url, "Address of the dashboard, used in links"),
            default(
                key(
                    "budget",
                    SHARE,
                    "False alarms that the whole plan may raise",
                ),
                "1 a week",
            ),
            key(
                "ignore",
                TEXTS,
                "Days that teach nothing and raise nothing: 2026-12-24..2027-01-02",
            ),
        ],
    ),
    (
        "defaults",
        "What every event has unless it says otherwise",
        &[
            key("by", TEXTS, "Dimensions in which a culprit is sought"),
            key("required", TEXTS, "Parameters that every event must carry"),
        ],
    ),
    (
        "utm",
        "The standard of campaign parameters",
        &[
            key(
                "required",
                TEXTS,
                "Parameters that must be there: utm_source, utm_medium",
            ),
            default(
                key(
                    "case",
                    Form::OneOf(&["lower", "any"]),
                    "Whether values are in small letters",
                ),
                "any",
            ),
            key("source", TEXTS, "Allowed values, or a pattern"),
            key("medium", TEXTS, "Allowed values, or a pattern"),
            key("campaign", TEXTS, "Allowed values, or a pattern"),
            key("term", TEXTS, "Allowed values, or a pattern"),
            key("content", TEXTS, "Allowed values, or a pattern"),
            default(
                key(
                    "unknown",
                    SHARE,
                    "Warn when the share of unknown traffic passes this",
                ),
                "10%",
            ),
        ],
    ),
    (
        "naming",
        "The standard of names",
        &[
            key(
                "events",
                TEXT,
                "snake_case, camelCase, kebab-case, Title Case, object_verbed, or a pattern that begins with ^",
            ),
            key("parameters", TEXT, "As for events"),
        ],
    ),
    (
        "consent",
        "What is usual for consent",
        &[key(
            "granted",
            TEXT,
            "Usual share of visitors who grant: 60%..85%",
        )],
    ),
    (
        "mail",
        "How mail is sent",
        &[
            required(key(
                "from",
                TEXT,
                "Name and address of the sender: Truecount <truecount@acme.example>",
            )),
            key(
                "smtp",
                SECRET,
                "An address smtp://user:password@host:587; TRUECOUNT_SMTP_URL unless given",
            ),
        ],
    ),
    (
        "store",
        "Where readings and incidents are kept",
        &[
            default(
                key("url", TEXT, "sqlite: and a path"),
                "sqlite:truecount.db",
            ),
            key(
                "keep",
                TIME,
                "How long readings and results are kept, at least 90 days; two years without it",
            ),
        ],
    ),
    (
        "server",
        "The page and the API",
        &[
            default(key("listen", TEXT, "Address and port"), "127.0.0.1:8787"),
            default(
                key(
                    "open_metrics",
                    FLAG,
                    "Whether /metrics shows names to everybody",
                ),
                "false",
            ),
            key("token", SECRET, "A token for the API"),
        ],
    ),
    (
        "net",
        "What may be reached",
        &[
            key(
                "allow_private",
                TEXTS,
                "Private addresses that may be reached: 10.0.0.5/32; true for all",
            ),
            key(
                "proxy",
                SECRET,
                "A proxy for outgoing HTTP calls; HTTP_PROXY and its like are ignored. The proxy resolves the names: see [operations](operations.md)",
            ),
        ],
    ),
    (
        "heartbeat",
        "A sign of life for somebody else",
        &[required(key(
            "url",
            SECRET,
            "An address that is called while everything works",
        ))],
    ),
    (
        "noise",
        "How findings are joined",
        &[default(
            key(
                "group",
                FLAG,
                "Whether findings of one cause become one incident",
            ),
            "true",
        )],
    ),
    (
        "release",
        "Where releases are known from",
        &[
            default(
                key("from", Form::OneOf(&["api"]), "Posted by a deploy script"),
                "api",
            ),
            key(
                "watch",
                TIME,
                "How long checks are stricter after a release",
            ),
        ],
    ),
];

/// Tables of named tables, but for sources.
pub(super) const FAMILIES: Tables = &[
    (
        "event",
        "What should be measured",
        &[
            key("about", TEXT, "What it is"),
            key(
                "owner",
                TEXT,
                "Who answers for it: the name of an [owner.*]",
            ),
            key("decision", TEXT, "What is decided with it"),
            key("requested", TEXT, "When it was asked for, a date"),
            key("unique", TEXT, "The parameter that must not repeat"),
            key("home", TEXT, "The source that volume reads"),
            key("was", TEXT, "Its former name"),
            key(
                "by",
                TEXTS,
                "Dimensions in which a culprit is sought: device, browser, country",
            ),
        ],
    ),
    (
        "conversion",
        "Events that the business lives by",
        &[
            key("about", TEXT, "What it is"),
            key(
                "event",
                TEXT,
                "The event; the one of the same name unless given",
            ),
            key(
                "where",
                TEXT,
                "Which of its events count: company_size != '1-10'",
            ),
            default(
                key("primary", FLAG, "Whether the business lives by it"),
                "false",
            ),
            key("worth", TEXT, "What one is worth: 400 EUR, or average"),
        ],
    ),
    (
        "funnel",
        "Steps in order",
        &[
            required(key("steps", TEXTS, "Events in order, two or more")),
            key("by", TEXTS, "Dimensions in which a culprit is sought"),
            default(
                key("settle", TIME, "Days younger than this are provisional"),
                "2 days",
            ),
            key("within", TIME, "Time from the first to the last step"),
        ],
    ),
    (
        "compare",
        "Systems that must agree",
        &[
            required(key("event", TEXT, "The event that all of them count")),
            required(key("baseline", TEXT, "The system of record")),
            required(key("against", TEXTS, "The systems held against it")),
            default(key("measure", TEXTS, "count, sum or both"), "count"),
            key(
                "limit",
                SHARE,
                "Warn when the difference that nothing explains passes this share",
            ),
            key("settle", TIME, "Wait for late data"),
            key(
                "consent",
                FLAG,
                "The other systems count only visitors who consent: who refuses is explained by the share of consent",
            ),
            key(
                "expect",
                TABLE,
                "Usual difference of a system: { linkedin = \"+5%..+25%\" }",
            ),
            key(
                "exclude",
                TABLE,
                "Rows of the baseline that others cannot know: a label and a condition",
            ),
            key("owner", TEXT, "Who answers for it"),
        ],
    ),
    (
        "check",
        "Rules of one's own, and other settings for made checks",
        &[
            key("about", TEXT, "What it is for"),
            key(
                "kind",
                TEXT,
                "The made check it changes; rate when `rate` is given",
            ),
            key("event", TEXT, "The event whose check it changes"),
        ],
    ),
    (
        "owner",
        "People and teams",
        &[
            key("name", TEXT, "As people call them"),
            key("email", TEXT, "Address"),
            key("slack", TEXT, "Slack member id, for mentions"),
        ],
    ),
    (
        "route",
        "Who hears what, by which ways, and when",
        &[
            key("owners", TEXTS, "Only what these owners answer for"),
            key("events", TEXTS, "Only these events"),
            key("checks", TEXTS, "Only these checks: purchase.*"),
            key("sources", TEXTS, "Only these sources"),
            default(
                key(
                    "when",
                    Form::OneOf(&["always", "primary"]),
                    "Only primary conversions",
                ),
                "always",
            ),
            default(
                key(
                    "level",
                    Form::OneOf(&["warning", "failing"]),
                    "Only this or worse",
                ),
                "warning",
            ),
            key("quiet", TEXT, "Held during these hours: 20:00-07:00"),
            key("mute", TEXTS, "Calendars during which nothing is told"),
            default(
                key(
                    "wait",
                    TIME,
                    "Wait for related findings before the first message",
                ),
                "10 minutes",
            ),
            default(
                key("remind", TIME, "Remind while it lasts and nobody took it"),
                "24 hours",
            ),
            default(
                key("daily", Form::Whole, "At most so many messages a day"),
                "20",
            ),
            key(
                "fallback",
                TEXT,
                "Another route that hears when a message of this one is dead",
            ),
            key(
                "escalate",
                TABLE,
                "When nobody takes it: { after = \"2 hours\", to = \"oncall\" }",
            ),
        ],
    ),
    (
        "report",
        "The audit",
        &[
            default(
                key(
                    "at",
                    TEXT,
                    "When it is written; once a month it tells of the last month, else of the last week",
                ),
                "Monday 08:00",
            ),
            key(
                "to",
                TEXTS,
                "Addresses and owners; the default route unless given",
            ),
            key(
                "include",
                TEXTS,
                "Parts of the audit: quality, incidents, counts, channels, gaps, funnel, payload_changes, plan, sources, or single figures; everything unless given",
            ),
        ],
    ),
    (
        "silence",
        "Planned work that nobody needs to hear of",
        &[
            key(
                "match",
                TABLE,
                "What is muted: { events = [\"purchase\"] }; everything unless given",
            ),
            required(key("from", TEXT, "The first day")),
            required(key("to", TEXT, "The last day")),
            required(key("reason", TEXT, "Why")),
        ],
    ),
    (
        "calendar",
        "Named times: during those that no route is mute by, nothing is learnt and nothing alarms; whole days by date are held against earlier days of the same name, once there is one",
        &[
            key(
                "days",
                TEXTS,
                "Dates, spans of dates and days of the week: 2026-12-24..2026-12-26, weekends",
            ),
            key("hours", TEXT, "Only these hours of the days: 20:00-07:00"),
            key(
                "zone",
                TEXT,
                "The zone of days and hours; the project's unless given",
            ),
        ],
    ),
];

/// Keys of every source, in the order of `COMMON`.
pub(super) const OF_EVERY_SOURCE: [Setting; COMMON.len()] = [
    key("type", TEXT, "Which system it is"),
    key("every", TEXT, "How often it is asked: 15 minutes"),
    key(
        "cron",
        TEXT,
        "When it is asked, in five cron fields: */15 * * * *",
    ),
    key("arrives", TIME, "When first values are usually there"),
    key("settles", TIME, "When values are final"),
    key("owner", TEXT, "Who looks after it"),
    key("about", TEXT, "What it is"),
    key("base_url", Form::Url, "Another address of the same API"),
];

/// `{ type = "money", min = 0.01 }`
pub(super) const PARAMETER: [Setting; 5] = [
    key(
        "type",
        TEXT,
        "text, id, url, money, number, integer, date or flag",
    ),
    key("min", SHARE, "Smallest value"),
    key("max", SHARE, "Largest value"),
    key("pattern", TEXT, "A pattern for the whole value"),
    key("values", TEXTS, "Allowed values"),
];

/// Which further files belong to the configuration.
pub(super) const INCLUDE: Setting = default(
    key("include", TEXTS, "Further files, as patterns"),
    "rules/**/*.toml",
);
