//! The looking. What is of a project is read and never run.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Configured, Program, StatusLineFacts};
use crate::child::{ends_within, is_program};
use crate::claude_settings::command::{Line, find};
use crate::claude_settings::document::Document;
use crate::claude_settings::file;
use crate::claude_settings::record::Records;
use crate::claude_settings::{settings_of, settings_of_project};
use crate::env::{Env, working_folder};
use crate::places;

/// Longer than this a status line is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// No line is longer, in bytes.
const MOST_OUTPUT: u64 = 64 << 10;
/// The bits of a mode that let others write.
const OTHERS_WRITE: u32 = 0o022;

/// Looks at the settings of these directories, and of the folder that this runs in.
pub(crate) fn look(directories: &[PathBuf], folder: Option<&Path>, env: &Env) -> StatusLineFacts {
    let records = folder.map(|folder| Records::new(folder, places::state(folder)));
    let configured = |directory: &PathBuf| configured(&settings_of(directory), records.as_ref(), env);
    let directories: Vec<Configured> = directories.iter().map(configured).collect();
    let settings = working_folder().map(|folder| settings_of_project(&folder));
    let projects = settings.into_iter().flatten().filter(|settings| {
        // In the home folder that is the config directory itself.
        !directories.iter().any(|known| known.settings.canonicalize().ok() == settings.canonicalize().ok())
    });
    let of_project = |settings: PathBuf| match line(&settings, None).ok()?.0 {
        Line::None => None,
        Line::Ours { command, .. } => Some((settings, format!("`{command}`"))),
        Line::Foreign(other) => Some((settings, other)),
    };
    StatusLineFacts { projects: projects.filter_map(of_project).collect(), directories }
}

fn configured(settings: &Path, records: Option<&Records>, env: &Env) -> Configured {
    let real = settings.canonicalize().unwrap_or_else(|_| settings.to_owned());
    let installed = records.and_then(|records| records.read(&real).ok()?).map(|record| record.command);
    let (line, is_off) = match line(settings, installed.as_deref()) {
        Ok((line, is_off)) => (Ok(line), is_off),
        Err(why) => (Err(why), false),
    };
    let program = match &line {
        Ok(Line::Ours { program, .. }) => program_of(program, env),
        _ => Program::None,
    };
    let file = match &program {
        Program::Runs(path) | Program::Fails(path, _) => Some(path.clone()),
        _ => None,
    };
    let ours = matches!(line, Ok(Line::Ours { .. })).then_some(real.clone());
    Configured {
        settings: settings.to_owned(),
        installed,
        line,
        program,
        is_off,
        open: ours.into_iter().chain(file).filter(|path| others_can_write(path)).collect(),
    }
}

/// The status line of a file, and whether all are switched off there.
fn line(settings: &Path, known: Option<&str>) -> Result<(Line, bool), String> {
    let file = match settings.symlink_metadata() {
        Ok(_) => file::read(settings).map_err(|error| error.message)?,
        Err(_) => return Ok((Line::None, false)),
    };
    let text = file.text.unwrap_or_default();
    let document = Document::read(&text).map_err(|unfit| unfit.words())?;
    Ok((Line::of(document.line(), known.as_slice()), document.value("disableAllHooks") == Some("true")))
}

fn program_of(program: &str, env: &Env) -> Program {
    let Some(path) = find(program, env.home.as_deref(), env.search_path.as_deref()) else {
        return Program::Unknown;
    };
    match () {
        () if !path.exists() => Program::Absent(path),
        () if !is_program(&path) => Program::NotExecutable(path),
        () => match try_out(&path) {
            Ok(()) => Program::Runs(path),
            Err(how) => Program::Fails(path, how),
        },
    }
}

/// Draws a line from nothing.
fn try_out(program: &Path) -> Result<(), String> {
    let mut command = Command::new(program);
    command.arg("statusline").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child =
        command.spawn().map_err(|error| format!("cannot be started: {}", crate::error::why(&error)))?;
    // One that prints more than a pipe holds does not end, and is no status line.
    let ended = ends_within(&mut child, PATIENCE);
    let status = ended.ok_or_else(|| format!("did not end in {} seconds", PATIENCE.as_secs()))?;
    if !status.success() {
        return Err(format!("ended with {status}"));
    }
    let mut said = Vec::new();
    if let Some(stdout) = child.stdout {
        // What cannot be read is nothing.
        _ = stdout.take(MOST_OUTPUT).read_to_end(&mut said);
    }
    if said.trim_ascii().is_empty() { Err("printed nothing".to_owned()) } else { Ok(()) }
}

fn others_can_write(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.mode() & OTHERS_WRITE != 0)
}
