//! `cco statusline` as Claude Code runs it: on every message, with a person waiting.
//!
//! Owns the few files that are read before the text is out, and the one that is written after it. Always prints
//! something, always ends well. Must not: open a database or a socket, start a process, or know what a segment says.

mod autostart;
mod files;
mod head;
mod how;

use std::io::Write;
use std::process::ExitCode;

use cco_statusline::colour::Depth;
use cco_statusline::payload::Payload;
use cco_statusline::settings::Wish;
use cco_statusline::snapshot::Alert;
use cco_statusline::spool::Observation;
use cco_statusline::{COLUMNS, Nearby, Scene, Screen, render};

use crate::env::{Env, Patience};
use crate::{home, places};

pub(crate) use files::{SNAPSHOT, SPOOL};
pub(crate) use how::{clock, settings, stamp_of};

use how::How;

/// How long Claude Code may take to hand over what it knows, in milliseconds: it does at once, but a machine may be so
/// busy that this takes a while, and a line without it would be wrong.
const PATIENCE_MS: u64 = 1_000;
/// What is printed when even drawing fails.
const LAST_RESORT: &str = "Claude\n";

/// The arguments are those of Claude Code: nothing but the command's name.
pub(crate) fn is_wanted(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> bool {
    arguments.next().is_some_and(|word| word == "statusline") && arguments.next().is_none()
}

/// Reads what Claude Code hands over, prints the line, and leaves behind what was learned.
/// `asked`: whether it has colours, in place of what settings and the environment say; [`Wish::Auto`]: as they say.
pub(crate) fn draw(asked: Wish) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    if std::panic::catch_unwind(|| run(asked)).is_err() {
        print(LAST_RESORT);
    }
    ExitCode::SUCCESS
}

fn run(asked: Wish) {
    let Ok(env) = Env::gather() else { return print(LAST_RESORT) };
    let payload = if env.stdin_is_terminal {
        tell_where_this_belongs();
        Payload::default()
    } else {
        Payload::read(&files::handed_over(&Patience::of_ms(PATIENCE_MS)))
    };
    let folder = home::folder(&env).unwrap_or_default();
    let state = folder.as_deref().map(places::state);
    let snapshot = state.as_deref().and_then(files::snapshot);
    let how = How::find(&env, folder.as_deref(), snapshot.as_ref());
    let mut snapshot = snapshot.unwrap_or_default();
    snapshot.alerts.extend(how.is_config_wrong.then_some(Alert::Config));
    let spool = state.as_deref().zip(payload.session.as_deref()).and_then(files::Spool::of);
    let nearby = nearby(&env, &payload, spool.as_ref());
    let scene = Scene {
        payload: &payload,
        snapshot: &snapshot,
        nearby: &nearby,
        settings: &how.settings,
        now_ms: env.now.as_millisecond(),
        zone: how.zone.as_ref(),
    };
    let wish = if asked == Wish::Auto { how.settings.color } else { asked };
    print(&text(&scene, screen(&env, wish)));
    if let (Some(spool), Some(line)) = (spool, Observation::of(&scene).as_ref().and_then(Observation::line)) {
        spool.append(&line);
    }
    if let Some(folder) = folder.filter(|_| how.autostart) {
        autostart::begin(&folder, env.now.as_millisecond());
    }
}

fn nearby(env: &Env, payload: &Payload, spool: Option<&files::Spool>) -> Nearby {
    let text = |path: &std::path::Path| path.to_str().map(str::to_owned);
    // A list of folders tells nothing of one session. A link is followed: accounts are known by the folder's own name.
    let config_dir =
        env.claude_config_dir.as_ref().and_then(|dir| dir.to_str()).filter(|dir| !dir.contains(','));
    let config_dir = config_dir.map(|dir| dir_without_links(dir).unwrap_or_else(|| dir.to_owned()));
    Nearby {
        home: env.home.as_deref().and_then(text),
        config_dir,
        head: payload.dir.as_deref().and_then(head::of),
        transcript_changed_ms: payload.transcript.as_deref().and_then(files::changed_ms),
        last: spool.and_then(files::Spool::last),
    }
}

fn dir_without_links(dir: &str) -> Option<String> {
    std::fs::canonicalize(dir).ok()?.into_os_string().into_string().ok()
}

fn screen(env: &Env, wish: Wish) -> Screen {
    let terminal = Depth::of_terminal(env.colorterm.as_deref(), env.term.as_deref());
    Screen { columns: env.width.unwrap_or(COLUMNS), depth: wish.depth(terminal, env.plain) }
}

/// All lines with their ends.
fn text(scene: &Scene<'_>, screen: Screen) -> String {
    render(scene, screen).into_iter().map(|line| line + "\n").collect()
}

/// Writes in one piece and closes stdout, so that nobody waits for what comes after. Nobody reading is no error.
fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    // Another open end in its place closes it; what stdin reads nobody writes to.
    let _ = rustix::stdio::dup2_stdout(std::io::stdin());
}

fn tell_where_this_belongs() {
    let words = "cco statusline is run by Claude Code, which hands over a session on stdin; this is a line without one.\n\
                 `cco statusline install` puts it there, `cco statusline preview` shows what it can look like.\n";
    let _ = std::io::stderr().write_all(words.as_bytes());
}
