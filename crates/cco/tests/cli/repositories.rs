//! Repositories that sessions lie in, made by whoever made them: none of their settings has anything run, and none of
//! them keeps the daemon waiting.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::running::{Daemon, PATIENCE, append, calls, draw, machine, machine_with, until};
use crate::sealed::TestEnv;

/// So long a look at repositories is waited for.
const AGAIN: Duration = Duration::from_secs(2);
/// Repositories in which `git` hangs.
const HANGING: [&str; 4] = ["app", "bpp", "cpp", "dpp"];
/// Settings that name a program, and the trap that each of them names.
const SETTINGS: [(&str, &str); 15] = [
    ("core.fsmonitor", "monitor"),
    ("core.sshCommand", "ssh"),
    ("core.gitProxy", "proxy"),
    ("core.pager", "pager"),
    ("pager.status", "pager-of-status"),
    ("core.editor", "editor"),
    ("core.alternateRefsCommand", "alternates"),
    ("diff.external", "diff"),
    ("credential.helper", "credentials"),
    ("gpg.program", "signatures"),
    ("alias.status", "alias"),
    ("alias.config", "alias"),
    ("filter.evil.clean", "filter"),
    ("filter.evil.smudge", "filter-out"),
    ("filter.a=b.clean", "filter-with-a-sign"),
];
/// The traps that `git status` runs, where nothing is turned off.
const SPRUNG: [&str; 6] =
    ["monitor", "hook", "filter", "filter-with-a-sign", "filter-of-a-worktree", "filter-of-another-file"];

/// A repository full of traps.
struct Hostile<'e> {
    env: &'e TestEnv,
    root: PathBuf,
}

impl<'e> Hostile<'e> {
    fn new(env: &'e TestEnv) -> Self {
        let hostile = Self { env, root: env.home().join("app") };
        fs::create_dir_all(&hostile.root).unwrap();
        hostile.git(&["init", "-q", "-b", "x`touch${IFS}ran`$(touch${IFS}ran)"]);
        // Filters are run for tracked files that look changed.
        hostile.write_all("x\n");
        hostile.git(&["add", "."]);
        hostile.git(&["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"]);
        for (key, name) in SETTINGS {
            hostile.git(&["config", key, &hostile.trap(name)]);
        }
        hostile.git(&["config", "extensions.worktreeConfig", "true"]);
        hostile.git(&["config", "--worktree", "filter.hidden.clean", &hostile.trap("filter-of-a-worktree")]);
        let more = env.write("more.inc", "");
        let (more, of_another) = (more.to_str().unwrap(), hostile.trap("filter-of-another-file"));
        hostile.git(&["config", "-f", more, "filter.included.clean", &of_another]);
        hostile.git(&["config", "includeIf.onbranch:**.path", more]);
        let hooks = hostile.trap("hook");
        fs::create_dir_all(hostile.root.join("hooks")).unwrap();
        fs::copy(hooks, hostile.root.join("hooks/post-index-change")).unwrap();
        hostile.git(&["config", "core.hooksPath", "hooks"]);
        env.write(
            "app/.gitattributes",
            "* filter=evil\nsign filter=a=b\nworktree filter=hidden\ninclude filter=included\n",
        );
        hostile.write_all("y\n");
        hostile
    }

    fn write_all(&self, text: &str) {
        for name in ["file", "sign", "worktree", "include"] {
            self.env.write(&format!("app/{name}"), text);
        }
    }

