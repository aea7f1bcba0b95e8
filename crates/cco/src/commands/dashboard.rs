//! `cco dashboard`: the daemon's page, in the user's browser, with a link that lets it in once.
//!
//! Must not: put the token into a link, an argument or a log.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cco_daemon::control::Client;
use serde_json::json;

use super::daemon;
use crate::app::App;
use crate::args::{CommonArgs, DashboardArgs, RunArgs};
use crate::child::is_program;
use crate::env::Env;
use crate::error::{CliError, Exit, why};
use crate::print::{Output, json};
use crate::{demo, places};

/// The page that leads on to the daemon's, in the state folder: a link in an argument could be read by others.
const LEADS_ON: &str = "dashboard.html";
/// How long it is watched whether the program that opens a page fails.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks.
const TURN: Duration = Duration::from_millis(10);

/// Runs the command.
pub(super) fn run(
    args: &DashboardArgs,
    common: &CommonArgs,
    env: &Env,
    out: &mut Output,
) -> Result<Exit, CliError> {
    show(args, common, &daemon::folder(env)?, env, out)
}

/// Shows the page with made-up data: from a daemon that lives here until it is told to end, and leaves nothing behind.
pub(super) fn demo(
    args: &DashboardArgs,
    common: &CommonArgs,
    env: &Env,
    out: &mut Output,
) -> Result<Exit, CliError> {
    let tree = demo::make_tree(env.now)?;
    // Nothing of the user's is found from here, nobody's desktop is told, and a daemon of his keeps its port.
    let sealed = Env {
        home: Some(tree.path().join("home")),
        cco_home: None,
        xdg_config_home: None,
        hot_swap_home: None,
        search_path: None,
        claude_config_dir: Some(tree.path().into()),
        ..env.clone()
    };
    let folder = daemon::folder(&sealed)?;
    write_config(&folder)
        .map_err(|error| CliError::failed(format!("cannot make the demo data: {}", why(&error))))?;
    let mut plain = common.clone();
    plain.demo = false;
    demo::log_in(&mut App::open(&plain, &sealed, out)?.engine, env.now)?;
    out.note("demo data, made up; Ctrl-C ends it");
    let shows = {
        let (args, common, env, folder) = (args.clone(), common.clone(), env.clone(), folder.clone());
        move || {
            let mut out = Output::wished(common.color(), &env);
            if daemon::wait(&folder).is_some()
                && let Err(error) = show(&args, &common, &folder, &env, &mut out)
            {
                out.error(&error);
            }
        }
    };
    std::thread::spawn(shows);
    daemon::run_here(&RunArgs { background: true, idle: false }, &folder, &sealed, out)
}

fn write_config(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("config.toml"), "[daemon]\nlisten = \"127.0.0.1:0\"\n")
}

fn show(
    args: &DashboardArgs,
    common: &CommonArgs,
    folder: &Path,
    env: &Env,
    out: &mut Output,
) -> Result<Exit, CliError> {
    let code = daemon::of_one_that_runs(folder, Client::code)?;
    let link = format!("{}/#code={}", code.address, code.code);
    if common.json {
        out.data(&json::render(&json!({ "link": link, "address": code.address }))?)?;
        return Ok(Exit::Done);
    }
    if args.print {
        out.data(&format!("{link}\n"))?;
        return Ok(Exit::Done);
    }
    let page = leads_on(&places::state(folder), &link)
        .map_err(|error| CliError::failed(format!("cannot write {LEADS_ON}: {}", why(&error))))?;
    match open(&page, env) {
        Ok(()) => out.note(&format!("opened in your browser: {}", code.address)),
        Err(reason) => {
            out.warning(&format!("no browser could be opened: {reason}"));
            out.hint("open this link within 30 seconds:");
            out.data(&format!("{link}\n"))?;
        }
    }
    Ok(Exit::Done)
}

/// A page that only its user can read, and that leads on at once.
fn leads_on(state: &Path, link: &str) -> std::io::Result<PathBuf> {
    let path = state.join(LEADS_ON);
    let _ = std::fs::remove_file(&path);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    // Both parts of the link are ours: an address of digits, and a code of hexadecimal digits.
    writeln!(
        file,
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <meta http-equiv=\"refresh\" content=\"0;url={link}\"><title>cco</title>\
         <p>The dashboard of cco opens. If it does not, follow <a href=\"{link}\">this link</a>.</p>"
    )?;
    Ok(path)
}

fn open(page: &Path, env: &Env) -> Result<(), String> {
    let name = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let found = std::env::split_paths(env.search_path.as_deref().unwrap_or_default())
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
        .ok_or_else(|| format!("there is no {name}"))?;
    let quiet = |command: &mut Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    };
    let mut child = quiet(Command::new(found).arg(page)).map_err(|error| why(&error))?;
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(_)) => return Err(format!("{name} failed")),
            Ok(None) => std::thread::sleep(TURN),
            Err(error) => return Err(why(&error)),
        }
    }
    // It is the browser itself by now, or waits for it.
    Ok(())
}
