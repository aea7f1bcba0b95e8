//! `cco`: what Claude Code uses and what it costs.
//!
//! The way of a run: environment → arguments → settings → engine → command → exit code.
//! Must not: hold logic that a library crate could hold.

mod app;
mod args;
mod child;
mod choose;
mod claude_settings;
mod commands;
mod config;
mod demo;
mod doctor;
mod env;
mod error;
mod home;
mod notify;
mod places;
mod print;
mod roots;
mod statusline;
mod zone;

use std::process::ExitCode;

use cco_statusline::settings::Wish;
use clap::Parser;

use crate::app::App;
use crate::args::{Args, Command};
use crate::env::Env;
use crate::error::{CliError, Exit};
use crate::print::Output;

fn main() -> ExitCode {
    if statusline::is_wanted(std::env::args_os().skip(1)) {
        return statusline::draw(Wish::Auto);
    }
    let mut out = Output::plain();
    match run(&mut out) {
        Ok(exit) => exit,
        Err(error) => {
            out.error(&error);
            error.exit
        }
    }
    .into()
}

fn run(out: &mut Output) -> Result<Exit, CliError> {
    let env = Env::gather()?;
    *out = Output::wished(args::ColorWish::Auto, &env);
    #[cfg(feature = "planted-bugs")]
    plant(&env)?;
    let args = match Args::try_parse_from(args::astray::words(std::env::args_os())) {
        Ok(args) => args,
        Err(outcome) => {
            let typed = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
            *out = Output::wished(args::ColorWish::typed(typed), &env);
            return tell(outcome, out);
        }
    };
    *out = Output::wished(args.common.color(), &env);
    args.check()?;
    if let Some(Command::Alone(command)) = &args.command {
        return commands::alone::run(command, &args.common, &env, out);
    }
    let mut app = App::open(&args.common, &env, out)?;
    let done = match commands::run(&mut app, args.command.clone()) {
        // Damage may lie where only the report looks. Nothing was printed yet: data comes at the end.
        Err(error) if error.ledger_is_suspect => {
            app.mend()?;
            commands::run(&mut app, args.command)
        }
        done => done,
    };
    app.leave_snapshot();
    done
}

/// Help and version are data; anything else about arguments is wrong usage.
fn tell(mut outcome: clap::Error, out: &mut Output) -> Result<Exit, CliError> {
    let hint = args::astray::hint(&mut outcome);
    // Where a tip is taken out, its blank line stays.
    let text = outcome.render().ansi().to_string().replace("\n\n\n", "\n\n");
    if outcome.use_stderr() {
        out.aside(&text);
        hint.iter().for_each(|hint| out.hint(hint));
        return Ok(Exit::Usage);
    }
    out.data(&text)?;
    Ok(Exit::Done)
}

/// Plants the bug that the environment names; only builds for tests of tests can.
#[cfg(feature = "planted-bugs")]
fn plant(env: &Env) -> Result<(), CliError> {
    use cco_model::plant::{Bug, plant};

    let Some(name) = &env.planted_bug else { return Ok(()) };
    let bug = Bug::from_name(name).ok_or_else(|| CliError::usage(format!("no bug is called {name:?}")))?;
    plant(Some(bug));
    Ok(())
}
