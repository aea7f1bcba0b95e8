//! Whole records on damaged lines: a torn record with the next one glued on, `}{` joins, runs of NUL.
//!
//! A record is an object with `type` and `sessionId`. One pass finds them: where a value breaks off, every object
//! that was closed inside it is known already, and the tear lies in or behind the last string, so the search goes on
//! from that string's opening quote. That keeps the work linear where trying every `{` would square it.

use std::ops::Range;

use crate::json::{Broken, Scan, Scanner};
use crate::source::Source;

/// Deeper nesting than this inside a damaged line counts as damage: an open object costs memory here.
const MAX_DEPTH: usize = 4096;

/// What is certain of a damaged line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It has its line end: what it holds now it will always hold.
    Ended,
    /// More bytes may follow: an object that has not closed yet may still swallow what lies in it.
    Growing,
}

/// Positions of the whole records between `from` and the end of the source.
pub(crate) fn whole_records<S: Source>(scanner: &mut Scanner<S>, from: u64, line: Line) -> Vec<Range<u64>> {
    let mut found: Vec<Range<u64>> = Vec::new();
    let mut at = from;
    loop {
        scanner.seek(at);
        if !scanner.find(b'{') {
            return found;
        }
        let start = scanner.position();
        let known = found.len();
        at = match objects(scanner, &mut found) {
            Ok(()) => scanner.position(),
            Err(broken) => {
                if broken == Broken::RanOut && line == Line::Growing {
                    found.truncate(known);
                }
                let last = found.get(known..).and_then(<[_]>::last).map_or(0, |range| range.end);
                scanner.last_string().max(start + 1).max(last)
            }
        };
    }
}

/// An open object or array.
struct Open {
    start: u64,
    object: bool,
    has_type: bool,
    has_session: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Key {
    Type,
    Session,
    Other,
}

fn key_of(key: &[u8]) -> Key {
    match key {
        b"type" => Key::Type,
        b"sessionId" => Key::Session,
        _ => Key::Other,
    }
}

/// Scans one value that begins with `{` and pushes the outermost records that close inside it, itself included.
fn objects<S: Source>(scanner: &mut Scanner<S>, found: &mut Vec<Range<u64>>) -> Scan<()> {
    let mut open: Vec<Open> = Vec::new();
    loop {
        let first = scanner.next_token()?;
        if matches!(first, b'{' | b'[') {
            let start = scanner.position() - 1;
            open.push(Open { start, object: first == b'{', has_type: false, has_session: false });
            if open.len() > MAX_DEPTH {
                return Err(Broken::Unexpected);
            }
            let empty = if first == b'{' { b'}' } else { b']' };
            if scanner.peek_token()? != empty {
                next_key(scanner, &mut open)?;
                continue;
            }
        } else {
            scanner.skip_plain(first)?;
        }
        loop {
            let Some(top) = open.last() else { return Ok(()) };
            match (scanner.next_token()?, top.object) {
                (b',', _) => {
                    next_key(scanner, &mut open)?;
                    break;
                }
                (b'}', true) | (b']', false) => close(scanner.position(), &mut open, found),
                _ => return Err(Broken::Unexpected),
            }
        }
    }
}

/// Takes the key of the next value when the innermost open value is an object.
fn next_key<S: Source>(scanner: &mut Scanner<S>, open: &mut [Open]) -> Scan<()> {
    if let Some(top) = open.last_mut().filter(|top| top.object) {
        match scanner.key(key_of)? {
            Key::Type => top.has_type = true,
            Key::Session => top.has_session = true,
            Key::Other => {}
        }
    }
    Ok(())
}

fn close(end: u64, open: &mut Vec<Open>, found: &mut Vec<Range<u64>>) {
    let Some(closed) = open.pop() else { return };
    if closed.has_type && closed.has_session {
        while found.last().is_some_and(|inner| inner.start > closed.start) {
            found.pop();
        }
        found.push(closed.start..end);
    }
}

#[cfg(test)]
mod tests;
