//! `cco daemon token`: what requests need.

use std::path::Path;

use cco_daemon::api_token;
use cco_daemon::control::Client;
use serde_json::json;

use super::ask;
use crate::args::TokenArgs;
use crate::error::{CliError, Exit, why};
use crate::places;
use crate::print::{Output, json};

/// Runs the command.
pub(super) fn run(
    args: &TokenArgs,
    folder: &Path,
    as_json: bool,
    out: &mut Output,
) -> Result<Exit, CliError> {
    let state = places::state(folder);
    let failed = |error: std::io::Error| {
        CliError::failed(format!("{}: {}", state.join(api_token::FILE).display(), why(&error)))
            .hint("`cco daemon start` makes it where it is missing")
    };
    if args.rotate {
        // A daemon does it itself, so that the old one is refused from this moment on.
        let done = ask(folder, Client::rotate).map_err(|deaf| {
            let mut error = CliError::from(deaf);
            error.message += "; the token stays as it is";
            error
        })?;
        match done {
            Some(true) => {}
            Some(false) => {
                return Err(CliError::failed("the daemon could not make another token")
                    .hint("is the disk full, or the folder read-only?"));
            }
            None => api_token::rotate(&state).map_err(failed)?,
        }
        out.note("there is another token; whoever had the old one is logged out");
    }
    // Written out on purpose: this is what the command is for.
    let token = api_token::read(&state).map_err(failed)?;
    let line = if as_json { json::render(&json!({ "token": token }))? } else { format!("{token}\n") };
    out.data(&line)?;
    Ok(Exit::Done)
}
