//! Incident mails: subject, plain text, HTML, and the frozen RFC 5322 message.

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use crate::model::{Fingerprint, Timestamp};
use crate::notify::{Notification, Reason};
use crate::plan::Plan;

use super::brief::{Brief, checks};
use super::slack::preface;
use super::{IncidentText, describe, words};

/// A mail in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line without line breaks.
    pub subject: String,
    /// Complete by itself.
    pub text: String,
    /// The same, to look at.
    pub html: String,
}

/// Puts a notification into a mail.
pub fn write(plan: &Plan, notification: &Notification) -> Mail {
    let name = plan.project.name.as_str();
    match (notification.reason, notification.incidents.as_slice()) {
        (Reason::Trouble | Reason::Recovered, _) => {
            let brief = Brief::of(plan, notification);
            let head = brief.head.trim_start_matches(['◆', '●', ' ']);
            Mail {
                subject: one_line(&format!("{head} ({name})")),
                html: page(head, &format!("<p>{}</p>", html(&brief.short))),
                text: format!("{}\n\n{}\n", brief.head, brief.short),
            }
        }
        (Reason::Test, _) | (_, []) => {
            let line =
                format!("{name} can reach this address. This is a sample, nothing is wrong.");
            Mail {
                subject: one_line(&format!("Test from Truecount ({name})")),
                html: page("Test from Truecount", &format!("<p>{}</p>", html(&line))),
                text: format!("TEST\n\n{line}\n"),
            }
        }
        (reason, [one]) => {
            let text = describe(plan, one, notification.at);
            let rows = rows(&text, &notification.remark);
            let over = matches!(reason, Reason::Resolved | Reason::Past);
            let lead = preface(reason).map_or(text.status.to_owned(), str::to_owned);
            let subject = if over {
                let lasted =
                    words::span(one.over_at().unwrap_or(notification.at) - one.first.start);
                format!("Resolved after {lasted}: {} ({name})", lower(&text.head))
            } else {
                format!(
                    "{lead}: {} since {} ({name})",
                    lower(&text.head),
                    since_day(&text)
                )
            };
            Mail {
                subject: one_line(&subject),
                text: plain(plan, &text, &rows, &lead, over),
                html: incident_page(plan, &text, &rows, &lead, over),
            }
        }
        _ => digest(plan, notification),
    }
}

fn digest(plan: &Plan, notification: &Notification) -> Mail {
    let brief = Brief::of(plan, notification);
    let remark = if brief.remark.is_empty() {
        String::new()
    } else {
        format!("{}.", brief.remark)
    };
    let list: String = brief
        .list
        .iter()
        .map(|line| format!("<li style=\"padding:4px 0\">{}</li>", html(line)))
        .collect();
    let link = brief.link.as_ref();
    let (open, button) = link.map_or_else(Default::default, |link| {
        (format!("\nOpen        {link}\n"), button(link, "Open all"))
    });
    Mail {
        subject: one_line(&format!("{} ({})", brief.head, plan.project.name)),
        text: format!(
            "{}\n\n{remark}\n\n{}\n{open}",
            brief.head,
            brief.list.join("\n")
        ),
        html: page(
            &brief.head,
            &format!(
                "<p>{}</p><ul style=\"list-style:none;padding:0\">{list}</ul>{button}",
                html(&remark)
            ),
        ),
    }
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn since_day(text: &IncidentText) -> &str {
    text.since.split(" (").next().unwrap_or(&text.since)
}

/// Header values never carry a line break, whatever an event is called.
pub fn one_line(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    plain.chars().take(180).collect()
}

/// Titles with what stands beside them.
type Rows = [(&'static str, String)];

fn rows(text: &IncidentText, remark: &str) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    if !remark.is_empty() {
        rows.push(("Note", words::capital(remark)));
    }
    let mut add = |title, value: Option<&String>| {
        if let Some(value) = value {
            rows.push((title, value.clone()));
        }
    };
    add("Now", text.now.as_ref());
    add("Since", Some(&text.since));
    add("Where", text.place.as_ref());
    add("Gap", text.bridge.as_ref());
    add("Certainty", Some(&text.certainty));
    add("Verdict", text.verdict.as_ref());
    add("Just before", text.likely.as_ref());
    add("Impact", text.impact.as_ref());
    add("Owner", text.owner.as_ref());
    if text.members.len() > 1 {
        rows.push(("Checks", checks(text)));
    }
    rows
}

fn plain(plan: &Plan, text: &IncidentText, rows: &Rows, lead: &str, over: bool) -> String {
    let mut out = format!(
        "{}  {}\n\n",
        if over {
            "RESOLVED".to_owned()
        } else {
            lead.to_uppercase()
        },
        text.head
    );
    for (title, value) in rows {
        out.push_str(&format!("{title:<12}{}\n", value.replace(['−', '–'], "-")));
    }
    out.push('\n');
    if let Some(link) = &text.link {
        out.push_str(&format!("Open        {link}\n"));
    }
    out.push_str(&why(plan, text));
    out.push('\n');
    out
}

fn why(plan: &Plan, text: &IncidentText) -> String {
    let rule = text
        .rule
        .as_ref()
        .map_or(String::new(), |rule| format!(" ({rule})"));
    format!(
        "You get this from the routes of {}{rule}.",
        plan.project.name
    )
}

/// Text as HTML.
pub fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn incident_page(plan: &Plan, text: &IncidentText, rows: &Rows, lead: &str, over: bool) -> String {
    let (ground, ink) = match (over, text.status) {
        (true, _) => ("#e3f4ee", "#0f5f4a"),
        (false, "Failing") => ("#fdece4", "#9a3412"),
        (false, _) => ("#fff4d6", "#7a5200"),
    };
    let mark = if over { "●" } else { text.mark };
    let lead = if over { "Resolved" } else { lead };
    let badge = format!(
        "<p style=\"margin:0 0 12px\"><span style=\"background:{ground};color:{ink};padding:4px 10px;border-radius:4px;font-weight:600\">{mark} {}</span></p>",
        html(lead)
    );
    let table: String = rows
        .iter()
        .map(|(title, value)| {
            format!(
                "<tr><th scope=\"row\" align=\"left\" valign=\"top\" style=\"padding:7px 16px 7px 0;color:#55636f;font-weight:400;white-space:nowrap;border-top:1px solid #e4e9ee\">{title}</th><td style=\"padding:7px 0;border-top:1px solid #e4e9ee\">{}</td></tr>",
                html(value)
            )
        })
        .collect();
    let button = text
        .link
        .as_ref()
        .map_or(String::new(), |link| button(link, "Open the incident"));
    let foot = format!(
        "<p style=\"margin:24px 0 0;color:#55636f;font-size:13px\">{}</p>",
        html(&why(plan, text))
    );
    page(
        &text.head,
        &format!(
            "{badge}<table role=\"presentation\" cellspacing=\"0\" cellpadding=\"0\" style=\"border-collapse:collapse;width:100%\">{table}</table>{button}{foot}"
        ),
    )
}

fn button(link: &str, words: &str) -> String {
    format!(
        "<p style=\"margin:20px 0 0\"><a href=\"{}\" style=\"background:#0b5c94;color:#ffffff;padding:10px 18px;border-radius:4px;text-decoration:none;font-weight:600\">{words}</a></p>",
        html(link)
    )
}

/// One column of 640 pixels on a white ground.
fn page(head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title></head>\
         <body style=\"margin:0;background:#f3f6f8\"><table role=\"presentation\" width=\"100%\" cellspacing=\"0\" cellpadding=\"0\"><tr><td align=\"center\" style=\"padding:24px 12px\">\
         <table role=\"presentation\" width=\"640\" cellspacing=\"0\" cellpadding=\"0\" style=\"max-width:640px;width:100%;background:#ffffff;border-radius:8px\"><tr><td style=\"padding:28px 32px;font:15px/1.5 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;color:#1b2733\">\
         <h1 style=\"margin:0 0 14px;font-size:21px;line-height:1.3\">{0}</h1>{body}</td></tr></table></td></tr></table></body></html>",
        html(head)
    )
}

/// What a message needs beside its words.
pub struct Envelope<'a> {
    /// `Name <address>`
    pub from: &'a str,
    /// Addresses.
    pub to: &'a [String],
    /// The letter's id: its message id.
    pub id: Fingerprint,
    /// The first letter about the same incident, so that mail programs keep one thread.
    pub thread: Option<Fingerprint>,
    /// When it was written.
    pub at: Timestamp,
}

