//! Where transcripts are looked for: the config roots of Claude Code.
//!
//! Owns the defaults and what replaces or adds to them. Must not: read a transcript.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::config::{Config, Sourced, keys};
use crate::env::{CLAUDE_CONFIG_DIR, Env};
use crate::error::why;
use crate::home::expand;

/// The folder of transcripts in a root.
const PROJECTS: &str = "projects";

/// The roots of this run.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    /// Roots whose `projects` can be read, each once.
    pub(crate) usable: Vec<PathBuf>,
    /// Roots that have none, with why and with who named them.
    pub(crate) missing: Vec<Missing>,
}

/// A root without readable transcripts.
#[derive(Debug)]
pub(crate) struct Missing {
    /// Its `projects` folder.
    pub(crate) projects: PathBuf,
    /// Why it cannot be read.
    pub(crate) reason: String,
    /// There is nothing of that name.
    pub(crate) absent: bool,
    /// Who named it; none: it is a default, which nobody misses when it is absent.
    pub(crate) named_by: Option<String>,
}

impl Roots {
    /// One root, whatever the settings say.
    pub(crate) fn only(root: PathBuf) -> Self {
        Self { usable: vec![root], missing: Vec::new() }
    }

    /// The roots that environment and configuration name.
    pub(crate) fn find(env: &Env, config: &Config, folder: Option<&Path>) -> Self {
        let mut roots = Self::default();
        let mut seen = Vec::new();
        for (root, named_by) in named_roots(env).into_iter().chain(watched_roots(env, config, folder)) {
            let projects = root.join(PROJECTS);
            match std::fs::read_dir(&projects) {
                Ok(_) => {
                    let real = projects.canonicalize().unwrap_or_else(|_| projects.clone());
                    if !seen.contains(&real) {
                        seen.push(real);
                        roots.usable.push(root);
                    }
                }
                Err(error) => {
                    let (reason, absent) = (why(&error), error.kind() == ErrorKind::NotFound);
                    roots.missing.push(Missing { projects, reason, absent, named_by });
                }
            }
        }
        roots
    }

    /// All that may hold a login: somebody can be logged in before there is a transcript.
    pub(crate) fn config_dirs(&self) -> Vec<PathBuf> {
        let without = self.missing.iter().filter_map(|root| root.projects.parent());
        self.usable
            .iter()
            .map(PathBuf::as_path)
            .chain(without.filter(|root| root.is_dir()))
            .map(Path::to_owned)
            .collect()
    }

    /// Folders of transcripts that should be there, each with why it cannot be read. A default is missed where no other
    /// place has any.
    pub(crate) fn missed(&self) -> Vec<String> {
        let is_missed = |root: &&Missing| root.named_by.is_some() || !root.absent || self.usable.is_empty();
        let words = |root: &Missing| format!("{} ({})", root.projects.display(), root.reason);
        self.missing.iter().filter(is_missed).map(words).collect()
    }

    /// Where it was looked in vain, one line each.
    pub(crate) fn looked_in(&self) -> Vec<String> {
        if self.missing.is_empty() {
            return vec![format!("set {CLAUDE_CONFIG_DIR} to the folder that holds {PROJECTS}/")];
        }
        self.missing
            .iter()
            .map(|root| format!("looked in {} ({})", root.projects.display(), root.reason))
            .collect()
    }
}

/// The one config directory that Claude Code has in this environment; none where there is no home.
pub(crate) fn config_dir(env: &Env) -> Option<PathBuf> {
    let mut named = named_roots(env).into_iter().map(|(root, _)| root);
    // Of the defaults the last is today's; the other one is of old versions.
    if env.claude_config_dir.is_some() { named.next() } else { env.home.as_ref().and(named.next_back()) }
}

/// `CLAUDE_CONFIG_DIR` where it is set, else the defaults.
fn named_roots(env: &Env) -> Vec<(PathBuf, Option<String>)> {
    let Some(list) = &env.claude_config_dir else {
        let home = env.home.as_ref();
        let config = env.xdg_config_home.clone().or_else(|| Some(home?.join(".config")));
        let defaults = [config.map(|config| config.join("claude")), home.map(|home| home.join(".claude"))];
        return defaults.into_iter().flatten().map(|root| (root, None)).collect();
    };
    let here = std::path::absolute(".").ok();
    split(list)
        .into_iter()
        .map(|path| (root_of(&expand(&path, here.as_deref(), env)), Some(CLAUDE_CONFIG_DIR.to_owned())))
        .collect()
}

/// What `[stats.watch] paths` adds.
fn watched_roots(env: &Env, config: &Config, folder: Option<&Path>) -> Vec<(PathBuf, Option<String>)> {
    let Sourced { value, source } = config.texts(keys::stats::WATCH_PATHS);
    let named_by = format!("`{}` ({source})", keys::stats::WATCH_PATHS);
    let root = |path: &String| (root_of(&expand(Path::new(path), folder, env)), Some(named_by.clone()));
    value.iter().map(root).collect()
}

/// The root that is meant by a root or by its `projects` folder.
fn root_of(path: &Path) -> PathBuf {
    let is_projects = path.file_name().is_some_and(|name| name == PROJECTS) && !path.join(PROJECTS).is_dir();
    match path.parent() {
        Some(parent) if is_projects => parent.to_owned(),
        _ => path.to_owned(),
    }
}

/// The paths between commas, blanks around them aside.
fn split(list: &std::ffi::OsStr) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let parts = list.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    parts
        .filter(|part| !part.is_empty())
        .map(|part| PathBuf::from(std::ffi::OsStr::from_bytes(part)))
        .collect()
}
