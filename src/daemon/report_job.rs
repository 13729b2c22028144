//! Jobs with a schedule that are no pull: reports, and looking after the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::deliver;
use crate::model::{Name, Timestamp};
use crate::notify::{Letter, Notification, Payload, Reason};
use crate::plan;
use crate::render::audit;
use crate::store::{Round, StoreError};

use super::{Audit, LEASE, Step, Stretch, World, collect};

/// The key of the channel that mails reports.
pub fn report_channel(report: &Name) -> Name {
    Name::clean(&format!("report/{report}/email"))
}

/// Writes a slot as done without doing anything: the first start of a report counts from now.
pub(super) async fn remember(
    world: &World,
    job: &str,
    slot: Timestamp,
) -> Result<Step, StoreError> {
    finish(world, job, slot, &[]).await
}

async fn finish(
    world: &World,
    job: &str,
    slot: Timestamp,
    letters: &[Letter],
) -> Result<Step, StoreError> {
    let now = world.clock.now();
    let Some(lease) = world.store.lease(job, &world.holder, now, LEASE).await? else {
        return Ok(Step::Idle);
    };
    let round = Round {
        slot,
        now,
        seen: &[],
        changes: &[],
        letters,
        told: &[],
        marks: &[],
    };
    match world.store.commit(&lease, &round).await {
        Ok(()) => {
            world.letters_wait.notify_one();
            Ok(Step::Worked)
        }
        Err(StoreError::Fenced { .. }) => Ok(Step::Idle),
        Err(why) => Err(why),
    }
}

/// Makes the audit of the last whole week or month, keeps it as a file, and mails it.
pub(super) async fn send(
    world: &Arc<World>,
    name: &str,
    slot: Timestamp,
) -> Result<Step, StoreError> {
    let now = world.clock.now();
    let Some(report) = world
        .plan
        .reports
        .iter()
        .find(|one| one.name.as_str() == name)
    else {
        return Ok(Step::Idle);
    };
    let calendar = &world.plan.project.calendar;
    let stretch = Stretch::last(report.period, calendar, slot);
    let mut made = collect(world, stretch, now).await?;
    made.report = made.report.asked_by(report);
    keep(world, &made);
    let letters = letters(world, report, &made, slot, now);
    finish(world, &format!("report:{name}"), slot, &letters).await
}

/// The archive is a convenience: when it cannot be written the mail still goes out.
fn keep(world: &World, made: &Audit) {
    let Some(folder) = &world.archive else { return };
    let path = folder.join(format!("{}.html", made.report.label));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, audit::page(&made.report)));
    if let Err(why) = written {
        tracing::warn!("the audit could not be kept as {}: {why}", path.display());
    }
}

/// One mail to everybody of the report; without anybody named, to the mail of the default route.
fn letters(
    world: &World,
    report: &plan::Report,
    made: &Audit,
    slot: Timestamp,
    now: Timestamp,
) -> Vec<Letter> {
    let plan = &world.plan;
    let Some(mail) = &plan.mail else {
        return Vec::new();
    };
    let to = receivers(plan, report);
    if to.is_empty() {
        return Vec::new();
    }
    let decided = Notification {
        route: report.name.clone(),
        channel: report_channel(&report.name),
        reason: Reason::Report,
        n: 0,
        incidents: Vec::new(),
        at: slot,
        remark: String::new(),
    };
    let id = decided.letter_id(&plan.project.id);
    let words = audit::mail(&made.report);
    let body = match audit::message(&words, &mail.from, &to, id, now) {
        Ok(body) => body,
        Err(why) => {
            tracing::error!("the audit cannot be mailed: {why}");
            return Vec::new();
        }
    };
    let extra = [
        ("from".to_owned(), mail.from.clone()),
        ("to".to_owned(), to.join("\n")),
    ];
    let extra: BTreeMap<String, String> = extra.into_iter().collect();
    let payload = Payload {
        content_type: "message/rfc822".to_owned(),
        body,
        extra,
    };
    vec![decided.letter(&plan.project.id, payload, 0)]
}

fn receivers(plan: &plan::Plan, report: &plan::Report) -> Vec<String> {
    let addressed = |texts: &[String]| {
        texts
            .iter()
            .filter_map(|text| deliver::mail_address(text, plan))
            .collect::<Vec<String>>()
    };
    if !report.to.is_empty() {
        return addressed(&report.to);
    }
    let default = plan
        .routes
        .iter()
        .find(|route| route.name.as_str() == "default");
    let mails = default
        .into_iter()
        .flat_map(|route| &route.channels)
        .filter(|channel| channel.kind == "email");
    mails
        .flat_map(|channel| addressed(&deliver::mail_receivers(channel)))
        .collect()
}

/// Puts the audit into the outbox now; returns how many letters wait.
pub async fn send_now(
    world: &Arc<World>,
    made: &Audit,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut count = 0;
    let mine = |report: &&plan::Report| report.period == made.report.period;
    for report in world.plan.reports.iter().filter(mine) {
        let made = Audit {
            report: made.report.clone().asked_by(report),
        };
        let letters = letters(world, report, &made, now, now);
        count += letters.len();
        finish(world, &format!("report-now:{}", report.name), now, &letters).await?;
    }
    Ok(count)
}

/// Thins old readings, gives the log back to the disk, and copies the database.
pub(super) async fn maintain(
    world: &World,
    job: &str,
    slot: Timestamp,
) -> Result<Step, StoreError> {
    let keep = world.plan.store.kept();
    let gone = world.store.thin(world.clock.now(), keep).await?;
    world.store.tidy().await?;
    let day = world.plan.project.calendar.local(slot).date();
    match world.store.backup_of_day(day).await {
        Ok(Some(path)) => tracing::info!("copied the database to {}", path.display()),
        Ok(None) => {}
        // The daemon goes on without a copy; the next night tries again.
        Err(why) => tracing::error!("the database could not be copied: {why}"),
    }
    tracing::info!(
        gone,
        "looked after the database: {gone} old readings thinned"
    );
    finish(world, job, slot, &[]).await
}
