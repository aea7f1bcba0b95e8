//! The macOS Keychain, asked through the system's own tool.
//!
//! Owns the names under which Claude Code keeps logins there, and the classes of the tool's failures. Must not: write
//! there, put a secret into an argument, or wait longer than two seconds: the system may be asking the user.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const SERVICE: &str = "Claude Code-credentials";
const MAX_PASSWORD: usize = 64 * 1024;
/// How often the tool is looked at when it has closed its output and not yet ended.
const BLINK: Duration = Duration::from_millis(2);

/// The service name of a login; `config_dir` is what `CLAUDE_CONFIG_DIR` says, where it is set.
pub fn service_name(config_dir: Option<&str>) -> String {
    let Some(directory) = config_dir else { return SERVICE.to_owned() };
    let hash = Sha256::digest(directory.as_bytes());
    let short: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{SERVICE}-{short}")
}

/// A store of passwords by service.
pub trait Keychain {
    /// The password of a service.
    fn password(&self, service: &str) -> Result<Zeroizing<String>, KeychainFault>;
}

/// Why there is no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeychainFault {
    /// The store has none of that name.
    #[error("there is no such entry")]
    Absent,
    /// The user, or a rule of theirs, said no.
    #[error("access was denied")]
    Denied,
    /// It is locked and nobody can be asked to open it.
    #[error("it is locked")]
    Locked,
    /// No answer in time: it may be asking the user.
    #[error("it did not answer in time")]
    TimedOut,
    /// The tool is missing, or failed in another way.
    #[error("it failed")]
    Failed,
}

/// `/usr/bin/security`, or a program that stands in for it.
pub struct SecurityTool {
    /// The program, by its whole path.
    pub program: PathBuf,
    /// The user's login name.
    pub login_name: String,
    /// For the whole question.
    pub time_limit: Duration,
}

impl SecurityTool {
    /// The system's tool.
    pub fn system(login_name: String) -> Self {
        Self { program: "/usr/bin/security".into(), login_name, time_limit: Duration::from_secs(2) }
    }
}

impl Keychain for SecurityTool {
    fn password(&self, service: &str) -> Result<Zeroizing<String>, KeychainFault> {
        let arguments = ["find-generic-password", "-a", &self.login_name, "-s", service, "-w"];
        let mut run =
            Run::start(&self.program, arguments.map(OsString::from)).map_err(|_| KeychainFault::Failed)?;
        let (status, output) = run.finish(Instant::now() + self.time_limit)?;
        if !status.success() {
            return Err(class(status.code()));
        }
        password_of(&output).ok_or(KeychainFault::Failed)
    }
}

/// What the tool's exit codes mean: the low byte of the system's error, or the error itself.
fn class(code: Option<i32>) -> KeychainFault {
    match code {
        // errSecItemNotFound, -25300
        Some(44) => KeychainFault::Absent,
        // errSecInteractionNotAllowed, -25308
        Some(36) => KeychainFault::Locked,
        // userCanceledErr, -128, and errSecAuthFailed, -25293
        Some(128 | 51) => KeychainFault::Denied,
        _ => KeychainFault::Failed,
    }
}

/// The tool ends a password with a line end, and writes one that has other than plain characters in hex.
fn password_of(output: &[u8]) -> Option<Zeroizing<String>> {
    let text = std::str::from_utf8(output).ok()?.trim_end_matches(['\n', '\r']);
    let is_hex =
        text.len() >= 2 && text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex {
        return Some(Zeroizing::new(text.to_owned()));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for at in (0..text.len()).step_by(2) {
        bytes.push(u8::from_str_radix(&text[at..at + 2], 16).ok()?);
    }
    Some(Zeroizing::new(std::str::from_utf8(&bytes).ok()?.to_owned()))
}

/// A program that is running, with its children; all of them are gone when this is.
struct Run {
    child: Child,
    output: mpsc::Receiver<Option<Zeroizing<Vec<u8>>>>,
    ended: bool,
}

impl Run {
    fn start<const N: usize>(program: &PathBuf, arguments: [OsString; N]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let (sender, output) = mpsc::channel();
        let pipe = child.stdout.take();
        // It ends when the pipe does, which is at the latest when the group is killed.
        thread::spawn(move || sender.send(pipe.and_then(read_all)));
        Ok(Self { child, output, ended: false })
    }

    fn finish(&mut self, until: Instant) -> Result<(ExitStatus, Zeroizing<Vec<u8>>), KeychainFault> {
        let left = || until.saturating_duration_since(Instant::now());
        let output = match self.output.recv_timeout(left()) {
            Ok(output) => output.ok_or(KeychainFault::Failed)?,
            Err(RecvTimeoutError::Timeout) => return Err(KeychainFault::TimedOut),
            Err(RecvTimeoutError::Disconnected) => return Err(KeychainFault::Failed),
        };
        loop {
            if let Some(status) = self.child.try_wait().map_err(|_| KeychainFault::Failed)? {
                self.ended = true;
                return Ok((status, output));
            }
            if left().is_zero() {
                return Err(KeychainFault::TimedOut);
            }
            thread::park_timeout(left().min(BLINK));
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// All that a pipe gives; none: it is too much, or fails.
fn read_all(pipe: impl Read) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PASSWORD + 1));
    pipe.take(MAX_PASSWORD as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= MAX_PASSWORD).then_some(bytes)
}
