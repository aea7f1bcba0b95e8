//! `cco blocks --live`: the running block, looked at again and again until a key is pressed.
//!
//! Owns the terminal's mode while it runs and gives it back however it ends. Must not: work out a block.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;
use cco_engine::report::{BlockRow, Filter};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, kill_current_process_group};
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

/// The other screen, without a cursor, and lines that are too long are cut.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
/// Back to what was there.
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";
/// To the first line; each line is wiped as it is written, so that nothing flickers.
const HOME: &str = "\x1b[H";
const WIPE_LINE: &str = "\x1b[K";
const WIPE_REST: &str = "\x1b[J";
/// Ctrl-Z.
const SUSPEND: u8 = 0x1a;
const ESCAPE: u8 = 0x1b;
/// How often the size of the terminal is looked at: nothing tells of a change without a signal handler.
const GLANCE_AT_SIZE: Duration = Duration::from_millis(200);
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
    let screen = LiveScreen::enter()?;
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
        if screen.wait(rest)? == Woken::End {
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

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// The time is over.
    Rested,
    /// The terminal has another size, or was away: what it shows is to be drawn again.
    Redraw,
    /// Somebody pressed a key, or the terminal is gone.
    End,
}

/// The terminal while it is ours; dropped, it is as it was.
pub(super) struct LiveScreen {
    before: Termios,
    ours: Termios,
}

impl LiveScreen {
    pub(super) fn enter() -> Result<Self, CliError> {
        let before = termios::tcgetattr(io::stdin()).map_err(no_terminal)?;
        let mut ours = before.clone();
        // Keys come one by one and unseen; Ctrl-C and Ctrl-Z are keys too, so that the terminal is given back.
        ours.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        ours.special_codes[SpecialCodeIndex::VMIN] = 0;
        ours.special_codes[SpecialCodeIndex::VTIME] = 0;
        let screen = Self { before, ours };
        screen.take()?;
        Ok(screen)
    }

    fn take(&self) -> Result<(), CliError> {
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.ours).map_err(no_terminal)?;
        write(ENTER)
    }

    fn give_back(&self) {
        // Nobody is left to tell when the terminal is gone.
        let _ = write(LEAVE);
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }

    /// Shows the first lines of a page, as many as there is room for: a line too many would scroll the first away.
    pub(super) fn show(page: &str) -> Result<(), CliError> {
        let rows = crate::env::stdout_rows().unwrap_or(usize::MAX);
        let lines: Vec<String> = page.lines().take(rows).map(|line| format!("{line}{WIPE_LINE}")).collect();
        write(&format!("{HOME}{}{WIPE_REST}", lines.join("\r\n")))
    }

    /// Waits for a key, another size, or the end of the time. Ctrl-Z stops us as it stops others, until `fg`.
    pub(super) fn wait(&self, rest: Duration) -> Result<Woken, CliError> {
        let (begun, size) = (Instant::now(), terminal_size());
        loop {
            let left = rest.saturating_sub(begun.elapsed());
            match key_within(left.min(GLANCE_AT_SIZE))? {
                Some(SUSPEND) => {
                    self.give_back();
                    let stopped = kill_current_process_group(Signal::TSTP);
                    self.take()?;
                    stopped.map_err(no_terminal)?;
                    return Ok(Woken::Redraw);
                }
                Some(_) => return Ok(Woken::End),
                None if terminal_size() != size => return Ok(Woken::Redraw),
                None if begun.elapsed() >= rest => return Ok(Woken::Rested),
                None => {}
            }
        }
    }
}

impl Drop for LiveScreen {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn no_terminal(error: rustix::io::Errno) -> CliError {
    CliError::failed(format!("cannot use the terminal: {error}"))
}

fn terminal_size() -> (Option<usize>, Option<usize>) {
    (crate::env::stdout_columns(), crate::env::stdout_rows())
}

/// The key that was pressed; none: none was. A terminal that is gone is a key that nobody has.
fn key_within(rest: Duration) -> Result<Option<u8>, CliError> {
    let stdin = io::stdin();
    let mut wait = [PollFd::new(&stdin, PollFlags::IN)];
    let rest = Timespec {
        tv_sec: i64::try_from(rest.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(rest.subsec_nanos()),
    };
    match poll(&mut wait, Some(&rest)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => Ok(None),
        Ok(_) => {
            let mut keys = [0; 16];
            let got = rustix::io::read(&stdin, &mut keys).unwrap_or(0);
            // Any key but the noise of a terminal that was resized or clicked at.
            Ok((got == 0 || keys[0] != ESCAPE || got == 1).then_some(keys[0]))
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
