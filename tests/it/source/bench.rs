//! A plan from TOML, its sources, and the means to pull them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use tempfile::TempDir;
use truecount::clock::{Clock, SystemClock};
use truecount::config::{self, SecretRef, Text};
use truecount::model::{
    Calendar, Diagnostic, Grain, Level, Measure, Name, Question, Subject, Timestamp, Window,
};
use truecount::net::{Guard, Http, Net};
use truecount::plan::{self, Environment, Known, Plan};
use truecount::secret::{SecretError, SecretString, Secrets};
use truecount::source::{self, Ask, Means, Pulled, Pushed, Source, SourceError};

/// What stands above every plan of these tests that brings none.
pub(super) const HEAD: &str = "[project]\nname = \"Test\"\ntimezone = \"Europe/Berlin\"\n\n[route.default]\nslack = { env = \"SLACK\" }\n\n";

pub(super) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The first fenced block of a language in a page of the documentation.
pub(super) fn example(page: &str, language: &str) -> String {
    let start = page.find(&format!("```{language}\n")).unwrap() + language.len() + 4;
    let end = page[start..].find("```").unwrap();
    page[start..start + end].to_owned()
}

pub(super) struct Bench {
    pub(super) plan: Plan,
    pub(super) folder: TempDir,
    secrets: BTreeMap<String, String>,
    clock: Arc<dyn Clock>,
    pub(super) now: Timestamp,
}

/// Reads a plan with everything that is built; complaints beside it.
pub(super) fn read(toml: &str) -> (Plan, Vec<Diagnostic>) {
    let file = Text {
        path: "truecount.toml".to_owned(),
        text: toml.to_owned(),
    };
    let (document, mut complaints) = config::parse(&[file]);
    let known = Known {
        sources: source::KINDS.iter().map(|kind| kind.facts()).collect(),
        channels: truecount::deliver::KINDS
            .iter()
            .map(|kind| kind.facts())
            .collect(),
        checks: Vec::new(),
    };
    let environment = Environment {
        smtp_url_set: false,
    };
    let (plan, more) = plan::resolve(&document, &known, &environment);
    complaints.extend(more);
    (plan, complaints)
}

/// The errors of a plan and of its sources, as texts.
pub(super) fn errors(toml: &str) -> Vec<String> {
    let (plan, mut complaints) = read(toml);
    for declared in &plan.sources {
        if let Err(more) = build(&plan, declared.decl.name.as_str()) {
            complaints.extend(more);
        }
    }
    let errors = complaints
        .into_iter()
        .filter(|one| one.level == Level::Error);
    errors.map(|one| format!("{one:?}")).collect()
}

fn build(plan: &Plan, source: &str) -> Result<Box<dyn Source>, Vec<Diagnostic>> {
    let decl = &plan.source(&name(source)).unwrap().decl;
    let kind = source::KINDS
        .iter()
        .find(|kind| kind.name == decl.kind)
        .unwrap();
    (kind.build)(decl, plan)
}

impl Bench {
    pub(super) fn new(toml: &str) -> Self {
        let (plan, complaints) = read(toml);
        let errors: Vec<_> = complaints
            .iter()
            .filter(|one| one.level == Level::Error)
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        Self {
            plan,
            folder: tempfile::tempdir().unwrap(),
            secrets: BTreeMap::new(),
            clock: Arc::new(SystemClock::start()),
            now: at("2026-11-25T12:00:00Z"),
        }
    }

    pub(super) fn secret(mut self, key: &str, text: &str) -> Self {
        self.secrets.insert(key.to_owned(), text.to_owned());
        self
    }

    /// On a clock that jumps where others sleep.
    pub(super) fn on(mut self, clock: Arc<dyn Clock>) -> Self {
        self.now = clock.now();
        self.clock = clock;
        self
    }

    pub(super) fn file(self, path: &str, text: &str) -> Self {
        let full = self.folder.path().join(path);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(full, text).unwrap();
        self
    }

    pub(super) fn source(&self, source: &str) -> Box<dyn Source> {
        build(&self.plan, source).unwrap_or_else(|why| panic!("{why:#?}"))
    }

