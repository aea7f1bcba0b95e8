//! `cco completions SHELL`: what a shell needs to complete `cco`, from the table of arguments.
//!
//! Must not: write anywhere but to stdout.

use clap::CommandFactory;
use clap_complete::{Shell as Generator, generate};

use crate::args::{Args, CompletionArgs, Shell};
use crate::error::{CliError, Exit};
use crate::print::Output;

/// Runs the command.
pub(super) fn run(args: &CompletionArgs, out: &mut Output) -> Result<Exit, CliError> {
    let generator = match args.shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
        Shell::Elvish => Generator::Elvish,
    };
    let mut script = Vec::new();
    generate(generator, &mut Args::command(), "cco", &mut script);
    out.data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
