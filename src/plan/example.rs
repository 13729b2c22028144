//! One example for each table of the reference; together they are one sound configuration.

/// Table, what it is good for, and how it is written.
pub(super) const EXAMPLES: &[(&str, &str, &str)] = &[
    (
        "project",
        "Everything begins here: the name that stands in every message, and the time zone in which your days begin at midnight. Days in `ignore` are neither judged nor learnt from.",
        r#"[project]
name     = "Acme shop"
timezone = "Europe/Berlin"
currency = "EUR"
country  = "DE"                              # public holidays are no incidents
url      = "https://truecount.acme.example"  # for links in messages
budget   = "1 a week"                        # false alarms you can live with
ignore   = ["2026-12-24..2027-01-02"]
"#,
    ),
    (
        "source",
        "A system that knows counts. Its name is yours; `type` says what it is. Each type has its own keys below and its own page under `docs/sources/`.",
        r#"[source.web]
type     = "ga4"
property = "123456789"
key      = { file = "ga4-key.json" }

[source.orders]
type  = "sql"
url   = { env = "ORDERS_DATABASE_URL" }
every = "15 minutes"

[source.crm]
type  = "hubspot"
token = { env = "HUBSPOT_TOKEN" }
"#,
    ),
    (
        "event",
        "What should be measured. `in.<source>` says how each source knows it: `true` for the same name, another name, or a table of settings. Without any `in`, it is expected under its own name in every source whose events have names. `required` and `optional` are lists of names, or tables that also say what values look like.",
        r#"[event.begin_checkout]
required = ["value", "currency"]

[event.purchase]
about     = "Order paid"
owner     = "shop"
decision  = "Which campaigns are kept"
requested = 2026-08-03                       # time to implement counts from here
unique    = "transaction_id"                 # must not repeat
by        = ["device", "browser", "country"] # where a culprit is sought
in.web    = true
in.orders = { table = "orders", date = "paid_at", id = "order_no", sum = "total" }

[event.purchase.required]
transaction_id  = "id"
value           = { type = "money", min = 0.01, max = 20000 }
currency        = ["EUR", "CHF"]
shipping_method = ["post", "courier", "pickup"]
landing_page    = "url"
campaign        = "^[a-z]{2}_[a-z0-9-]+$"    # a pattern begins with ^

[event.purchase.optional]
coupon = "text"

[event.lead]
owner    = "growth"
required = ["company_size"]
in.web   = "generate_lead"
in.crm   = { object = "contacts", date = "createdate" }
"#,
    ),
    (
        "defaults",
        "What every event has unless it says otherwise.",
        r#"[defaults]
required = ["page_location"]
by       = ["device", "browser"]
"#,
    ),
    (
        "conversion",
        "An event that the business lives by, or a part of one. A conversion that bears the name of its event marks that event. `where` knows `=`, `!=`, `>=`, `<=` and `in ('a', 'b')`, joined by `and`; texts stand in single quotes; a missing value never matches.",
        r#"[conversion.purchase]
primary = true                               # heard at night, too
worth   = "average"                          # mean order value of the last 28 days

[conversion.large_lead]
about = "A lead from a company of 11 or more"
event = "lead"
where = "company_size != '1-10'"
worth = "400 EUR"
"#,
    ),
    (
        "funnel",
        "Events in order. Each step is held against the one before it.",
        r#"[funnel.checkout]
steps  = ["begin_checkout", "purchase"]
by     = ["device", "country"]
settle = "2 days"
"#,
    ),
    (
        "compare",
        "Systems that must agree about an event. A change of their difference fails; a difference that nothing explains and that passes `limit` warns.",
        r#"[compare.orders]
event    = "purchase"
baseline = "orders"                          # the system of record
against  = ["web"]
measure  = ["count", "sum"]                  # orders and revenue
limit    = "5%"
settle   = "2 days"
expect   = { web = "-12%..-4%" }             # ad blockers, no consent

[compare.orders.exclude]
by_phone = "channel = 'phone'"               # orders the website cannot see
"#,
    ),
    (
        "check",
        "Most checks are made from the plan. A table here is either a rate of your own, or other settings for a made check: `kind` and `event` say which one.",
        r#"[check.checkout_cliff]
about = "Fewer than 4 in 10 checkouts are paid"
rate  = ["begin_checkout", "purchase"]
below = "40%"
for   = "2 days"
level = "failing"

[check.leads_are_rare]
kind        = "volume"
event       = "lead"
sensitivity = "quiet"
"#,
    ),
    (
        "utm",
        "The standard of campaign parameters. Each field takes a list of allowed values or a pattern.",
        r#"[utm]
required = ["utm_source", "utm_medium", "utm_campaign"]
case     = "lower"
medium   = ["cpc", "paid_social", "email", "affiliate"]
campaign = "^[a-z]{2}_[a-z0-9-]+_20[0-9]{2}q[1-4]$"
unknown  = "6%"
"#,
    ),
    (
        "naming",
        "The standard of names: `snake_case`, `camelCase`, `kebab-case`, `Title Case`, `object_verbed` (account_connected), or a pattern.",
        r#"[naming]
events = "snake_case"
"#,
    ),
    (
        "consent",
        "A shift of consent explains many drops.",
        r#"[consent]
granted = "60%..85%"
"#,
    ),
    (
        "owner",
        "People and teams. Events, comparisons, checks and sources name them; routes send to them.",
        r#"[owner.shop]
name  = "Shop team"
email = "shop@acme.example"

[owner.growth]
name  = "Mara Lind"
email = "mara@acme.example"
slack = "U02ABCDEF"
"#,
    ),
    (
        "route",
        "Who hears what, by which ways, and when; see [notifications](notifications.md). A route without conditions hears everything. Keep one, or some alerts reach nobody.",
        r#"[route.growth]
owners = ["growth"]
slack  = { env = "SLACK_GROWTH_WEBHOOK" }
quiet  = "20:00-07:00"                       # held until morning

[route.night]
when     = "primary"                         # only primary conversions
webhook  = { env = "ONCALL_WEBHOOK" }
escalate = { after = "2 hours", to = "default" }

[route.default]
email = ["shop", "analytics@acme.example"]
"#,
    ),
    (
        "mail",
        "Needed as soon as a route or a report sends mail, unless TRUECOUNT_SMTP_URL is set.",
        r#"[mail]
from = "Truecount <truecount@acme.example>"
smtp = { env = "SMTP_URL" }                  # smtp://user:password@mail.acme.example:587
"#,
    ),
    (
        "report",
        "The audit. Without a table it is written on Monday at 08:00.",
        r#"[report.weekly]
at = "Monday 08:00"
to = ["analytics@acme.example", "growth"]

[report.monthly]                             # also tells of repeats, the CRM and 13 weeks
at = "1st 08:00"
to = ["growth"]
"#,
    ),
    (
        "silence",
        "Planned work. Both days are included, and the reason is shown to whoever wonders.",
        r#"[silence.shop_moves]
match  = { events = ["purchase"], checks = ["orders.*"] }
from   = 2026-11-28
to     = 2026-11-29
reason = "The shop moves to another data center"
"#,
    ),
    (
        "calendar",
        "Times by a name of yours. A route may be mute during one; of a calendar that no route uses nothing is learnt and nothing alarms. Its whole days by date are known days: a count is held against earlier days of the same name, of this year or the last, and only a collapse alarms.",
        r#"[calendar.company_days]
days = ["2025-12-27..2025-12-31", "2026-05-15", "2026-12-27..2026-12-31"]

[calendar.nights]
days  = ["weekends"]
hours = "20:00-07:00"
"#,
    ),
    (
        "noise",
        "Findings of one cause become one incident.",
        r"[noise]
group = true
",
    ),
    (
        "store",
        "Where readings and incidents are kept; a path is relative to the configuration.",
        r#"[store]
url = "sqlite:truecount.db"
"#,
    ),
    (
        "server",
        "The page and the API; see [the API](api.md).",
        r#"[server]
listen       = "127.0.0.1:8787"
open_metrics = false
"#,
    ),
    (
        "net",
        "Calls reach public addresses only, unless a private one is allowed here.",
        r#"[net]
allow_private = ["10.0.0.5/32"]
"#,
    ),
    (
        "heartbeat",
        "Somebody should notice when Truecount itself is gone.",
        r#"[heartbeat]
url = { env = "HEARTBEAT_URL" }
"#,
    ),
    (
        "release",
        "Releases are posted to the API by a deploy script, or noted by `truecount mark`.",
        r#"[release]
from = "api"
"#,
    ),
    (
        "test",
        "Rule tests: given these counts, this check must, or must not, fire. `truecount test` tries them with the code that judges real counts. They stand best in files of their own under `rules/tests/`, and are the only tables without a name.",
        r#"[[test]]
name   = "purchases that break off are seen on the first day"
check  = "purchase.volume"
given  = { weekday = 400, weekend = 250, weeks = 12 }
today  = 90
expect = "failing"

[[test]]
name   = "two in a hundred without a currency are no news"
check  = "purchase.completeness"
given  = { weekday = 400, part = "99%" }
today  = "98%"
expect = "ok"
"#,
    ),
    (
        "include",
        "Must stand before the first table of the main file.",
        "",
    ),
];
