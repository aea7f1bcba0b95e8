use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;

const TOKEN: &str = "tok-canary-0123456789-abcdefghij";
const NOW_MS: i64 = 1_770_556_680_000;

/// What was found, in a word or two.
fn word(found: &Found) -> String {
    match found {
        Found::Ok(login) => format!("ok {:?} {}", login.expires_at_ms, login.renewable),
        other => format!("{other:?}"),
    }
}

fn login(fields: &str) -> String {
    format!(r#"{{"claudeAiOauth": {{"accessToken": "{TOKEN}"{fields}}}, "mcpOAuth": {{}}}}"#)
}

fn folder_with(content: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE), content).unwrap();
    fs::set_permissions(folder.path().join(FILE), fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

fn read(directory: &Path, key_store: KeyStore<'_>) -> Found {
    Source { directory, config_dir: None, key_store }.read(NOW_MS)
}

fn read_text(content: &str) -> String {
    word(&read(folder_with(content).path(), KeyStore::None))
}

#[test]
fn a_login_is_usable_until_the_moment_that_it_names() {
    assert_eq!(read_text(&login("")), "ok None false");
    assert_eq!(
        read_text(&login(&format!(r#","expiresAt": {}"#, NOW_MS + 1))),
        "ok Some(1770556680001) false"
    );
    assert_eq!(read_text(&login(r#","expiresAt": "1770556680001""#)), "ok Some(1770556680001) false");
    for odd in ["null", r#""soon""#, "-1", "1e300", "{}", "true"] {
        assert_eq!(read_text(&login(&format!(r#","expiresAt": {odd}"#))), "ok None false", "{odd}");
    }
    let renewable = login(r#","refreshToken": "ref-canary-1", "refreshTokenExpiresAt": 1773000000000"#);
    let Found::Ok(found) = read(folder_with(&renewable).path(), KeyStore::None) else { panic!("a login") };
    assert_eq!((found.renewable, found.renewable_until_ms), (true, Some(1_773_000_000_000)));
    let expired = login(&format!(r#","expiresAt": {NOW_MS}, "refreshTokenExpiresAt": 5"#));
    let expired = read(folder_with(&expired).path(), KeyStore::None);
    let Found::Expired(expired) = expired else { panic!("{expired:?}") };
    let fingerprint = Secret::new(TOKEN.to_owned()).unwrap().fingerprint();
    assert_eq!(expired, Expired { fingerprint, at_ms: NOW_MS, renewable_until_ms: Some(5) });
}

#[test]
fn null_and_nothing_mean_logged_out() {
    for content in [
        "null",
        r#""""#,
        "{}",
        r#"{"claudeAiOauth": null}"#,
        r#"{"claudeAiOauth": ""}"#,
        r#"{"claudeAiOauth": {"accessToken": null}}"#,
        r#"{"claudeAiOauth": {"accessToken": "", "expiresAt": 5}}"#,
    ] {
        assert_eq!(read_text(content), "Absent", "{content}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(word(&read(folder.path(), KeyStore::None)), "Absent");
    assert_eq!(word(&read(&folder.path().join("gone"), KeyStore::None)), "Absent");
}

#[test]
fn a_login_that_makes_no_sense_is_broken_and_says_how() {
    for (content, broken) in [
        ("", Broken::NotJson),
        ("7", Broken::NotJson),
        ("[]", Broken::NotJson),
        (r#"{"claudeAiOauth": {"accessToken": "tok"#, Broken::NotJson),
        (r#"{"claudeAiOauth": "x"}"#, Broken::NotJson),
        (r#"{"claudeAiOauth": {}}"#, Broken::NoToken),
        (r#"{"claudeAiOauth": {"accessToken": 7}}"#, Broken::OddToken),
        (r#"{"claudeAiOauth": {"accessToken": "two words"}}"#, Broken::OddToken),
        (r#"{"claudeAiOauth": {"accessToken": "a\r\nb"}}"#, Broken::OddToken),
    ] {
        assert_eq!(read_text(content), format!("Broken({broken:?})"), "{content}");
    }
}

#[test]
fn no_truncation_or_flipped_bit_of_a_login_panics() {
    let whole =
        login(&format!(r#","expiresAt": {}, "refreshToken": "ref-canary-1""#, NOW_MS + 1)).into_bytes();
    for length in 0..whole.len() {
        assert!(!matches!(login::parse(&whole[..length], NOW_MS, false), Found::Ok(_)), "{length}");
    }
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let _ = login::parse(&bytes, NOW_MS, false);
    }
}

#[test]
fn only_a_regular_file_of_the_user_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let found = || word(&read(folder.path(), KeyStore::None));

    fs::create_dir(&path).unwrap();
    assert_eq!(found(), "Broken(NotAFile)");
    fs::remove_dir(&path).unwrap();

    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert_eq!(found(), "Broken(NotAFile)", "and nobody waits for a writer");
    fs::remove_file(&path).unwrap();

    symlink(&path, &path).unwrap();
    assert_eq!(found(), "Broken(NotAFile)");
    fs::remove_file(&path).unwrap();

    symlink(folder.path().join("gone"), &path).unwrap();
    assert_eq!(found(), "Absent");
    fs::remove_file(&path).unwrap();

    fs::write(folder.path().join("dotfile"), login("")).unwrap();
    symlink("dotfile", &path).unwrap();
    assert_eq!(found(), "ok None false", "a link of the same user is a way to keep dotfiles");
    fs::remove_file(&path).unwrap();

    fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
    assert_eq!(found(), "Broken(TooLong)");
}

#[test]
fn a_file_or_a_link_of_another_user_is_not_read() {
    if !rustix::process::geteuid().is_root() {
        return; // Nobody else can give a file away.
    }
    let other = rustix::fs::Uid::from_raw(12_345);
    let folder = folder_with(&login(""));
    let path = folder.path().join(FILE);
    rustix::fs::chownat(rustix::fs::CWD, &path, Some(other), None, rustix::fs::AtFlags::empty()).unwrap();
    assert_eq!(word(&read(folder.path(), KeyStore::None)), "Broken(NotOurs)");
    let linked = tempfile::tempdir().unwrap();
    symlink(&path, linked.path().join(FILE)).unwrap();
    assert_eq!(word(&read(linked.path(), KeyStore::None)), "Broken(NotOurs)");
}

#[test]
fn a_file_that_others_can_read_is_a_finding_and_no_failure() {
    let folder = folder_with(&login(""));
    for (mode, finding) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        fs::set_permissions(folder.path().join(FILE), fs::Permissions::from_mode(mode)).unwrap();
        let Found::Ok(login) = read(folder.path(), KeyStore::None) else { panic!("a login") };
        assert_eq!(login.readable_by_others, finding, "{mode:o}");
    }
}

struct Fake(Result<&'static str, KeychainFault>);

impl Keychain for Fake {
    fn password(&self, service: &str) -> Result<Zeroizing<String>, KeychainFault> {
        assert_eq!(service, "Claude Code-credentials");
        self.0.map(|text| text.to_owned().into())
    }
}

#[test]
fn the_keychain_is_asked_first_and_a_file_is_believed_only_where_it_has_nothing() {
    let folder = folder_with(&login(""));
    let in_keychain = r#"{"claudeAiOauth": {"accessToken": "tok-other", "expiresAt": 1770556680009}}"#;
    let ask = |result| word(&read(folder.path(), KeyStore::Ask(&Fake(result))));
    assert_eq!(ask(Ok(in_keychain)), "ok Some(1770556680009) false");
    assert_eq!(ask(Err(KeychainFault::Absent)), "ok None false");
    assert_eq!(ask(Ok("{}")), "ok None false");
    assert_eq!(ask(Ok("{")), "Broken(NotJson)");
    for fault in
        [KeychainFault::Denied, KeychainFault::Locked, KeychainFault::TimedOut, KeychainFault::Failed]
    {
        assert_eq!(ask(Err(fault)), format!("Unreadable(Keychain({fault:?}))"));
    }
}

#[test]
fn a_keychain_that_may_not_be_asked_is_not_a_logout() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(word(&read(empty.path(), KeyStore::NotAllowed)), "Unreadable(KeychainNotAllowed)");
    assert_eq!(word(&read(folder_with(&login("")).path(), KeyStore::NotAllowed)), "ok None false");
}

#[test]
fn a_config_directory_has_its_own_service() {
    assert_eq!(service_name(None), "Claude Code-credentials");
    assert_eq!(service_name(Some("/home/dev/acct/one")), "Claude Code-credentials-157c8837");
}

/// A program that stands in for `security`: it writes its arguments down, then does as the script says.
fn security(folder: &Path, script: &str, limit: Duration) -> SecurityTool {
    let program = folder.join("security");
    fs::write(&program, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > {}/argv\n{script}\n", folder.display()))
        .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    SecurityTool { program, login_name: "dev".into(), time_limit: limit }
}

fn ask_security(script: &str) -> Result<String, KeychainFault> {
    let folder = tempfile::tempdir().unwrap();
    let tool = security(folder.path(), script, Duration::from_secs(20));
    tool.password("Claude Code-credentials-157c8837").map(|text| text.to_string())
}

#[test]
fn the_tool_is_told_names_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let tool = security(folder.path(), &format!("printf '%s\\n' '{}'", login("")), Duration::from_secs(20));
    let directory = PathBuf::from("/home/dev/acct/one");
    let source =
        Source { directory: &directory, config_dir: directory.to_str(), key_store: KeyStore::Ask(&tool) };
    assert_eq!(word(&source.read(NOW_MS)), "ok None false");
    let argv = fs::read_to_string(folder.path().join("argv")).unwrap();
    let expected = ["find-generic-password", "-a", "dev", "-s", "Claude Code-credentials-157c8837", "-w"];
    assert_eq!(argv.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_tools_ways_to_fail_are_told_apart() {
    assert_eq!(ask_security("exit 44"), Err(KeychainFault::Absent));
    assert_eq!(ask_security("exit 36"), Err(KeychainFault::Locked));
    assert_eq!(ask_security("exit 51"), Err(KeychainFault::Denied));
    assert_eq!(ask_security("exit 128"), Err(KeychainFault::Denied));
    assert_eq!(ask_security("exit 1"), Err(KeychainFault::Failed));
    assert_eq!(ask_security("kill -9 $$"), Err(KeychainFault::Failed));
    assert_eq!(ask_security("head -c 70000 /dev/zero"), Err(KeychainFault::Failed));
    assert_eq!(ask_security(r"printf '\377'"), Err(KeychainFault::Failed));
    let missing = SecurityTool { program: "/nowhere/security".into(), ..SecurityTool::system("dev".into()) };
    assert_eq!(missing.password("x").map(|_| ()), Err(KeychainFault::Failed));
}

#[test]
fn a_password_comes_plain_or_in_hex() {
    assert_eq!(ask_security("echo '{\"a\":1}'"), Ok("{\"a\":1}".into()));
    assert_eq!(ask_security("echo 7b22c3a9223a317d"), Ok("{\"é\":1}".into()));
}

#[test]
fn a_tool_that_hangs_is_ended_with_its_children_when_the_time_is_over() {
    for script in ["sleep 60", "exec >&-; sleep 60", "sleep 60 & exit 0"] {
        let folder = tempfile::tempdir().unwrap();
        let tool = security(folder.path(), script, Duration::from_millis(80));
        let start = Instant::now();
        assert_eq!(tool.password("x").map(|_| ()), Err(KeychainFault::TimedOut), "{script}");
        assert!(start.elapsed() < Duration::from_secs(5), "{script}");
    }
}

#[test]
fn nothing_that_was_found_prints_a_token() {
    let folder = folder_with(&login(r#","refreshToken": "ref-canary-1""#));
    let printed = format!("{:?}", read(folder.path(), KeyStore::None));
    assert!(!printed.contains("canary"), "{printed}");
}

#[test]
fn the_state_of_a_file_is_told_without_its_token_and_of_a_broken_one_too() {
    let folder = folder_with(&login(r#","refreshTokenExpiresAt": 1773000000000"#));
    let path = folder.path().join(FILE);
    let state = file_state(folder.path(), NOW_MS);
    assert_eq!((state.readable_by_others, state.renewable_until_ms), (false, Some(1_773_000_000_000)));
    assert!(state.written_at_ms.is_some() && !format!("{state:?}").contains("canary"));
    fs::write(&path, "{").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
    let state = file_state(folder.path(), NOW_MS);
    assert_eq!((state.readable_by_others, state.renewable_until_ms), (true, None));
    fs::remove_file(path).unwrap();
    assert_eq!(file_state(folder.path(), NOW_MS), FileState::default());
}
