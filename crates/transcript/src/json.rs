//! A forgiving pull scanner for JSON: takes what it is asked for and checks the rest without building it.
//!
//! Why not a library: transcripts hold lone surrogates, invalid UTF-8, repeated keys (the last counts) and lines of
//! 100 MB, and most of their bytes are text that nobody wants. `serde_json` refuses the first three in derived types
//! and skips text at about half this speed. Grammar errors are the same as a strict parser's: see the tests, which
//! compare with `serde_json`.

mod text;

use crate::source::Source;

/// The bytes are no JSON at the scanner's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A byte that cannot stand there: no continuation can mend it.
    Unexpected,
    /// The bytes ended inside a value: more of them may mend it.
    RanOut,
}

pub(crate) type Scan<T> = Result<T, Broken>;

/// A number that counts something: what is believed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// A whole number from 0 to 2^53, or `null`.
    Is(u64),
    /// Negative, fractional, too large, or no number at all.
    Odd,
}

/// Longest text that is kept of a string.
const MAX_TEXT: usize = 64 * 1024;
/// Longest key that can be one we know.
const MAX_KEY: usize = 64;

pub(crate) struct Scanner<S> {
    source: S,
    /// Index into the source's window.
    at: usize,
    /// Position of the opening quote of the last string met; where damage is searched from.
    last_string: u64,
}

impl<S: Source> Scanner<S> {
    pub(crate) fn new(source: S) -> Self {
        Self { source, at: 0, last_string: 0 }
    }

    pub(crate) fn into_source(self) -> S {
        self.source
    }

    /// Absolute position of the next byte.
    pub(crate) fn position(&self) -> u64 {
        self.source.start() + self.at as u64
    }

    /// Position of the opening quote of the last string met.
    pub(crate) fn last_string(&self) -> u64 {
        self.last_string
    }

    pub(crate) fn seek(&mut self, position: u64) {
        self.source.seek(position);
        self.at = usize::try_from(position - self.source.start()).map_or(usize::MAX, |at| at);
    }

    #[inline]
    pub(crate) fn peek(&mut self) -> Scan<u8> {
        loop {
            if let Some(&byte) = self.source.window().get(self.at) {
                return Ok(byte);
            }
            if !self.refill() {
                return Err(Broken::RanOut);
            }
        }
    }

    #[cold]
    fn refill(&mut self) -> bool {
        let more = self.source.advance();
        // At the end the window may stay as it is; the scanner then stays behind it.
        self.at = if more { 0 } else { self.source.window().len() };
        more
    }

