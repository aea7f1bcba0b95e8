use std::fs;
use std::process::Command;

use super::*;
use crate::input::hostile::torment;

const GOOD: &str =
    r#"{"pid":4242,"sessionId":"s-1","cwd":"/home/dev","startedAt":1790000000000,"procStart":"20095994"}"#;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sessions")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join("sessions").join(name), text).unwrap();
    }
    folder
}

#[test]
fn a_session_runs_when_its_process_does() {
    let folder = folder(&[
        ("4242.json", GOOD),
        ("7.json", GOOD),
        ("0.json", GOOD),
        ("-3.json", GOOD),
        ("x.json", GOOD),
    ]);
    let live = sessions(folder.path(), &|session| session.pid == 4242).unwrap();
    let [session] = live.as_slice() else { panic!("{live:?}") };
    assert_eq!(session.session_id.as_deref(), Some("s-1"));
    assert_eq!(session.process_start.as_deref(), Some("20095994"));
    assert_eq!(sessions(folder.path(), &|_| true).unwrap().len(), 2);
}

#[test]
fn sessions_are_at_work_since_the_oldest_that_runs_began() {
    let later = GOOD.replace("1790000000000", "1790000060000");
    let folder = folder(&[("4242.json", &later), ("43.json", GOOD), ("44.json", "{")]);
    let since = |pids: &[i32]| active_since_ms(folder.path(), &|session| pids.contains(&session.pid));
    assert_eq!(since(&[]), None);
    assert_eq!(since(&[4242]), Some(1_790_000_060_000));
    assert_eq!(since(&[4242, 43]), Some(1_790_000_000_000));
    assert!(since(&[44]).is_some(), "the file's own time, where nothing is told");
}

#[test]
fn a_file_that_is_half_written_still_names_its_process() {
    let folder = folder(&[("4242.json", &GOOD[..20]), ("43.json", "")]);
    fs::create_dir(folder.path().join("sessions/44.json")).unwrap();
    let live = sessions(folder.path(), &|_| true).unwrap();
    assert_eq!(live.iter().map(|session| session.pid).collect::<Vec<_>>(), [43, 44, 4242]);
}

#[test]
fn where_no_session_was_ever_kept_none_runs_and_what_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(sessions(folder.path(), &|_| true), Ok(Vec::new()));
    fs::write(folder.path().join("sessions"), "").unwrap();
    assert!(matches!(sessions(folder.path(), &|_| true), Err(Unread::Unreadable(_))));
}

#[test]
fn the_number_of_a_process_that_ended_is_no_session_though_another_has_it_now() {
    let session = |pid: u32, start: Option<&str>| Session {
        pid: i32::try_from(pid).unwrap(),
        session_id: None,
        process_start: start.map(str::to_owned),
    };
    let own = std::process::id();
    assert!(runs(&session(own, None)));
    assert!(runs(&session(own, Some("Tue Nov 24 10:00:00 2026"))));
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    assert!(!runs(&session(child.id(), None)));
    assert!(!runs(&session(0, None)));
    if let Some(Start::At(start)) = start_of_process(i32::try_from(own).unwrap()) {
        assert!(runs(&session(own, Some(&start))));
        assert!(!runs(&session(own, Some("1"))));
    }
}

#[test]
fn the_start_of_a_process_is_found_whatever_its_program_is_called() {
    let stat = |name: &str, state: &str| {
        let fields: Vec<String> = (4..=30).map(|field| field.to_string()).collect();
        start_of_stat(&format!("42 ({name}) {state} {}", fields.join(" ")))
    };
    assert_eq!(stat("node", "S"), Some(Start::At("22".to_owned())));
    assert_eq!(stat("a) R (b 1 2 3", "R"), Some(Start::At("22".to_owned())));
    assert_eq!(stat("node", "Z"), Some(Start::Gone));
    assert_eq!(start_of_stat("no stat"), None);
}

#[test]
fn whatever_becomes_of_a_file_reading_it_ends() {
    let class = |path: &Path| {
        Input::open(path, LIMIT).and_then(|input| {
            let told = input.text()?;
            let _session = session(4_242, path);
            Ok(told)
        })
    };
    torment(GOOD, 2_000, &class);
}
