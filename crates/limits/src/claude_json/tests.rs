use std::fs;

use super::*;
use crate::input::hostile::torment;

const GOOD: &str = r#"{"numStartups":7,"oauthAccount":{"accountUuid":"AAAA-1","organizationUuid":"BBBB-2",
"emailAddress":"dev@example.com","organizationName":"Example","organizationRole":"admin"},
"cachedUsageUtilization":{"fetchedAtMs":1790000000000,"accountUuid":"aaaa-1","utilization":{"five_hour":{"utilization":29,"resets_at":null}}},
"projects":{"/home/dev":{"history":["\ud800 é"]}}}"#;

fn told(text: &str) -> Result<ClaudeJson, Unread> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".claude.json");
    fs::write(&path, text).unwrap();
    read(&path)
}

#[test]
fn the_login_and_the_remembered_limits_are_read_and_the_rest_is_passed_over() {
    let json = told(GOOD).unwrap();
    let login = json.login.clone().unwrap();
    assert_eq!(login.account.to_string(), "bbbb-2/aaaa-1");
    assert_eq!(login.email.as_deref(), Some("dev@example.com"));
    assert_eq!(login.organization_name.as_deref(), Some("Example"));
    let (account, usage) = json.usage_of_login().unwrap();
    assert_eq!(*account, login.account);
    assert_eq!(usage.fetched_at_ms, 1_790_000_000_000);
    assert_eq!(usage.utilization.get(), r#"{"five_hour":{"utilization":29,"resets_at":null}}"#);
}

#[test]
fn limits_of_another_account_are_told_apart_and_never_those_of_the_login() {
    for other in [r#""accountUuid":"cccc-3","#, ""] {
        let json = told(&GOOD.replace(r#""accountUuid":"aaaa-1","#, other)).unwrap();
        assert!(json.usage.is_some());
        assert!(json.usage_of_login().is_none());
    }
}

#[test]
fn limits_without_a_time_or_without_anything_are_none() {
    for (from, to) in [
        (r#""fetchedAtMs":1790000000000,"#, ""),
        ("1790000000000", "null"),
        ("1790000000000", "-5"),
        (r#"{"five_hour":{"utilization":29,"resets_at":null}}"#, "null"),
    ] {
        let json = told(&GOOD.replace(from, to)).unwrap();
        assert!(json.usage.is_none() && json.login.is_some(), "{to}");
    }
}

#[test]
fn nobody_is_logged_in_where_no_account_is_told() {
    for text in
        ["{}", r#"{"oauthAccount":null}"#, r#"{"oauthAccount":{}}"#, r#"{"oauthAccount":{"accountUuid":""}}"#]
    {
        assert_eq!(told(text).unwrap().login, None, "{text}");
    }
}

#[test]
fn an_account_that_cannot_be_believed_is_a_broken_file_and_not_nobody() {
    for text in [
        r#"{"oauthAccount":7}"#,
        r#"{"oauthAccount":{"accountUuid":7}}"#,
        r#"{"oauthAccount":{"accountUuid":"a/../b"}}"#,
        r#"{"oauthAccount":{"accountUuid":"a","organizationUuid":[]}}"#,
    ] {
        assert!(matches!(told(text), Err(Unread::Broken(_))), "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_without_a_word_of_what_is_in_the_file() {
    for text in [r#""secret""#, r#"{"oauthAccount":{"accountUuid":"sec ret"}}"#, r#"{"secret":secret}"#] {
        let why = told(text).unwrap_err().to_string();
        assert!(!why.contains("secret") && !why.contains("sec ret"), "{why}");
    }
    assert_eq!(
        told(r#"{"a":"#).unwrap_err().to_string(),
        "is broken: it ends in the middle (line 1, column 5)"
    );
}

#[test]
fn labels_cannot_steer_a_terminal() {
    let json = told(&GOOD.replace("dev@example.com", r"d\u001b[31mev\n@example.com")).unwrap();
    assert_eq!(json.login.unwrap().email.as_deref(), Some("d[31mev@example.com"));
}

#[test]
fn the_file_is_looked_for_where_claude_code_keeps_it() {
    let names = |default_of: Option<&str>| -> Vec<String> {
        let places = places(Path::new("/home/dev/.claude"), default_of.map(Path::new));
        places.iter().map(|path| path.display().to_string()).collect()
    };
    assert_eq!(names(None), ["/home/dev/.claude/.config.json", "/home/dev/.claude/.claude.json"]);
    assert_eq!(
        names(Some("/home/dev")),
        ["/home/dev/.claude/.config.json", "/home/dev/.claude.json", "/home/dev/.claude/.claude.json"]
    );
}

#[test]
fn a_large_rest_is_read_past_and_a_large_part_is_refused() {
    let long = "x".repeat(8 << 20);
    let deep = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    let json = told(&GOOD.replacen('{', &format!(r#"{{"a":"{long}","b":{deep},"#), 1)).unwrap();
    assert!(json.usage_of_login().is_some());
    let part = GOOD.replace("admin", &long);
    assert!(matches!(told(&part), Err(Unread::Broken(_))));
}

#[test]
fn whatever_becomes_of_the_file_it_has_a_class() {
    torment(GOOD, 3_000, &read);
}