    #[inline]
    fn next(&mut self) -> Scan<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Ok(byte)
    }

    /// The next byte that is no white space, left where it is.
    #[inline]
    pub(crate) fn peek_token(&mut self) -> Scan<u8> {
        loop {
            let byte = self.peek()?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Ok(byte);
            }
            self.at += 1;
        }
    }

    #[inline]
    pub(crate) fn next_token(&mut self) -> Scan<u8> {
        let byte = self.peek_token()?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    pub(crate) fn expect(&mut self, wanted: u8) -> Scan<()> {
        if self.next_token()? == wanted { Ok(()) } else { Err(Broken::Unexpected) }
    }

    /// Nothing but white space is left.
    pub(crate) fn end(&mut self) -> Scan<()> {
        match self.peek_token() {
            Err(Broken::RanOut) => Ok(()),
            Ok(_) | Err(Broken::Unexpected) => Err(Broken::Unexpected),
        }
    }

    /// Moves to the next `byte` at or after the position; false when there is none.
    pub(crate) fn find(&mut self, byte: u8) -> bool {
        loop {
            let window = self.source.window();
            if let Some(found) = memchr::memchr(byte, &window[self.at.min(window.len())..]) {
                self.at += found;
                return true;
            }
            self.at = window.len();
            if !self.refill() {
                return false;
            }
        }
    }

    /// Calls `field` for each key of an object, with the scanner before the value, which it must take.
    /// False when the value is no object; it is then skipped.
    #[inline]
    pub(crate) fn object<K: Copy>(
        &mut self,
        key_of: impl Fn(&[u8]) -> K + Copy,
        mut field: impl FnMut(&mut Self, K) -> Scan<()>,
    ) -> Scan<bool> {
        if self.peek_token()? != b'{' {
            self.skip()?;
            return Ok(false);
        }
        self.at += 1;
        if self.peek_token()? == b'}' {
            self.at += 1;
            return Ok(true);
        }
        loop {
            let key = self.key(key_of)?;
            field(self, key)?;
            match self.next_token()? {
                b',' => {}
                b'}' => return Ok(true),
                _ => return Err(Broken::Unexpected),
            }
        }
    }

    /// Calls `item` before each value of an array. False when the value is no array; it is then skipped.
    pub(crate) fn array(&mut self, mut item: impl FnMut(&mut Self) -> Scan<()>) -> Scan<bool> {
        if self.peek_token()? != b'[' {
            self.skip()?;
            return Ok(false);
        }
        self.at += 1;
        if self.peek_token()? == b']' {
            self.at += 1;
            return Ok(true);
        }
        loop {
            item(self)?;
            match self.next_token()? {
                b',' => {}
                b']' => return Ok(true),
                _ => return Err(Broken::Unexpected),
            }
        }
    }

    /// Takes `true` or `false`; any other value is skipped and false.
    pub(crate) fn truth(&mut self) -> Scan<bool> {
        if self.peek_token()? != b't' {
            self.skip()?;
            return Ok(false);
        }
        self.at += 1;
        self.literal(b"rue")?;
        Ok(true)
    }

    /// Takes a count; any other value is skipped and odd, but `null` is 0.
    pub(crate) fn count(&mut self) -> Scan<Count> {
        match self.peek_token()? {
            b'0'..=b'9' | b'-' => {
                let mut text = Vec::with_capacity(20);
                self.number(Some(&mut text))?;
                let number = std::str::from_utf8(&text).ok().and_then(|text| text.parse::<u64>().ok());
                Ok(number.filter(|n| *n <= cco_model::tokens::MAX_COUNT).map_or(Count::Odd, Count::Is))
            }
            b'n' => self.skip().map(|()| Count::Is(0)),
            _ => self.skip().map(|()| Count::Odd),
        }
    }

    /// Takes a number and appends its text to `out`; false when the value is no number.
    pub(crate) fn number_text(&mut self, out: &mut Vec<u8>) -> Scan<bool> {
        if !matches!(self.peek_token()?, b'0'..=b'9' | b'-') {
            self.skip()?;
            return Ok(false);
        }
        self.number(Some(out))?;
        Ok(true)
    }

    fn number(&mut self, mut text: Option<&mut Vec<u8>>) -> Scan<()> {
        let mut keep = |byte: u8| {
            if let Some(text) = text.as_deref_mut().filter(|text| text.len() < MAX_KEY) {
                text.push(byte);
            }
        };
        let mut byte = self.next()?;
        keep(byte);
        if byte == b'-' {
            byte = self.next()?;
            keep(byte);
        }
        match byte {
            b'0' => {}
            b'1'..=b'9' => self.digits(&mut keep)?,
            _ => return Err(Broken::Unexpected),
        }
        if self.peek() == Ok(b'.') {
            self.at += 1;
            keep(b'.');
            self.some_digits(&mut keep)?;
        }
        if let Ok(e @ (b'e' | b'E')) = self.peek() {
            self.at += 1;
            keep(e);
            if let sign @ (b'+' | b'-') = self.peek()? {
                self.at += 1;
                keep(sign);
            }
            self.some_digits(&mut keep)?;
        }
        Ok(())
    }

    fn some_digits(&mut self, keep: &mut impl FnMut(u8)) -> Scan<()> {
        if !self.peek()?.is_ascii_digit() {
            return Err(Broken::Unexpected);
        }
        self.digits(keep)
    }

    fn digits(&mut self, keep: &mut impl FnMut(u8)) -> Scan<()> {
        while let Ok(byte) = self.peek() {
            if !byte.is_ascii_digit() {
                break;
            }
            keep(byte);
            self.at += 1;
        }
        Ok(())
    }

    fn literal(&mut self, rest: &[u8]) -> Scan<()> {
        for wanted in rest {
            if self.next()? != *wanted {
                return Err(Broken::Unexpected);
            }
        }
        Ok(())
    }

    /// Takes a value that is neither object nor array, whose first byte is `first`, already taken.
    #[inline]
    pub(crate) fn skip_plain(&mut self, first: u8) -> Scan<()> {
        match first {
            b'"' => {
                self.last_string = self.position() - 1;
                self.skip_string_body()
            }
            b't' => self.literal(b"rue"),
            b'f' => self.literal(b"alse"),
            b'n' => self.literal(b"ull"),
            b'-' | b'0'..=b'9' => {
                self.at -= 1;
                self.number(None)
            }
            _ => Err(Broken::Unexpected),
        }
    }

    /// Checks a whole value, however deep.
    pub(crate) fn skip(&mut self) -> Scan<()> {
        let mut nest = Nest::default();
        loop {
            match self.next_token()? {
                b'{' => {
                    if self.peek_token()? == b'}' {
                        self.at += 1;
                    } else {
                        nest.push(true);
                        self.key(|_| ())?;
                        continue;
                    }
                }
                b'[' => {
                    if self.peek_token()? == b']' {
                        self.at += 1;
                    } else {
                        nest.push(false);
                        continue;
                    }
                }
                first => self.skip_plain(first)?,
            }
            loop {
                let Some(in_object) = nest.top() else { return Ok(()) };
                match (self.next_token()?, in_object) {
                    (b',', true) => {
                        self.key(|_| ())?;
                        break;
                    }
                    (b',', false) => break,
                    (b'}', true) | (b']', false) => nest.pop(),
                    _ => return Err(Broken::Unexpected),
                }
            }
        }
    }
}

/// Whether each open value is an object, one bit a level, so that depth costs next to nothing.
#[derive(Default)]
struct Nest {
    bits: u64,
    depth: u32,
    below: Vec<u64>,
}

impl Nest {
    fn push(&mut self, object: bool) {
        if self.depth == 64 {
            self.below.push(self.bits);
            self.depth = 0;
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    fn top(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }

    fn pop(&mut self) {
        self.bits >>= 1;
        self.depth -= 1;
        if let Some(bits) = (self.depth == 0).then(|| self.below.pop()).flatten() {
            (self.bits, self.depth) = (bits, 64);
        }
    }
}

#[cfg(test)]
mod tests;
