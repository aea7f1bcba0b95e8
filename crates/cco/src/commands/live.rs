//! `cco blocks --live`: the running block, looked at again and again until a key is pressed.
//!
//! Owns the terminal's mode while it runs and gives it back however it ends. Must not: work out a block.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;
use cco_engine::report::{BlockRow, Filter};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};

use super::blocks::{limit, none_running};
use crate::app::App;
use crate::args::BlocksArgs;
use crate::error::CliError;
use crate::print::blocks::percent;
use crate::print::fit::{Squeeze, wrap};
use crate::print::glance::block_speed;
use crate::print::table::{align, dearest_first, number, word};
use crate::print::{FAINT, STRONG, styled, text};

/// The other screen, without a cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// Back to what was there.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
/// To the first line; each line is wiped as it is written, so that nothing flickers.
const HOME: &str = "\x1b[H";
const WIPE_LINE: &str = "\x1b[K";
const WIPE_REST: &str = "\x1b[J";
/// Columns of the bar.
const BAR: usize = 40;

/// Runs until a key is pressed.
pub(super) fn run(app: &mut App<'_>, args: &BlocksArgs) -> Result<(), CliError> {
    if app.json || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(CliError::usage("--live needs a terminal")
            .hint("`cco blocks --active --json` gives the running block to scripts"));
    }
    app.take_in()?;
    let only = app.filter(&args.report)?.only;
    let _screen = LiveScreen::enter()?;
    loop {
        let begun = Instant::now();
        app.refresh_now()?;
        app.scan_quietly()?;
        let recent = Filter { only: only.clone(), ..app.span(&App::recent_days()) };
        let rows = app.engine.blocks(&recent, app.instant())?;
        let most = limit(app, args.token_limit, &only, &rows)?;
        let page = match rows.iter().find(|row| row.active) {
            Some(running) => page(app, running, most),
            None => format!("{}\n\n{}\n", styled(STRONG, none_running(&only)), foot(app)),
        };
        let columns = crate::env::stdout_columns();
        let page = if app.out.is_plain() { strip_str(&page).to_string() } else { page };
        LiveScreen::show(&wrap(&page, columns))?;
        app.leave_snapshot();
        let rest = Duration::from_secs(args.refresh_interval).saturating_sub(begun.elapsed());
        if key_within(rest)? {
            return Ok(());
        }
    }
}

fn foot(app: &App<'_>) -> String {
    styled(FAINT, &format!("{}   q ends", app.now.strftime("%H:%M:%S")))
}

fn page(app: &App<'_>, block: &BlockRow, most: Option<u64>) -> String {
    let now = &app.now;
    let clock = |time| text::clock(time, now);
    let until = block.end.map_or_else(|| "?".to_owned(), clock);
    let mut page =
        format!("{}\n\n", styled(STRONG, &format!("Block from {} to ~{until}", clock(block.start))));
    let bar = crate::env::stdout_columns().map_or(BAR, |columns| BAR.min(columns.saturating_sub(4)));
    let gone = now.timestamp().as_second() - block.start.as_second();
    let filled = usize::try_from(gone.clamp(0, 18_000)).unwrap_or(0) * bar / 18_000;
    page += &format!("  {}{}\n\n", "█".repeat(filled), "░".repeat(bar - filled));
    let tokens = block.sums.tokens.total();
    let share = most
        .map_or_else(String::new, |most| format!(", {} % of {}", percent(tokens, most), text::count(most)));
    page += &format!("  {}   {} tokens{share}\n", text::cost(&block.sums), text::count(tokens));
    page += &block_speed(block, now);
    page + &format!("\n{}\n{}\n", models(block), foot(app))
}

/// What each model of the block cost, the dearest first.
fn models(block: &BlockRow) -> String {
    let rows = dearest_first(&block.models)
        .into_iter()
        .map(|model| vec![text::short_model(&model.model), text::cost(&model.sums)]);
    let lines = align(rows.collect(), &[word(0, Squeeze::Never), number(0)], None);
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

/// The terminal while it is ours; dropped, it is as it was.
pub(super) struct LiveScreen {
    before: Termios,
}

impl LiveScreen {
    pub(super) fn enter() -> Result<Self, CliError> {
        let failed = |error: rustix::io::Errno| CliError::failed(format!("cannot use the terminal: {error}"));
        let before = termios::tcgetattr(io::stdin()).map_err(failed)?;
        let mut ours = before.clone();
        // Keys come one by one and unseen; Ctrl-C is a key too, so that the terminal is given back.
        ours.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        ours.special_codes[SpecialCodeIndex::VMIN] = 0;
        ours.special_codes[SpecialCodeIndex::VTIME] = 0;
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &ours).map_err(failed)?;
        let screen = Self { before };
        write(ENTER)?;
        Ok(screen)
    }

    pub(super) fn show(page: &str) -> Result<(), CliError> {
        let lines: String = page.lines().map(|line| format!("{line}{WIPE_LINE}\r\n")).collect();
        write(&format!("{HOME}{lines}{WIPE_REST}"))
    }
}

impl Drop for LiveScreen {
    fn drop(&mut self) {
        // Nobody is left to tell when the terminal is gone.
        let _ = write(LEAVE);
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Waits for a key, or for the terminal to go away.
pub(super) fn key_within(rest: Duration) -> Result<bool, CliError> {
    let stdin = io::stdin();
    let mut wait = [PollFd::new(&stdin, PollFlags::IN)];
    let rest = Timespec {
        tv_sec: i64::try_from(rest.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(rest.subsec_nanos()),
    };
    match poll(&mut wait, Some(&rest)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => Ok(false),
        Ok(_) => {
            let mut keys = [0; 16];
            let got = rustix::io::read(&stdin, &mut keys).unwrap_or(0);
            // Any key but the noise of a terminal that was resized or clicked at.
            Ok(got == 0 || keys[0] != 0x1b || got == 1)
        }
        Err(error) => Err(CliError::failed(format!("cannot wait for a key: {error}"))),
    }
}

fn write(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| CliError::failed(format!("cannot write to the terminal: {error}")))
}
