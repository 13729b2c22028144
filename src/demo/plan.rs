//! The tracking plan of the made-up company, and what it noted down.

use chrono::{Duration, NaiveDate};

use crate::config::Text;
use crate::model::{Mark, MarkKind, Name, Timestamp};

use super::fault::{PARAMETER, SAFARI};
use super::world::{NEWSLETTER, NEWSLETTER_LIVE};

/// The name of the made-up company.
pub const COMPANY: &str = "Northwind Outfitters (made up)";

/// Days before today on which the newsletter was requested, and on which a wish list was.
const REQUESTED: (i64, i64) = (NEWSLETTER_LIVE + 12, 24);

/// The configuration as its people would have written it.
pub fn plan_files(seed: u64, today: Timestamp) -> Vec<Text> {
    let mut text = String::from(PROJECT);
    for (system, owner) in [("web", "growth"), ("orders", "shop"), ("crm", "revops")] {
        text += &format!(
            "\n[source.{system}]\ntype = \"demo\"\nsystem = \"{system}\"\nowner = \"{owner}\"\nseed = {seed}\ntoday = \"{}\"\n",
            today.date_naive()
        );
    }
    text.push_str(EVENTS);
    text += &requests(today.date_naive());
    vec![Text {
        path: "truecount.toml".to_owned(),
        text,
    }]
}

/// Events that were asked for on a day: one went live, one is still awaited.
fn requests(today: NaiveDate) -> String {
    let (newsletter, wish_list) = REQUESTED;
    let day = |ago| today - Duration::days(ago);
    format!(
        r#"
[event.{NEWSLETTER}]
about = "A visitor orders the newsletter"
owner = "growth"
requested = {}
in.web = true

[event.wish_list_add]
about = "Something is put on a wish list"
owner = "shop"
requested = {}
in.web = true
"#,
        day(newsletter),
        day(wish_list)
    )
}

/// The releases before two of the faults, and what a reload noted of the plan.
pub fn marks(today: Timestamp) -> Vec<Mark> {
    let mark = |days, kind, name| Mark {
        at: today - Duration::days(days),
        kind,
        name: Name::clean(name),
        source: None,
    };
    vec![
        mark(PARAMETER.began, MarkKind::Release, "web 4.17.0"),
        mark(SAFARI.began, MarkKind::Release, "web 4.18.0"),
        mark(5, MarkKind::Plan, "added [event.wish_list_add]"),
    ]
}

const PROJECT: &str = r#"[project]
name = "Northwind Outfitters (made up)"
timezone = "Europe/Berlin"
country = "DE"
currency = "EUR"
url = "http://127.0.0.1:8787"

[mail]
from = "Truecount <truecount@northwind.example>"
smtp = { env = "TRUECOUNT_SMTP_URL" }

[owner.growth]
name = "Mara Lind"
email = "mara@northwind.example"
slack = "U02ABCDEF"

[owner.shop]
name = "Shop team"
email = "shop@northwind.example"

[owner.revops]
name = "RevOps"
email = "revops@northwind.example"

[route.default]
slack = { env = "SLACK_WEBHOOK_URL" }
email = ["analytics@northwind.example"]

[report.weekly]
at = "Monday 08:00"
to = ["analytics@northwind.example", "growth"]
"#;

const EVENTS: &str = r#"
[naming]
events = "snake_case"
parameters = "snake_case"

[utm]
unknown = "10%"

[event.begin_checkout]
about = "A visitor opens the checkout"
owner = "shop"
required = ["cart_id"]
in.web = true

[event.purchase]
about = "An order is placed"
owner = "shop"
unique = "transaction_id"
by = ["browser", "channel"]
home = "web"
in.web = true
in.orders = true

[event.sign_up]
about = "An account is made"
owner = "growth"
home = "web"
in.web = true
in.orders = true

[event.generate_lead]
about = "A club asks for an offer"
owner = "revops"
unique = "lead_id"
home = "web"
in.web = true
in.crm = true

[conversion.purchase]
event = "purchase"
primary = true
worth = "60 EUR"

[funnel.checkout]
steps = ["begin_checkout", "purchase"]

[compare.orders]
event = "purchase"
baseline = "orders"
against = ["web"]

[compare.leads]
event = "generate_lead"
baseline = "crm"
against = ["web"]
"#;
