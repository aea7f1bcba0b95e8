//! The link that lets a page in: who could learn of it, and for how long it is good.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use crate::beyond::{answered, status};
use crate::running::{Daemon, address, machine, token, until};

#[test]
fn the_link_that_lets_a_page_in_is_no_argument_stands_in_no_log_and_works_once() {
    let env = machine();
    let notes = ["argv", "parent", "environment"].map(|name| env.home().join(name));
    let [argv, parent, environment] = notes.each_ref().map(|path| path.display());
    // What others see of a program that opens a page.
    let opens = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > {argv}\ntr '\\0' '\\n' < /proc/$PPID/cmdline > {parent}\nenv > {environment}\n"
    );
    let opens = env.write("bin/xdg-open", &opens);
    fs::set_permissions(&opens, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", opens.parent().unwrap().display());
    let env = env.with("PATH", &path);
    let _daemon = Daemon::run(&env);
    let (address, token) = (address(&env), token(&env));
    let run = env.run("dashboard");
    assert_eq!(run.story(), format!("exit 0\n-- stderr\nnote: opened in your browser: {address}\n"));

    // It is not waited for until it ends.
    until(|| fs::read_to_string(&notes[2]).is_ok_and(|environment| environment.contains("PATH=")));

    let page = env.home().join(".cco/state/dashboard.html");
    assert_eq!(page.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&page).unwrap();
    let code = text.split_once("/#code=").unwrap().1.split('"').next().unwrap().to_owned();
    assert_eq!(code.len(), 32, "{text}");
    assert!(!text.contains(&token[..6]));
    assert_eq!(fs::read_to_string(&notes[0]).unwrap(), format!("{}\n", page.display()));

    let at: SocketAddr = address.strip_prefix("http://").unwrap().parse().unwrap();
    let exchange = || {
        let host = format!("Host: {at}\r\n");
        answered(at, "POST", "/api/session", &host, &format!("{{\"code\":\"{code}\"}}"))
    };
    let (first, second) = (exchange(), exchange());
    assert!(status(&first) == 200 && first.contains(&token), "{first}");
    assert!(!first.to_lowercase().contains("set-cookie"), "{first}");
    assert!(status(&second) == 401 && !second.contains(&token[..6]), "{second}");
    let log = env.home().join(".cco/logs/daemon.log");
    for told in notes.iter().chain([&log]) {
        let text = fs::read_to_string(told).unwrap();
        assert!(!text.is_empty() && !text.contains(&code[..6]) && !text.contains(&token[..6]), "{text}");
    }
}
