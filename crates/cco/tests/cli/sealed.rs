//! A sealed machine for one test: its own home, no inherited environment, a fixed present.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The present of all tests: a Tuesday.
pub(crate) const NOW: &str = "2026-10-20T12:00:00Z";

/// A home folder and the variables that a run sees.
pub(crate) struct TestEnv {
    home: TempDir,
    /// Of the program, where another user may run it: the checkout may lie where only its owner can enter.
    copy: std::sync::OnceLock<TempDir>,
    variables: Vec<(String, String)>,
}

/// How a run ended, with the home folder's path replaced by `$HOME`.
#[must_use = "a run is only a test when something is asserted of it"]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        let home = TempDir::with_prefix("cco-test-").unwrap();
        let path = home.path().to_str().unwrap().to_owned();
        let variables = [("HOME", path.as_str()), ("CCO_NOW", NOW), ("TZ", "UTC"), ("PATH", "/usr/bin:/bin")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { home, copy: std::sync::OnceLock::new(), variables }
    }

    /// The same with a variable more.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(other, _)| other != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without a variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(other, _)| other != name);
        self
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file below the home folder, with its folders.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes `config.toml`, in one step: a daemon may read it at any moment.
    pub(crate) fn config(&self, text: &str) {
        let new = self.write(".cco/config.new", text);
        fs::rename(new, self.home().join(".cco/config.toml")).unwrap();
    }

    /// Writes a transcript below `~/.claude/projects`.
    pub(crate) fn transcript(&self, path: &str, rows: &[String]) -> PathBuf {
        self.write(&format!(".claude/projects/{path}"), &(rows.join("\n") + "\n"))
    }

    /// `cco` with these words, not yet run.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cco"));
        command.args(words.split_whitespace());
        self.seal(command)
    }

    /// A program that sees this machine and nothing else.
    pub(crate) fn seal(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    /// Runs `cco` into a pipe that nobody reads; gives exit code and stderr.
    pub(crate) fn run_with_closed_stdout(&self, words: &str) -> (i32, String) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = self.command(words).stdout(writer).output().unwrap();
        (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
    }

    /// Runs `cco` on a terminal so many columns wide; gives what stands on it, both streams, without colour.
    pub(crate) fn run_on_terminal(&self, words: &str, columns: u16) -> String {
        anstream::adapter::strip_str(&self.on_terminal(words, columns, None)).to_string()
    }

    /// The same with its colour.
    pub(crate) fn run_on_coloured_terminal(&self, words: &str) -> String {
        self.on_terminal(words, 100, None)
    }

    /// The same with somebody at the terminal, who types this as soon as it starts.
    pub(crate) fn run_with_answer(&self, words: &str, answer: &str) -> String {
        anstream::adapter::strip_str(&self.on_terminal(words, 100, Some(answer))).to_string()
    }

    fn on_terminal(&self, words: &str, columns: u16, answer: Option<&str>) -> String {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        use rustix::termios::{Winsize, tcsetwinsize};

        let keeper = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keeper).and_then(|()| unlockpt(&keeper)).unwrap();
        let name = ptsname(&keeper, Vec::new()).unwrap();
        let terminal = fs::File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        tcsetwinsize(&terminal, Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let mut command = self.command(words);
        if let Some(answer) = answer {
            command.stdin(terminal.try_clone().unwrap());
            fs::File::from(keeper.try_clone().unwrap()).write_all(answer.as_bytes()).unwrap();
        }
        let mut child = command.stdout(terminal.try_clone().unwrap()).stderr(terminal).spawn().unwrap();
        // Ours are closed, so that reading ends when the run does: on Linux by an error.
        drop(command);
        let mut screen = Vec::new();
        let mut keeper = fs::File::from(keeper);
        let mut page = [0; 4096];
        while let Ok(length @ 1..) = keeper.read(&mut page) {
            screen.extend_from_slice(&page[..length]);
        }
        child.wait().unwrap();
        let screen = String::from_utf8(screen).unwrap().replace("\r\n", "\n");
        screen.replace(self.home().to_str().unwrap(), "$HOME")
    }

    /// Runs `cco` with these words.
    pub(crate) fn run(&self, words: &str) -> Run {
        self.end_of(self.command(words))
    }

    /// Runs `cco` with these words, which may have blanks in them.
    pub(crate) fn run_words(&self, words: &[&str]) -> Run {
        let mut command = self.command("");
        command.args(words);
        self.end_of(command)
    }

    /// Runs `cco` as a user whom permissions bind, which they do not bind root. None, with a word on it, where that
    /// cannot be had.
    #[expect(clippy::print_stderr, reason = "whoever reads the log should know what was not tested")]
    pub(crate) fn run_bound(&self, words: &str) -> Option<Run> {
        if !rustix::process::geteuid().is_root() {
            return Some(self.run(words));
        }
        const NOBODY: &str = "65534";
        let words = words.split_whitespace();
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
        command.arg(self.program_of_all()).args(words);
        let run = self.seal(command).output();
        match run {
            Ok(output) if output.status.code() != Some(127) => Some(self.of_output(output)),
            _ => {
                eprintln!(
                    "skipped: root can write everywhere, and there is no setpriv to run as another user"
                );
                None
            }
        }
    }

    /// The program, where every user can run it.
    pub(crate) fn program_of_all(&self) -> PathBuf {
        let folder = self.copy.get_or_init(|| {
            let folder = TempDir::with_prefix("cco-program-").unwrap();
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            fs::copy(env!("CARGO_BIN_EXE_cco"), folder.path().join("cco")).unwrap();
            folder
        });
        folder.path().join("cco")
    }

    /// Gives everything below the home folder to the user of [`TestEnv::run_bound`].
    pub(crate) fn give_away(&self) {
        if rustix::process::geteuid().is_root() {
            give(self.home());
        }
    }

    fn end_of(&self, mut command: Command) -> Run {
        self.of_output(command.output().unwrap())
    }

    /// How a program ended.
    pub(crate) fn of_output(&self, output: std::process::Output) -> Run {
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes).unwrap().replace(self.home().to_str().unwrap(), "$HOME")
        };
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Run {
    /// All of it, for snapshots.
    pub(crate) fn story(&self) -> String {
        let mut story = format!("exit {}\n", self.code);
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                story += &format!("-- {name}\n{text}");
            }
        }
        story
    }

    /// Its stdout as JSON; the numbers' text is not kept, see [`Run::stdout`].
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}", self.story()))
    }
}