/// The domain of message ids: that of the sender.
fn domain(from: &str) -> String {
    let text = from
        .rsplit('@')
        .next()
        .unwrap_or("localhost")
        .trim_end_matches('>');
    let plain = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    if plain {
        text.to_owned()
    } else {
        "localhost".to_owned()
    }
}

/// A header that lettre has no type for.
pub fn raw_header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// The frozen message: multipart/alternative with the text first. The error names what is wrong
/// with an address.
pub fn message(mail: &Mail, envelope: &Envelope<'_>) -> Result<Vec<u8>, String> {
    let mailbox = |text: &str| -> Result<Mailbox, String> {
        one_line(text)
            .parse()
            .map_err(|why| format!("`{}` is not an address: {why}", one_line(text)))
    };
    let domain = domain(envelope.from);
    let mut builder = lettre::Message::builder()
        .from(mailbox(envelope.from)?)
        .subject(one_line(&mail.subject))
        .message_id(Some(format!("<{}@{domain}>", envelope.id)))
        .date(
            std::time::UNIX_EPOCH
                + std::time::Duration::from_secs(
                    u64::try_from(envelope.at.timestamp()).unwrap_or(0),
                ),
        )
        .raw_header(raw_header("Auto-Submitted", "auto-generated".to_owned()));
    if let Some(thread) = envelope.thread.filter(|thread| *thread != envelope.id) {
        let reference = format!("<{thread}@{domain}>");
        builder = builder.in_reply_to(reference.clone()).references(reference);
    }
    for address in envelope.to {
        builder = builder.to(mailbox(address)?);
    }
    let part =
        |kind: ContentType, body: &str| SinglePart::builder().header(kind).body(body.to_owned());
    let body = MultiPart::alternative()
        .singlepart(part(ContentType::TEXT_PLAIN, &mail.text))
        .singlepart(part(ContentType::TEXT_HTML, &mail.html));
    let message = builder
        .multipart(body)
        .map_err(|why| format!("the mail cannot be made: {why}"))?;
    Ok(message.formatted())
}

/// The plain text part of a frozen message, decoded, for showing it on a terminal.
pub fn text_of(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let head = text
        .split("\r\n\r\n")
        .next()
        .unwrap_or("")
        .replace("\r\n ", " ");
    let subject = head
        .lines()
        .find(|line| line.starts_with("Subject:"))
        .unwrap_or("Subject:")
        .to_owned();
    let part = text.split("Content-Type: text/plain").nth(1).unwrap_or("");
    let body = part.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    format!(
        "{subject}\n\n{}",
        unquoted(body.split("\r\n--").next().unwrap_or(""))
    )
}

/// Quoted-printable to text.
fn unquoted(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match hex
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
            .filter(|_| *first == b'=')
        {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).replace('\r', "")
}
