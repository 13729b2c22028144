//! The examples that `init` begins from, and the files beside them.

/// One file of a template: path and content.
pub(super) type File = (&'static str, &'static str);

const MINIMAL: &[File] = &[(
    "truecount.toml",
    r#"#:schema ./truecount.schema.json

[project]
name     = "My shop"
timezone = "Europe/Berlin"

[source.ga4]
type     = "ga4"
property = "123456789"                       # Admin > Property details
key      = { file = "ga4-key.json" }         # a service account that may view the property

[event.purchase]
required = ["transaction_id", "value", "currency"]

[route.default]
slack = { env = "SLACK_WEBHOOK_URL" }
"#,
)];

const B2B: &[File] = &[
    (
        "truecount.toml",
        include_str!("../../../rules/b2b-leads/truecount.toml"),
    ),
    (
        "rules/events.toml",
        include_str!("../../../rules/b2b-leads/rules/events.toml"),
    ),
    (
        "rules/compare.toml",
        include_str!("../../../rules/b2b-leads/rules/compare.toml"),
    ),
    (
        "rules/standards.toml",
        include_str!("../../../rules/b2b-leads/rules/standards.toml"),
    ),
    (
        "rules/tests/leads.toml",
        include_str!("../../../rules/b2b-leads/rules/tests/leads.toml"),
    ),
];

const SHOP: &[File] = &[
    (
        "truecount.toml",
        include_str!("../../../rules/ecommerce/truecount.toml"),
    ),
    (
        "rules/events.toml",
        include_str!("../../../rules/ecommerce/rules/events.toml"),
    ),
    (
        "rules/compare.toml",
        include_str!("../../../rules/ecommerce/rules/compare.toml"),
    ),
    (
        "rules/tests/purchase.toml",
        include_str!("../../../rules/ecommerce/rules/tests/purchase.toml"),
    ),
];

const APP: &[File] = &[
    (
        "truecount.toml",
        include_str!("../../../rules/mobile-app/truecount.toml"),
    ),
    (
        "rules/events.toml",
        include_str!("../../../rules/mobile-app/rules/events.toml"),
    ),
    (
        "rules/standards.toml",
        include_str!("../../../rules/mobile-app/rules/standards.toml"),
    ),
    (
        "rules/tests/onboarding.toml",
        include_str!("../../../rules/mobile-app/rules/tests/onboarding.toml"),
    ),
];

/// What every folder gets to run in a pull request.
pub(super) const WORKFLOW: &str = r#"name: tracking plan
on: [pull_request]
jobs:
  validate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0                          # `truecount diff` compares with the base branch
      # The address of the program you run; set it under Settings > Secrets and variables > Variables.
      - name: get truecount
        run: curl -fsSL "${{ vars.TRUECOUNT_URL }}" -o truecount && chmod +x truecount
      - run: ./truecount validate --format github
      - run: ./truecount test --format github
      - run: ./truecount diff "origin/${{ github.base_ref }}"
"#;

/// A template by its name, with what it is for.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) files: &'static [File],
}

/// All of them, in the order of the question.
pub(super) const ALL: &[Template] = &[
    Template {
        name: "minimal",
        about: "one event counted by Google Analytics 4",
        files: MINIMAL,
    },
    Template {
        name: "b2b-leads",
        about: "demo requests to revenue: Google Analytics 4, HubSpot, LinkedIn Ads",
        files: B2B,
    },
    Template {
        name: "ecommerce",
        about: "purchases against the orders of the shop: Google Analytics 4, a database",
        files: SHOP,
    },
    Template {
        name: "mobile-app",
        about: "onboarding and payments of an app: Mixpanel, Stripe",
        files: APP,
    },
];
