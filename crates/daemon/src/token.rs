//! The token that lets a request in, and the codes that are exchanged for it.
//!
//! Owns `state/api-token`. Must not: let go of a token in any way but [`Tokens::exchange`], or compare one in a time
//! that depends on what it is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// Its file in the state folder.
pub const FILE: &str = "api-token";
/// Random bytes of a token, and of a code.
const TOKEN_BYTES: usize = 32;
const CODE_BYTES: usize = 16;
/// A block of SHA-256.
const BLOCK_BYTES: usize = 64;
/// A code holds so long.
const CODE_LIFE: SignedDuration = SignedDuration::from_secs(30);
/// Codes that hold at once; whoever wants more takes the place of the oldest.
const MOST_CODES: usize = 16;

/// A token. It is made to be compared and handed to its owner, and cannot be printed.
#[derive(Clone)]
pub(crate) struct Token(Zeroizing<String>);

impl Token {
    fn random() -> io::Result<Self> {
        Ok(Self(random_hex(TOKEN_BYTES)?))
    }

    /// The token itself, for an answer to whoever may have it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Who may ask.
pub(crate) struct Tokens {
    state: PathBuf,
    known: Mutex<Known>,
    /// How often all were logged out.
    rotations: watch::Sender<u64>,
}

struct Known {
    token: Token,
    codes: Vec<Code>,
}

struct Code {
    digest: [u8; 32],
    made: Timestamp,
}

impl Tokens {
    /// Reads the token of a state folder, or makes one. A file that others may read or have made is refused.
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        let token = match read_file(&state.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let token = Token::random()?;
                write(state, &token)?;
                token
            }
            read => read?,
        };
        let known = Mutex::new(Known { token, codes: Vec::new() });
        Ok(Self { state: state.to_owned(), known, rotations: watch::Sender::new(0) })
    }

    /// This is the token.
    pub(crate) fn admits(&self, presented: &str) -> bool {
        let presented = digest(presented);
        same(&digest(self.known().token.expose()), &presented)
    }

    /// Shows who knows the token that this daemon knows it too: the HMAC-SHA256 (RFC 2104) of these words by it, in
    /// hexadecimal digits. It tells nobody anything of the token, which is as long as what it makes.
    pub(crate) fn prove(&self, words: &str) -> String {
        hex(&hmac(self.known().token.expose().as_bytes(), words.as_bytes()))
    }

    /// A code that is exchanged for the token once, within half a minute.
    pub(crate) fn new_code(&self, now: Timestamp) -> String {
        // Without randomness there is no code, and an empty one is none.
        let Ok(code) = random_hex(CODE_BYTES) else { return String::new() };
        let mut known = self.known();
        known.codes.retain(|code| code.holds(now));
        if known.codes.len() >= MOST_CODES {
            known.codes.remove(0);
        }
        known.codes.push(Code { digest: digest(&code), made: now });
        code.to_string()
    }

    /// The token, for a code that holds, which it then does no more.
    pub(crate) fn exchange(&self, code: &str, now: Timestamp) -> Option<Token> {
        let digest = digest(code);
        let mut known = self.known();
        let found = known.codes.iter().position(|known| same(&known.digest, &digest))?;
        let code = known.codes.remove(found);
        code.holds(now).then(|| known.token.clone())
    }

    /// Makes another token. The old one and all codes are refused from now on, and [`Tokens::rotations`] tells.
    pub(crate) fn rotate(&self) -> io::Result<()> {
        let token = Token::random()?;
        {
            let mut known = self.known();
            write(&self.state, &token)?;
            *known = Known { token, codes: Vec::new() };
        }
        self.rotations.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Changes whenever all were logged out.
    pub(crate) fn rotations(&self) -> watch::Receiver<u64> {
        self.rotations.subscribe()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing is half done in it, whoever panicked.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Code {
    /// A clock that was set back makes nobody's code last longer.
    fn holds(&self, now: Timestamp) -> bool {
        (SignedDuration::ZERO..CODE_LIFE).contains(&now.duration_since(self.made))
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// By a key that is no longer than a block of the hash, which a token fills.
fn hmac(key: &[u8], words: &[u8]) -> [u8; 32] {
    let block = |pad: u8| {
        let byte = |at: usize| key.get(at).copied().unwrap_or(0) ^ pad;
        Zeroizing::new((0..BLOCK_BYTES).map(byte).collect::<Vec<u8>>())
    };
    let inner = Sha256::new().chain_update(&*block(0x36)).chain_update(words).finalize();
    Sha256::new().chain_update(&*block(0x5c)).chain_update(inner).finalize().into()
}

/// Takes as long whatever they are.
fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    let different = one.iter().zip(other).fold(0, |different, (a, b)| different | (a ^ b));
    std::hint::black_box(different) == 0
}

fn random_hex(bytes: usize) -> io::Result<Zeroizing<String>> {
    let mut random = Zeroizing::new(vec![0; bytes]);
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Zeroizing::new(hex(&random)))
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}

/// The token of a state folder, for whoever it belongs to.
pub fn read(state: &Path) -> io::Result<String> {
    Ok(read_file(&state.join(FILE))?.expose().to_owned())
}

/// Makes another one where no daemon runs.
pub fn rotate(state: &Path) -> io::Result<()> {
    write(state, &Token::random()?)
}

fn read_file(path: &Path) -> io::Result<Token> {
    let refused = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let about = fs::symlink_metadata(path)?;
    if !about.is_file() {
        return Err(refused("is no plain file; remove it, and a new token is made"));
    }
    let no_link = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(no_link.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() || about.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("is not this user's; remove it, and a new token is made"));
    }
    if about.mode() & 0o077 != 0 || about.nlink() != 1 {
        return Err(refused(
            "may be read by others, who may know the token; remove it, and a new one is made",
        ));
    }
    let text = read_text(file)?;
    let token = text.trim_ascii_end();
    if token.len() != TOKEN_BYTES * 2 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(refused("holds no token; remove it, and a new one is made"));
    }
    Ok(Token(Zeroizing::new(token.to_owned())))
}

fn read_text(file: File) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(TOKEN_BYTES * 4));
    file.take(TOKEN_BYTES as u64 * 4).read_to_string(&mut text)?;
    Ok(text)
}

/// Whole or not at all, and for this user alone (a temporary file is made so).
fn write(state: &Path, token: &Token) -> io::Result<()> {
    let mut new = tempfile::Builder::new().prefix(".token.").tempfile_in(state)?;
    new.write_all(token.expose().as_bytes())?;
    new.write_all(b"\n")?;
    new.as_file().sync_all()?;
    new.persist(state.join(FILE)).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests;
