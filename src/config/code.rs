//! The list of diagnostic codes with their explanations, for `truecount explain TC201`.

/// Code, title, explanation.
const CODES: &[(u16, &str, &str)] = &[
    (
        100,
        "the file is not TOML",
        "The text breaks a rule of TOML 1.0. The place under the mark is where reading had to stop; the mistake is there or just before. Common causes: a missing quote, `:` in place of `=`, a key written twice in one table.",
    ),
    (
        101,
        "a table or a key is written twice",
        "Every table has one place, and every key one in its table. Both places are shown where they can be told: keep one. Families such as [event.*] may be spread over files, single events may not.",
    ),
    (
        102,
        "a value of the wrong kind",
        "The key is known, and its value has the wrong form: a list where a text is wanted, a text where a number is wanted.",
    ),
    (
        103,
        "an unknown key",
        "The key is not known in this table. A similar known key is suggested; `truecount validate --fix` takes the suggestion.",
    ),
    (
        104,
        "a missing key",
        "The table cannot work without this key.",
    ),
    (
        105,
        "a value that cannot be read",
        "The value has the right kind and cannot be understood, such as a duration without a unit.",
    ),
    (
        106,
        "a name that cannot be used",
        "Names of tables consist of letters, digits, `_` and `-` and begin with a letter, so that they can stand in check names, addresses and file names.",
    ),
    (
        201,
        "an event that does not exist",
        "A conversion, funnel, comparison or check refers to an event that the tracking plan does not define.",
    ),
    (
        202,
        "a source that does not exist",
        "A table refers to a source that no [source.*] defines.",
    ),
    (
        203,
        "an owner that does not exist",
        "A table refers to an owner that no [owner.*] defines.",
    ),
    (
        204,
        "a kind that does not exist",
        "`type` names a source kind that Truecount does not know.",
    ),
    (
        205,
        "a route that cannot be served",
        "A route refers to another route, a channel or an address that is not there. It is an error now, and not a lost message at night.",
    ),
    (
        206,
        "a funnel too short",
        "A funnel needs at least two steps.",
    ),
    (
        207,
        "an unknown time zone",
        "Zones are written as in the IANA database: Europe/Berlin, America/New_York, UTC.",
    ),
    (
        208,
        "a schedule that cannot be read",
        "Write plain words (\"every 15 minutes\", \"Monday 08:00\") or a cron expression of five fields.",
    ),
    (
        209,
        "a name used twice",
        "Events, conversions, funnels and comparisons share one space of names, so that a check name says one thing. A conversion may bear the name of its own event. Parameters of an event and steps of a funnel are named once.",
    ),
    (
        210,
        "a condition that cannot be read",
        "`where` knows `field = 'x'`, `!=`, `in ('a','b')`, `>=`, `<=`, joined by `and`.",
    ),
    (
        211,
        "a pattern that cannot be used",
        "The regular expression cannot be compiled.",
    ),
    (
        212,
        "mail without a server",
        "A route or report sends mail, and there is neither [mail] nor the variable TRUECOUNT_SMTP_URL.",
    ),
    (
        213,
        "nobody hears",
        "There is no [route.*]: incidents are kept and shown, and nobody is told.",
    ),
    (
        214,
        "a part that is not built",
        "The source kind or the setting is known and not part of this release. Checks that need it are left out; the rest works.",
    ),
    (
        215,
        "an event that nobody can count",
        "No source is named that knows this event: add `in.<source>`.",
    ),
    (
        216,
        "a value out of its range",
        "The value has the right form, and no meaning at this size.",
    ),
    (
        217,
        "a source that cannot count an event",
        "A comparison reads an event from a source that does not know it, or `in.<source>` gives a name to a source whose records have none. Say what to count there, such as in.orders = { table = \"orders\", date = \"paid_at\" }.",
    ),
    (
        218,
        "a parameter that the plan does not name",
        "`where` compares a parameter that neither `required` nor `optional` of the event has. A missing value never matches, so a misspelt name counts nothing.",
    ),
    (
        219,
        "a pattern that matches nothing",
        "A route or a silence speaks of checks, and no check of this plan begins with that name. The route would never be used, the silence would mute nothing.",
    ),
    (
        220,
        "a name against the standard",
        "The name of a planned event or parameter does not follow `[naming]`. Rename it where it is sent, or change the standard.",
    ),
    (
        221,
        "a rule test that cannot hold",
        "`[[test]]` names a check that the plan does not make, or the check says something else than the test expects.",
    ),
    (
        310,
        "a secret in clear",
        "Whoever can read the file can use the secret. Write where it is kept: { env = \"NAME\" }, { file = \"path\" }, { credential = \"name\" }, { command = [\"program\"] }. `--allow-plain` accepts it for tests.",
    ),
];

/// Every code with its title, in order.
pub fn codes() -> impl Iterator<Item = (u16, &'static str)> {
    CODES.iter().map(|(code, title, _)| (*code, *title))
}

/// The explanation of `TC201`, in any case; `None` when there is no such code.
pub fn explain_code(word: &str) -> Option<String> {
    let digits = word
        .strip_prefix("TC")
        .or_else(|| word.strip_prefix("tc"))?;
    let number: u16 = digits.parse().ok()?;
    let (code, title, text) = CODES.iter().find(|(code, ..)| *code == number)?;
    Some(format!("TC{code}: {title}\n\n{text}"))
}
