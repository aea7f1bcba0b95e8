//! Paths that lead somewhere else, or would.

use std::fs::File;
use std::process::Command;
use std::time::Instant;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::served::{LONG, Served};

#[test]
fn no_path_leads_out_of_the_table() {
    let served = Served::new();
    for path in [
        "/../etc/passwd",
        "/assets/../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2fetc/passwd",
        "/assets/..%5c..%5cetc%5cpasswd",
        "/assets/..\\..\\etc\\passwd",
        "/assets/app.js%00.html",
        "/assets/app.js/",
        "/assets/app.js/..",
        "/assets//app.js",
        "//assets/app.js",
        "//evil.example/",
        "/assets/%c0%ae%c0%ae/etc/passwd",
        "/assets/%uff0e%uff0e/etc/passwd",
        "/assets/",
        "/assets",
        "/index.html",
        "/etc/passwd",
        "/C:/Windows/win.ini",
        "/assets/CON",
        "/assets/NUL.js",
        "/assets/app.js::$DATA",
        "/.git/config",
        "/api-token",
        "/state/api-token",
        "/api",
        "/api/",
        "/api/stats/",
        "/API/limits",
        "/api/limits/..",
        "/api/./limits",
        "/api%2flimits",
        "/%2e/api/limits",
        "/api/limits;x",
        "*",
    ] {
        let reply = served.get(path);
        assert!(matches!(reply.status, 400 | 404), "{path}: {} {}", reply.status, reply.text());
    }
}

#[test]
fn nothing_that_a_path_names_is_opened() {
    let served = Served::new();
    let pipe = served.folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let named = pipe.to_str().expect("text");
    let up = "/..".repeat(16);
    let (escaped, up_escaped) = (named.replace('/', "%2f"), "/%2e%2e".repeat(16));
    // Whoever opens a pipe to read waits until somebody writes, and whoever writes finds him.
    let is_read = || rustix::fs::open(&pipe, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()).map(drop);
    for target in [
        named.to_owned(),
        format!("{up}{named}"),
        format!("/assets{named}"),
        format!("/assets{up}{named}"),
        format!("/assets{up_escaped}{named}"),
        format!("/assets/{escaped}"),
        format!("/{escaped}"),
        format!("/{named}"),
        format!("{named}%00.js"),
        format!("/api/stats/sessions/{escaped}"),
        format!("/api/stats/sessions/..%2f..%2f..{escaped}"),
        format!("/api/stats?project={named}"),
        format!("/api/stats?timezone=..{up}{named}"),
        format!("/api/explain?what={named}"),
    ] {
        let reply = served.get(&target);
        assert_eq!(is_read(), Err(Errno::NXIO), "{target} has it opened");
        let is_found = target.contains("?project=");
        assert!(
            reply.status == if is_found { 200 } else { 404 } || reply.status == 400,
            "{target}: {}",
            reply.status
        );
    }
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || File::open(pipe).map(drop))
    };
    let until = Instant::now() + LONG;
    while is_read().is_err() {
        assert!(Instant::now() < until, "one who has it open is seen");
        std::thread::yield_now();
    }
    reader.join().expect("a thread").expect("a pipe");
}