    pub(super) fn question(
        &self,
        source: &str,
        event: &str,
        measure: Measure,
        grain: Grain,
    ) -> Question {
        let mapping = self
            .plan
            .mapping(&name(event), &name(source))
            .unwrap()
            .clone();
        Question::total(
            &name(source),
            Subject::Event(name(event)),
            mapping,
            measure,
            grain,
        )
    }

    pub(super) fn means(&self) -> Means {
        let guard = Guard::parse(&["127.0.0.1".to_owned()]).unwrap();
        let http = Http::new(guard.clone(), None).unwrap();
        Means {
            net: Net::with(Arc::new(http), Arc::clone(&self.clock), guard),
            secrets: Arc::new(KnownSecrets(self.secrets.clone())),
            folder: self.folder.path().to_path_buf(),
            pushed: Arc::new(Nothing),
        }
    }

    pub(super) fn ask(&self, questions: &[Question], first: &str, last: &str) -> Ask {
        let calendar = self.plan.project.calendar.clone();
        let window = Window {
            from: calendar.day(first.parse().unwrap()).start,
            to: calendar.day(last.parse().unwrap()).end,
        };
        Ask {
            questions: questions.to_vec(),
            window,
            calendar,
            now: self.now,
        }
    }

    pub(super) async fn pull(
        &self,
        questions: &[Question],
        first: &str,
        last: &str,
    ) -> Result<Pulled, SourceError> {
        let source = self.source(questions[0].source.as_str());
        let ask = self.ask(questions, first, last);
        let mut pulled = source.pull(&ask, &self.means()).await?;
        pulled.fill_zeros(&ask, TimeDelta::zero());
        Ok(pulled)
    }

    /// Counts of one question as `label[segment] value`, in order.
    pub(super) async fn counts(&self, question: &Question, first: &str, last: &str) -> Vec<String> {
        let pulled = self
            .pull(std::slice::from_ref(question), first, last)
            .await
            .unwrap();
        assert!(pulled.unanswerable.is_empty(), "{:?}", pulled.unanswerable);
        shown(&pulled, question)
    }

    /// Why a pull failed.
    pub(super) async fn failure(
        &self,
        question: &Question,
        first: &str,
        last: &str,
    ) -> SourceError {
        match self.pull(std::slice::from_ref(question), first, last).await {
            Err(why) => why,
            Ok(pulled) => panic!("it answered {:?}", shown(&pulled, question)),
        }
    }
}

pub(super) fn shown(pulled: &Pulled, question: &Question) -> Vec<String> {
    let mut found: Vec<_> = pulled
        .observations
        .iter()
        .filter(|one| one.series == question.key(one.series.segment.clone()))
        .collect();
    found.sort_by(|a, b| (a.bucket, &a.series.segment).cmp(&(b.bucket, &b.series.segment)));
    let label = |one: &truecount::model::Observation| match one.bucket.grain {
        Grain::Hour => one.bucket.label.format("%m-%dT%H").to_string(),
        _ => one.bucket.label.format("%m-%d").to_string(),
    };
    let part = |one: &truecount::model::Observation| {
        let values: Vec<&str> = one.series.segment.values().map(String::as_str).collect();
        if values.is_empty() {
            String::new()
        } else {
            format!("[{}]", values.join(","))
        }
    };
    found
        .into_iter()
        .map(|one| format!("{}{} {}", label(one), part(one), one.value))
        .collect()
}

pub(super) fn berlin() -> Calendar {
    Calendar::parse("Europe/Berlin").unwrap()
}

struct KnownSecrets(BTreeMap<String, String>);

#[async_trait]
impl Secrets for KnownSecrets {
    async fn read(&self, at: &SecretRef) -> Result<SecretString, SecretError> {
        let text = match at {
            SecretRef::Plain(text) => Some(text.clone()),
            SecretRef::Env(name) => self.0.get(name).cloned(),
            _ => None,
        };
        text.map(SecretString::from)
            .ok_or_else(|| SecretError::Missing {
                place: format!("{at:?}"),
            })
    }
}

/// Nothing was posted.
struct Nothing;

#[async_trait]
impl Pushed for Nothing {
    async fn counts(&self, _ask: &Ask) -> Result<Pulled, SourceError> {
        Ok(Pulled::default())
    }
}
