//! Strings: keys, and text with its escapes, halves of pairs among them.
//!
//! Must not: know what stands around a string.

use memchr::memchr2;

use super::{Broken, MAX_KEY, MAX_TEXT, Scan, Scanner};
use crate::source::Source;

impl<S: Source> Scanner<S> {
    /// Takes a key and the colon behind it.
    #[inline]
    pub(crate) fn key<K>(&mut self, key_of: impl Fn(&[u8]) -> K) -> Scan<K> {
        self.expect(b'"')?;
        self.last_string = self.position() - 1;
        let rest = &self.source.window()[self.at..];
        let stop = string_stop(rest);
        let key = if rest.get(stop) == Some(&b'"') {
            let key = key_of(&rest[..stop]);
            self.at += stop + 1;
            key
        } else {
            let mut text = Vec::new();
            self.string_body(&mut text, MAX_KEY)?;
            key_of(&text)
        };
        self.expect(b':')?;
        Ok(key)
    }

    /// Takes a string and appends its text to `out` (at most 64 KiB of it); false when the value is no string.
    #[inline]
    pub(crate) fn string(&mut self, out: &mut Vec<u8>) -> Scan<bool> {
        if self.peek_token()? != b'"' {
            self.skip()?;
            return Ok(false);
        }
        self.last_string = self.position();
        self.at += 1;
        let rest = &self.source.window()[self.at..];
        let stop = string_stop(rest);
        if rest.get(stop) == Some(&b'"') {
            out.extend_from_slice(&rest[..stop.min(MAX_TEXT)]);
            self.at += stop + 1;
            return Ok(true);
        }
        self.string_body(out, MAX_TEXT)?;
        Ok(true)
    }

    /// The rest of a string behind its opening quote, unescaped; text beyond `max` bytes is checked and dropped.
    fn string_body(&mut self, out: &mut Vec<u8>, max: usize) -> Scan<()> {
        let limit = out.len() + max;
        let mut high = None;
        loop {
            let rest = &self.source.window()[self.at..];
            let stop = string_stop(rest);
            if stop > 0 {
                push_half(out, high.take());
            }
            out.extend_from_slice(&rest[..stop.min(limit.saturating_sub(out.len()))]);
            let byte = rest.get(stop).copied();
            self.at += stop;
            match byte {
                None => {
                    if !self.refill() {
                        return Err(Broken::RanOut);
                    }
                }
                Some(b'"') => {
                    self.at += 1;
                    push_half(out, high.take());
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    let unit = self.escape()?;
                    if out.len() < limit {
                        push_unit(out, &mut high, unit);
                    }
                }
                Some(_) => return Err(Broken::Unexpected),
            }
        }
    }

    /// The UTF-16 unit that an escape stands for, with the scanner behind the backslash.
    fn escape(&mut self) -> Scan<u16> {
        Ok(u16::from(match self.next()? {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut unit = 0;
                for _ in 0..4 {
                    let digit = char::from(self.next()?).to_digit(16).ok_or(Broken::Unexpected)?;
                    unit = unit << 4 | u16::try_from(digit).map_err(|_| Broken::Unexpected)?;
                }
                return Ok(unit);
            }
            _ => return Err(Broken::Unexpected),
        }))
    }

    /// Checks the rest of a string behind its opening quote.
    #[inline]
    pub(super) fn skip_string_body(&mut self) -> Scan<()> {
        loop {
            let rest = &self.source.window()[self.at..];
            let stop = string_stop(rest);
            let byte = rest.get(stop).copied();
            self.at += stop;
            match byte {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    // Nearly all escapes are of one letter.
                    if matches!(self.source.window().get(self.at), Some(b'n' | b'"' | b'\\' | b't')) {
                        self.at += 1;
                    } else {
                        self.escape()?;
                    }
                }
                Some(_) => return Err(Broken::Unexpected),
                None => {
                    if !self.refill() {
                        return Err(Broken::RanOut);
                    }
                }
            }
        }
    }
}

/// Index of the first quote, backslash or control character, or the length.
///
/// Words first, since most strings are short or full of escapes; a vector search for what is longer than 64 bytes.
#[inline]
pub(super) fn string_stop(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    for word in bytes.as_chunks::<8>().0.iter().take(8) {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES * 0x22);
        let slash = word ^ (ONES * 0x5c);
        let hit = (quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if hit & HIGH != 0 {
            return at + (hit & HIGH).trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    let stop = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
    let smallest = rest[..stop].iter().fold(u8::MAX, |least, byte| least.min(*byte));
    if smallest >= 0x20 {
        return at + stop;
    }
    at + rest.iter().position(|byte| *byte < 0x20).unwrap_or(stop)
}

/// Appends a UTF-16 unit as UTF-8; `high` is the first half of a pair that waits for its second.
fn push_unit(out: &mut Vec<u8>, high: &mut Option<u16>, unit: u16) {
    match (high.take(), unit) {
        (Some(first), 0xDC00..=0xDFFF) => {
            let pair = char::decode_utf16([first, unit]).next().and_then(Result::ok);
            push_char(out, pair.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        (lone, 0xD800..=0xDBFF) => {
            push_half(out, lone);
            *high = Some(unit);
        }
        (lone, unit) => {
            push_half(out, lone);
            push_char(out, char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
}

fn push_half(out: &mut Vec<u8>, lone: Option<u16>) {
    if lone.is_some() {
        push_char(out, char::REPLACEMENT_CHARACTER);
    }
}

fn push_char(out: &mut Vec<u8>, char: char) {
    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}
