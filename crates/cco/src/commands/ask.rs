//! Questions to whoever sits at the terminal.
//!
//! Must not: be reached where nobody can answer.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use crate::config::keys;
use crate::error::CliError;
use crate::print::Output;

/// Asks on stderr; none: neither a yes nor a no.
pub(super) fn yes_or_no(out: &mut Output, question: &str) -> Result<Option<bool>, CliError> {
    out.aside(&format!("{question} [y/N] "));
    debug_assert!(std::io::stdin().is_terminal(), "nobody else is asked");
    let mut answer = String::new();
    let length = std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| CliError::failed(format!("cannot read the answer: {error}")))?;
    out.aside(if length == 0 { "\n" } else { "" });
    Ok(match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    })
}

/// Asks whether the service may be asked for limits, and remembers a yes or a no; none: it is still open.
pub(super) fn consent(out: &mut Output, config: &Path) -> Result<Option<bool>, CliError> {
    let question = "May cco ask Anthropic for your limits? It uses the login that Claude Code keeps on this machine, \
                    for this one question, and nothing else is sent.";
    let Some(yes) = yes_or_no(out, question)? else {
        out.note("not now; you are asked again the next time");
        return Ok(None);
    };
    if let Err(error) = super::config::write(config, keys::limits::ENDPOINT, &[yes.to_string()]) {
        out.warning(&format!("your answer counts for this run only: {}", error.message));
        return Ok(Some(yes));
    }
    out.note(&format!("{} = {yes} in {}", keys::limits::ENDPOINT, config.display()));
    out.hint(&format!("`cco config set {} {}` changes it", keys::limits::ENDPOINT, !yes));
    Ok(Some(yes))
}
