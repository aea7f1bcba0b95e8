//! The terminal: data goes to stdout, everything else to stderr, colour only where it is wanted.
//!
//! Owns both streams. Must not: know what a report means.

pub(crate) mod blocks;
pub(crate) mod csv;
pub(crate) mod explain;
pub(crate) mod fit;
pub(crate) mod glance;
pub(crate) mod json;
pub(crate) mod limits;
pub(crate) mod names;
pub(crate) mod progress;
pub(crate) mod reports;
pub(crate) mod reprice;
pub(crate) mod table;
pub(crate) mod text;
mod waiting;

use std::io::{self, ErrorKind, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::builder::Styles;

use crate::args::ColorWish;
use crate::env::Env;
use crate::error::CliError;

/// For headers and totals.
pub(crate) const STRONG: Style = Style::new().bold();
/// For what may be overlooked: rules, and what a key does. Never for a figure: on many light themes this is hard to read.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// For what is as it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// For what is worth knowing.
pub(crate) const MIDDLING: Style = AnsiColor::Cyan.on_default();
/// For what is wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// For what is near a limit. Not yellow, which nobody can read on white.
pub(crate) const NEAR: Style = AnsiColor::Magenta.on_default();

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Magenta.on_default().bold();
/// Not bold: terminals that brighten what is bold make this too light for white.
const HINT: Style = MIDDLING;

/// For help and for wrong arguments.
pub(crate) const HELP: Styles = Styles::styled().invalid(WARNING);

/// `text` in `style`; the stream drops the codes where colour is not wanted.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Columns of a compact table.
const COMPACT: usize = 80;

/// Where data is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// Its width; none: no limit.
    pub(crate) columns: Option<usize>,
    /// Somebody looks at it, not a program.
    pub(crate) is_terminal: bool,
}

impl Screen {
    /// The same, at most as wide as terminals used to be.
    pub(crate) fn compact(self) -> Self {
        Self { columns: Some(self.columns.map_or(COMPACT, |columns| columns.min(COMPACT))), ..self }
    }
}

/// The only way to stdout and stderr.
pub(crate) struct Output {
    data: AutoStream<io::Stdout>,
    notes: AutoStream<io::Stderr>,
    /// Columns for notes; none: no terminal, no limit.
    notes_width: Option<usize>,
}

impl Output {
    /// Streams without colour, for what happens before arguments are known.
    pub(crate) fn plain() -> Self {
        Self::new(ColorChoice::Never, ColorChoice::Never, None)
    }

    /// Streams with colour as wished: `auto` means on a terminal that the environment does not call plain.
    pub(crate) fn wished(wish: ColorWish, env: &Env) -> Self {
        let choose = |is_terminal: bool| match wish {
            ColorWish::Always => ColorChoice::Always,
            ColorWish::Auto if is_terminal && !env.plain => ColorChoice::Always,
            ColorWish::Auto | ColorWish::Never => ColorChoice::Never,
        };
        Self::new(choose(env.stdout_is_terminal), choose(env.stderr_is_terminal), env.notes_width)
    }

    fn new(data: ColorChoice, notes: ColorChoice, notes_width: Option<usize>) -> Self {
        let (data, notes) = (AutoStream::new(io::stdout(), data), AutoStream::new(io::stderr(), notes));
        Self { data, notes, notes_width }
    }

    /// Writes data. A reader that has gone away (`cco daily | head`) is no error and not worth a word.
    pub(crate) fn data(&mut self, text: &str) -> Result<(), CliError> {
        match self.data.write_all(text.as_bytes()).and_then(|()| self.data.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(CliError::failed(format!("cannot write to stdout: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Data is shown without colour.
    pub(crate) fn is_plain(&self) -> bool {
        self.data.current_choice() == ColorChoice::Never
    }

    /// Says that something is worth knowing.
    pub(crate) fn note(&mut self, message: &str) {
        self.say(STRONG, "note", message);
    }

    /// Says that something is not as it should be, though the work goes on.
    pub(crate) fn warning(&mut self, message: &str) {
        self.say(WARNING, "warning", message);
    }

    /// Says what to do next.
    pub(crate) fn hint(&mut self, message: &str) {
        self.say(HINT, "hint", message);
    }

    /// Says why the run ends here.
    pub(crate) fn error(&mut self, error: &CliError) {
        self.say(ERROR, "error", &error.message);
        for hint in &error.hints {
            self.hint(hint);
        }
    }

    /// Writes text that has its lines already to stderr; only what is wider than the terminal is broken further.
    pub(crate) fn aside(&mut self, text: &str) {
        // Nobody is left to tell when stderr is gone.
        let _ = self.notes.write_all(fit::wrap(text, self.notes_width).as_bytes());
    }

    fn say(&mut self, style: Style, word: &str, message: &str) {
        let message = text::clean_lines(message);
        self.aside(&format!("{}: {message}\n", styled(style, word)));
    }
}
