//! `cco man`: the manual page of the program, or with `--out` a page for it and for each command.
//!
//! Must not: say anything that `--help` does not.

use std::path::Path;

use clap::CommandFactory;
use clap_mangen::{Man, generate_to};

use crate::args::{Args, ManArgs};
use crate::error::{CliError, Exit, why};
use crate::print::Output;

/// Runs the command.
pub(super) fn run(args: &ManArgs, out: &mut Output) -> Result<Exit, CliError> {
    match (&args.docs, &args.out) {
        (Some(folder), _) => super::docs::write(folder, out)?,
        (None, Some(folder)) => write_pages(folder)?,
        (None, None) => {
            let mut page = Vec::new();
            let rendered = Man::new(Args::command()).render(&mut page);
            rendered.map_err(|error| CliError::failed(format!("cannot make the page: {error}")))?;
            out.data(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(Exit::Done)
}

fn write_pages(folder: &Path) -> Result<(), CliError> {
    let failed = |error: std::io::Error| {
        CliError::failed(format!("cannot write to {}: {}", folder.display(), why(&error)))
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    generate_to(Args::command(), folder).map_err(failed)
}
