//! Signing in and acting: a form works with its seal, and nothing works without.

use super::{Answer, ask, demo};

fn post(path: &str, cookie: Option<&str>, body: &str) -> Answer {
    let cookie = cookie.map(|token| format!("truecount={token}"));
    let headers: Vec<(&str, &str)> = cookie
        .iter()
        .map(|text| ("Cookie", text.as_str()))
        .collect();
    ask("POST", path, &headers, body)
}

fn page(path: &str) -> String {
    let cookie = format!("truecount={}", demo().token);
    ask("GET", path, &[("Cookie", &cookie)], "").body
}

fn seal(page: &str) -> &str {
    let rest = page.split("name=\"seal\" value=\"").nth(1).unwrap();
    rest.split('"').next().unwrap()
}

#[test]
fn a_browser_signs_in_with_a_token_and_comes_back_to_where_it_was() {
    let token = &demo().token;
    let good = post("/sign-in", None, &format!("token={token}&next=%2Fi%2F2"));
    assert_eq!(
        (good.status, good.headers["location"].as_str()),
        (303, "/i/2")
    );
    let cookie = &good.headers["set-cookie"];
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    for elsewhere in ["https://evil.example", "//evil.example", "/\\evil.example"] {
        let next = elsewhere.replace('/', "%2F");
        let away = post("/sign-in", None, &format!("token={token}&next={next}"));
        assert_eq!(away.headers["location"], "/", "{elsewhere}");
    }
    let bad = post("/sign-in", None, "token=tc_unknown");
    assert_eq!(bad.status, 401);
    assert!(!bad.headers.contains_key("set-cookie"), "{}", bad.body);
}

#[test]
fn an_incident_is_ended_by_a_sealed_form_only() {
    // The demo's second incident is over: ending it again changes nothing that others look at.
    let path = "/i/2/resolve";
    assert_eq!(post(path, None, "by=Mara").status, 401);
    let token = demo().token.as_str();
    assert_eq!(post(path, Some(token), "by=Mara").status, 403);
    assert_eq!(post(path, Some(token), "by=Mara&seal=00").status, 403);
    let text = page("/i/2");
    let body = format!("by=&seal={}", seal(&text));
    assert_eq!(post(path, Some(token), &body).status, 400);
    let body = format!("by=Mara&seal={}", seal(&text));
    let done = post(path, Some(token), &body);
    assert_eq!(
        (done.status, done.headers["location"].as_str()),
        (303, "/i/2")
    );
}

#[test]
fn the_api_takes_no_cookie_for_a_change() {
    let path = "/api/v1/incidents/2/acknowledge";
    assert_eq!(post(path, Some(&demo().token), "").status, 401);
}

#[test]
fn a_link_only_asks() {
    let text = page("/i/4?do=ack");
    assert!(text.contains("action=\"/i/4/acknowledge\""), "{text}");
    assert!(!page("/i/4").contains("Taken by"));
}