    fn git(&self, words: &[&str]) {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.root).args(words);
        assert!(self.env.seal(git).output().unwrap().status.success(), "{words:?}");
    }

    /// A program that leaves a mark in the home folder when it is run.
    fn trap(&self, name: &str) -> String {
        let mark = self.env.home().join(format!("ran-{name}"));
        let path =
            self.env.write(&format!("traps/{name}"), &format!("#!/bin/sh\ntouch {}\ncat\n", mark.display()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// What has been run.
    fn ran(&self) -> BTreeSet<String> {
        let names = [self.env.home(), &self.root].map(|folder| fs::read_dir(folder).unwrap());
        let names =
            names.into_iter().flatten().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter_map(|name| Some(name.strip_prefix("ran")?.trim_start_matches('-').to_owned())).collect()
    }
}

/// A session at work in a folder.
fn draw_in(env: &TestEnv, folder: &Path) {
    draw_in_session(env, folder, "s");
}

fn draw_in_session(env: &TestEnv, folder: &Path, session: &str) {
    let folder = folder.display();
    draw(
        env,
        &format!(
            r#"{{"session_id":"{session}","cwd":"{folder}","workspace":{{"current_dir":"{folder}"}},"cost":{{"total_cost_usd":1}}}}"#
        ),
    );
}

fn snapshot_has(env: &TestEnv, words: &str) -> bool {
    fs::read_to_string(env.home().join(".cco/state/snapshot")).is_ok_and(|text| text.contains(words))
}

/// Works in a folder until a look at its repository did this. One that took too long even for a look with patience, as
/// under strace it may, is looked at anew under other settings.
fn until_looked_at(env: &TestEnv, folder: &Path, is_so: impl Fn() -> bool) {
    draw_in(env, folder);
    let mut next = Instant::now() + AGAIN;
    until(|| {
        if Instant::now() > next {
            let path = env.home().join(".cco/config.toml");
            let mut settings = fs::File::options().append(true).open(path).unwrap();
            settings.write_all(b"# others\n").unwrap();
            draw_in(env, folder);
            next = Instant::now() + AGAIN;
        }
        is_so()
    });
}

/// The daemon, and whoever it begins, as strace sees them. None, with a word on it: there is no strace, or no right to
/// see what a program does that keeps its memory to itself.
#[expect(clippy::print_stderr, reason = "whoever reads the log should know what was not tested")]
fn watched(env: &TestEnv, traces: &Path) -> Option<Daemon> {
    if !rustix::process::geteuid().is_root() || Command::new("strace").arg("-V").output().is_err() {
        eprintln!("SKIPPED: only root can see what a daemon runs, and only with strace");
        return None;
    }
    if !fs::read_to_string("/proc/self/status").unwrap().contains("TracerPid:\t0\n") {
        eprintln!("SKIPPED: what is traced already, as by scripts/shaken, can be traced by nobody else");
        return None;
    }
    let mut strace = Command::new("strace");
    fs::create_dir(traces).unwrap();
    // Without a stop at every other call, which `git` has no time for, and with a file for each thread: where all write
    // one, a call that another comes between is two lines.
    strace.args(["-ff", "-qq", "--seccomp-bpf", "-s", "4096", "-o", traces.join("of").to_str().unwrap()]);
    strace.args(["-e", "trace=execve,open,openat,link,rename,unlink"]);
    strace.args([env!("CARGO_BIN_EXE_cco"), "daemon", "run"]);
    Some(Daemon::of(env.seal(strace)))
}

#[test]
fn a_repository_can_have_nothing_run() {
    let env = machine();
    let hostile = Hostile::new(&env);
    // Whoever asks without care springs them; else they would prove nothing.
    hostile.git(&["status"]);
    let sprung = hostile.ran();
    assert!(SPRUNG.iter().all(|name| sprung.contains(*name)), "{sprung:?}");
    for name in &sprung {
        fs::remove_file(env.home().join(format!("ran-{name}"))).unwrap();
    }
    hostile.write_all("z\n");

    let traces = env.home().join("traces");
    let watched = watched(&env, &traces);
    let is_watched = watched.is_some();
    let mut daemon = watched.unwrap_or_else(|| Daemon::run(&env));
    // The four files, their attributes, and the folder of hooks.
    until_looked_at(&env, &hostile.root, || snapshot_has(&env, "\"dirty\":6"));
    assert_eq!(env.run("daemon stop").code, 0);
    // The command comes back before strace has written all that it saw; until then a file may end amid a line.
    assert!(daemon.ends(PATIENCE).success());
    assert_eq!(hostile.ran(), BTreeSet::new(), "something of the repository's was run");
    if is_watched {
        let files =
            fs::read_dir(&traces).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        assert_only_git_was_run(&files.collect::<Vec<_>>());
    }
}

/// Of what strace saw of each thread: no program but `cco` and `git` itself, and nothing that a repository's index would
/// be locked with.
fn assert_only_git_was_run(traces: &[String]) {
    let lines = traces.iter().flat_map(|trace| trace.lines());
    let begun = lines.filter(|line| line.contains("execve(") && line.ends_with("= 0"));
    let programs: Vec<&str> = begun.filter_map(|line| line.split('"').nth(1)?.rsplit('/').next()).collect();
    assert!(programs.iter().filter(|name| **name == "git").count() >= 2, "{programs:?}");
    assert!(programs.iter().all(|name| ["cco", "git"].contains(name)), "{programs:?}");
    assert!(!traces.iter().any(|trace| trace.contains("index.lock")), "it took the lock of the index");
}

/// A `git` that does this before it does what `git` does.
fn with_git(env: TestEnv, first: &str) -> TestEnv {
    let git = env.write("bin/git", &format!("#!/bin/sh\n{first}\nexec /usr/bin/git \"$@\"\n"));
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", git.parent().unwrap().display());
    env.with("PATH", &path)
}

#[test]
fn a_git_that_hangs_is_ended_after_a_tenth_of_a_second_and_keeps_nobody_waiting() {
    let env = machine_with(1);
    let ticks = env.home().join("ticks");
    fs::create_dir(&ticks).unwrap();
    let hangs = format!("while [ -d {0} ]; do date +%s%N >> {0}/$$; done", ticks.display());
    let env = with_git(env, &hangs);
    for name in HANGING {
        let folder = env.home().join(name);
        fs::create_dir_all(folder.join(".git")).unwrap();
        draw_in_session(&env, &folder, name);
    }
    let _daemon = Daemon::run(&env);
    // The last of them is looked at with patience, after all others were.
    let begun = || fs::read_dir(&ticks).unwrap().count();
    until_looked_at(&env, &env.home().join(HANGING[0]), || begun() > HANGING.len());
    append(&env, 1);
    assert_eq!(calls(&env), 2);
    let names = fs::read_dir(&ticks).unwrap().map(|file| file.unwrap().file_name());
    let pids: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    for pid in &pids {
        until(|| !Command::new("kill").args(["-0", pid]).output().unwrap().status.success());
    }
    // What a machine that is busy adds to some of them it does not add to all.
    let mut lives: Vec<Duration> = pids.iter().map(|pid| lived(&ticks.join(pid))).collect();
    lives.sort();
    // The longest is the one that was looked at with patience; another that wrote once had no time to write again.
    let (others, patient) = lives.split_at(HANGING.len());
    assert!(patient.iter().any(|life| !life.is_zero()), "none was let live");
    let shortest = others.iter().copied().find(|life| !life.is_zero()).unwrap_or_default();
    assert!(shortest < Duration::from_millis(150), "the first to be ended had {shortest:?}");
}

/// Between the first and the last thing that it wrote down.
fn lived(ticks: &Path) -> Duration {
    let text = fs::read_to_string(ticks).unwrap();
    let at: Vec<u64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    Duration::from_nanos(at.last().unwrap_or(&0) - at.first().unwrap_or(&0))
}

#[test]
fn a_repository_that_takes_longer_is_told_of_after_the_others_and_takes_nothing_from_them() {
    let slow = r#"case "$*" in */slow*status*) sleep 0.15;; esac"#;
    let env = with_git(machine(), slow);
    for name in ["slow", "swift"] {
        let mut git = Command::new("/usr/bin/git");
        git.args(["init", "-q"]).arg(env.home().join(name));
        assert!(env.seal(git).status().unwrap().success());
        env.write(&format!("{name}/new"), "");
        draw_in_session(&env, &env.home().join(name), name);
    }
    let _daemon = Daemon::run(&env);
    let has = |name: &str| snapshot_has(&env, &format!("{name}\",\"ahead\":0,\"behind\":0,\"dirty\":1"));
    until_looked_at(&env, &env.home().join("swift"), || has("swift") && has("slow"));
}

#[test]
fn a_branch_of_any_length_keeps_no_line_and_no_look_from_its_end() {
    let env = machine();
    let root = env.home().join("app");
    let mut git = Command::new("git");
    git.args(["init", "-q"]).arg(&root);
    assert!(env.seal(git).status().unwrap().success());
    let name = ["$(touch${IFS}ran)`id`"; 50].map(|name| name.repeat(10)).join("/");
    assert!(name.len() > 10_000);
    fs::write(root.join(".git/HEAD"), format!("ref: refs/heads/{name}\n")).unwrap();
    env.write("app/new", "");
    let _daemon = Daemon::run(&env);
    until_looked_at(&env, &root, || snapshot_has(&env, "\"dirty\":1"));
    let folder = root.display();
    let mut line = env.command("statusline");
    line.env("COLUMNS", "80").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut line = line.spawn().unwrap();
    let payload =
        format!(r#"{{"session_id":"s","cwd":"{folder}","workspace":{{"current_dir":"{folder}"}}}}"#);
    line.stdin.take().unwrap().write_all(payload.as_bytes()).unwrap();
    let drawn = line.wait_with_output().unwrap();
    assert!(drawn.status.success());
    let shown = String::from_utf8(drawn.stdout).unwrap();
    let shown = anstream::adapter::strip_str(&shown).to_string();
    assert!(!shown.trim().is_empty() && shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(!env.home().join("ran").exists() && !root.join("ran").exists());
}
