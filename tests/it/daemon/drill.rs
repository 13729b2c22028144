//! Breakdowns of what looks wrong: asked together, once a round, and none spoils another.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{Datelike, Days, NaiveDate, TimeDelta};
use truecount::daemon::Tap;
use truecount::incident::Incident;
use truecount::model::{Question, Subject, Timestamp};
use truecount::source::{Ask, Cost, Means, Probe, Pulled, Source, SourceError};

use crate::check::bench::noise;
use crate::fake::life::Life;

/// More than are judged in one portion.
const EVENTS: usize = 230;

/// Events that lose their telephones on the newest day that is final; they stand in different portions.
const BROKEN: [usize; 3] = [3, 120, 229];

/// A source that keeps what it was asked, and cannot read breakdowns by a certain dimension.
struct Kept {
    inner: Box<dyn Source>,
    asked: Arc<Mutex<Vec<Ask>>>,
    stumbles_over: Option<&'static str>,
}

#[async_trait]
impl Source for Kept {
    fn arrives(&self) -> TimeDelta {
        self.inner.arrives()
    }

    fn settles(&self) -> TimeDelta {
        self.inner.settles()
    }

    fn has_hours(&self) -> bool {
        false
    }

    fn refuses(&self, question: &Question) -> Option<String> {
        self.inner.refuses(question)
    }

    fn cost(&self, ask: &Ask) -> Cost {
        self.inner.cost(ask)
    }

    async fn pull(&self, ask: &Ask, means: &Means) -> Result<Pulled, SourceError> {
        self.asked.lock().unwrap().push(ask.clone());
        let by = ask.questions.iter().flat_map(|question| &question.by);
        if by
            .clone()
            .any(|name| Some(name.as_str()) == self.stumbles_over)
        {
            return Err(SourceError::Odd {
                why: "a page of HTML".to_owned(),
            });
        }
        self.inner.pull(ask, means).await
    }

    async fn probe(&self, means: &Means) -> Result<Probe, SourceError> {
        self.inner.probe(means).await
    }
}

/// A hundred days of counts by device.
fn rows(today: NaiveDate) -> String {
    let mut rows = "date,event,device,browser,count\n".to_owned();
    for ago in (1..=100_u64).rev() {
        let day = today - Days::new(ago);
        for event in 0..EVENTS {
            let chance =
                noise(i64::from(day.num_days_from_ce()) * 1000 + i64::try_from(event).unwrap());
            let lost = ago <= 3 && BROKEN.contains(&event);
            let mobile = if lost { 0.0 } else { 300.0 };
            for (device, count) in [("desktop", 200.0 + 8.0 * chance), ("mobile", mobile)] {
                writeln!(rows, "{day},event_{event:03},{device},any,{count:.0}").unwrap();
            }
        }
    }
    rows
}

/// One round over the counts: what was asked for breakdowns, and the incidents.
async fn round(stumbles_over: Option<&'static str>) -> (Vec<Ask>, Vec<Incident>) {
    let now: Timestamp = "2026-11-05T09:00:00Z".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("web.csv"), rows(now.date_naive())).unwrap();
    let mut plan = "[project]\nname = \"Shop\"\ntimezone = \"UTC\"\n\
                    [source.web]\ntype = \"files\"\npath = \"web.csv\"\n"
        .to_owned();
    for event in 0..EVENTS {
        writeln!(plan, "[event.event_{event:03}]").unwrap();
    }
    let mut life = Life::begin(folder, &plan, now).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let world = Arc::get_mut(&mut life.world).unwrap();
    let taps = std::mem::take(&mut world.taps);
    world.taps = taps
        .into_iter()
        .map(|(name, tap)| {
            let tap = Arc::into_inner(tap).unwrap();
            let source = Box::new(Kept {
                inner: tap.source,
                asked: Arc::clone(&asked),
                stumbles_over,
            });
            let decl = tap.decl;
            (name, Arc::new(Tap { decl, source }))
        })
        .collect();
    life.tick(now).await;
    let asked = asked.lock().unwrap().clone();
    let split = |ask: &&Ask| {
        let mut questions = ask.questions.iter();
        questions.any(|one| matches!(one.subject, Subject::Event(_)) && !one.by.is_empty())
    };
    let asks = asked.iter().filter(split).cloned().collect();
    (asks, life.incidents().await)
}

/// The breakdowns name the telephones in the incident of each broken event.
fn blamed(incidents: &[Incident]) -> usize {
    let named = incidents.iter().filter_map(|one| one.finding.as_ref());
    named
        .filter(|finding| {
            let part = finding.segments.first();
            part.is_some_and(|part| part.segment.values().eq(["mobile"]))
        })
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_breakdowns_of_a_round_are_one_ask() {
    let (asks, incidents) = round(None).await;
    assert_eq!(asks.len(), 1, "{asks:#?}");
    // Three events by device, browser and country.
    assert_eq!(asks[0].questions.len(), 9, "{asks:#?}");
    assert_eq!(blamed(&incidents), 3, "{incidents:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_breakdown_that_cannot_be_read_costs_the_others_nothing() {
    let (asks, incidents) = round(Some("country")).await;
    let many: Vec<usize> = asks.iter().map(|ask| ask.questions.len()).collect();
    // All together, then one by one up to the first that fails.
    assert_eq!(many[0], 9, "{many:?}");
    assert!(
        many.len() > 2 && many[1..].iter().all(|one| *one == 1),
        "{many:?}"
    );
    assert!(blamed(&incidents) >= 1, "{incidents:#?}");
}
