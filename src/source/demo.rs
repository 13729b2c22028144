//! `demo`: one system of the made-up company, for `truecount demo` and for tests.

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::config::Reader;
use crate::demo::{World, answers};
use crate::model::{Diagnostic, Question, Subject};
use crate::plan::{Decl, Form, Kind, Plan, Setting};

use super::{Ask, Cost, Means, Probe, Pulled, Source, SourceError};

const fn required(key: &'static str, about: &'static str, form: Form) -> Setting {
    Setting {
        key,
        about,
        form,
        required: true,
        default: "",
    }
}

/// A system that exists only here.
pub(super) const KIND: Kind<dyn Source> = Kind {
    name: "demo",
    about: include_str!("../../docs/sources/demo.md"),
    settings: &[
        required(
            "system",
            "Which system of the company",
            Form::OneOf(&["web", "orders", "crm"]),
        ),
        required("seed", "Which noise", Form::Whole),
        required("today", "The last day of the story", Form::Text),
    ],
    mapping: &[],
    event_named: true,
    build,
};

struct Demo {
    system: String,
    world: World,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Source>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    for key in [
        "type", "every", "cron", "arrives", "settles", "owner", "about", "base_url",
    ] {
        reader.entry(key);
    }
    let system = reader.one_of("system", &["web", "orders", "crm"]);
    let seed = reader.whole("seed");
    let today = reader.date("today");
    for (key, there) in [
        ("system", system.is_some()),
        ("seed", seed.is_some()),
        ("today", today.is_some()),
    ] {
        if !there && !reader.has(key) {
            reader.missing(key, "the made-up company needs it");
        }
    }
    let complaints = reader.finish();
    match (system, seed, today) {
        (Some(system), Some(seed), Some(today)) if complaints.is_empty() => Ok(Box::new(Demo {
            system,
            world: World { seed, today },
        })),
        _ => Err(complaints),
    }
}

#[async_trait]
impl Source for Demo {
    fn arrives(&self) -> TimeDelta {
        TimeDelta::hours(3)
    }

    fn settles(&self) -> TimeDelta {
        if self.system == "web" {
            TimeDelta::days(2)
        } else {
            TimeDelta::hours(3)
        }
    }

    fn has_hours(&self) -> bool {
        false
    }

    fn refuses(&self, question: &Question) -> Option<String> {
        let web = self.system == "web" || matches!(question.subject, Subject::Event(_));
        (!web).then(|| "only the web of the made-up company knows visits and all names".to_owned())
    }

    fn cost(&self, _ask: &Ask) -> Cost {
        Cost::default()
    }

    async fn pull(&self, ask: &Ask, _means: &Means) -> Result<Pulled, SourceError> {
        let mut pulled = Pulled::default();
        for question in &ask.questions {
            match answers(
                &self.world,
                &self.system,
                question,
                ask.window,
                &ask.calendar,
                ask.now,
            ) {
                Some(found) => pulled.observations.extend(found),
                None => pulled.unanswerable.push((
                    question.clone(),
                    "nothing of this kind was ever counted".to_owned(),
                )),
            }
        }
        Ok(pulled)
    }

    async fn probe(&self, _means: &Means) -> Result<Probe, SourceError> {
        Ok(Probe {
            found: format!("made-up numbers of `{}`", self.system),
            remarks: Vec::new(),
        })
    }
}