fn give(path: &Path) {
    std::os::unix::fs::lchown(path, Some(65534), Some(65534)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path()));
    }
}

/// A transcript row of one call.
pub(crate) struct Call {
    pub(crate) number: u32,
    pub(crate) time: &'static str,
    pub(crate) model: &'static str,
    pub(crate) session: &'static str,
    pub(crate) cwd: &'static str,
    /// Input, output, cache write for 5 minutes and for 1 hour, cache read.
    pub(crate) tokens: [u64; 5],
}

impl Default for Call {
    fn default() -> Self {
        Self {
            number: 1,
            time: "2026-10-20T11:00:00.000Z",
            model: "claude-opus-4-8",
            session: "11111111-1111-4111-8111-111111111111",
            cwd: "/code/atlas",
            tokens: [1, 10, 0, 0, 0],
        }
    }
}

impl Call {
    pub(crate) fn row(&self) -> String {
        let [input, output, write_5m, write_1h, read] = self.tokens;
        serde_json::json!({
            "type": "assistant",
            "uuid": format!("00000000-0000-4000-8000-{:012}", self.number),
            "sessionId": self.session,
            "cwd": self.cwd,
            "isSidechain": false,
            "requestId": format!("req_{:020}", self.number),
            "timestamp": self.time,
            "message": {
                "id": format!("msg_{:020}", self.number),
                "type": "message",
                "role": "assistant",
                "model": self.model,
                "usage": {
                    "input_tokens": input,
                    "output_tokens": output,
                    "cache_read_input_tokens": read,
                    "cache_creation_input_tokens": write_5m + write_1h,
                    "cache_creation": {
                        "ephemeral_5m_input_tokens": write_5m,
                        "ephemeral_1h_input_tokens": write_1h,
                    },
                },
            },
        })
        .to_string()
    }
}
