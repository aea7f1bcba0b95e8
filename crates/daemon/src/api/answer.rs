//! Answers: bytes with a tag, kept for whoever asks the same again while nothing has changed.
//!
//! Must not: know what is in them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use cco_engine::stats::Mark;
use cco_engine::{Engine, EngineError};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Api;
use super::asked::Asked;
use super::problem::Problem;
use crate::setup::Http;

/// An answer that does not say otherwise may be given again for so long: it may tell what runs now.
const HOLDS: SignedDuration = SignedDuration::from_millis(1_000);
/// Answers that are kept, and their bytes together: some pages ask for as many.
const MOST: usize = 64;
const MOST_BYTES: usize = 1_024 * 1_024;
/// A larger one is not kept: a series has 1,500 points at most.
const LARGEST: usize = MOST_BYTES / 4;

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    body: Bytes,
    /// The same for answers that say the same, whenever they were made.
    tag: HeaderValue,
    /// It stays true until then, if nothing comes in.
    until: Option<Timestamp>,
    /// When it is given is to be said in it.
    is_dated: bool,
}

impl Answer {
    /// Of a document.
    pub(super) fn of(document: &impl Serialize) -> Result<Self, Problem> {
        let json = json(document)?;
        Ok(Self { tag: tag(&json), body: json.into(), until: None, is_dated: false })
    }

    /// Of a document that is an object, given with `status` and `generated_at` before its own fields.
    pub(super) fn dated(document: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self { is_dated: true, ..Self::of(document)? })
    }

    /// What whoever asks now is given.
    fn given(self, now: Timestamp) -> Self {
        if !self.is_dated {
            return self;
        }
        let rest = self.body.strip_prefix(b"{").unwrap_or(&self.body);
        let mut body =
            format!(r#"{{"status":"ok","generated_at":"{}","#, cco_wire::text::iso(now)).into_bytes();
        body.extend_from_slice(rest);
        Self { body: body.into(), is_dated: false, ..self }
    }

    /// It stays true until then, if nothing comes in.
    pub(super) fn true_until(self, until: Timestamp) -> Self {
        Self { until: Some(until), ..self }
    }

    /// What is sent: nothing but the tag to whoever has it already.
    pub(super) fn send(&self, headers: &HeaderMap) -> Response {
        let tag = [(ETAG, self.tag.clone())];
        if has(headers, &self.tag) {
            return (StatusCode::NOT_MODIFIED, tag).into_response();
        }
        let kind = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (tag, kind, self.body.clone()).into_response()
    }
}

/// Harmless to look at, whatever names are in it.
pub(super) fn json(document: &impl Serialize) -> Result<String, Problem> {
    let json = serde_json::to_string(document).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot write JSON: {error}"))
    })?;
    Ok(cco_wire::text::escape_json(json))
}

/// A weak one: compressed, the answer is another sequence of bytes.
pub(super) fn tag(text: &str) -> HeaderValue {
    let digest = Sha256::digest(text.as_bytes());
    let digits: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::try_from(format!("W/\"{digits}\"")).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// Whoever asks has an answer of this tag.
pub(super) fn has(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let plain = |text: &str| text.trim().trim_start_matches("W/").to_owned();
    let Ok(tag) = tag.to_str().map(plain) else { return false };
    let given = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).any(|given| given.trim() == "*" || plain(given) == tag)
}

/// Answers that were given, and who makes one.
#[derive(Default)]
pub(crate) struct Answers {
    given: Mutex<HashMap<String, Given>>,
    /// Whoever asks what is being asked waits for that answer.
    asked: Mutex<HashMap<String, Weak<Turn>>>,
}

/// Held while an answer is made.
type Turn = tokio::sync::Mutex<()>;

/// What an answer tells of: the ledger in a state of it, by settings, which engines follow a little later.
#[derive(Clone)]
struct Told {
    mark: Mark,
    settings: Arc<Http>,
    /// Of the engines, when it was asked for.
    generation: u64,
}

impl PartialEq for Told {
    fn eq(&self, other: &Self) -> bool {
        // Settings that were read anew are others.
        self.mark == other.mark
            && self.generation == other.generation
            && Arc::ptr_eq(&self.settings, &other.settings)
    }
}

struct Given {
    answer: Answer,
    of: Told,
    /// Between these it is given again.
    from: Timestamp,
    until: Timestamp,
    /// It was given then.
    last: Timestamp,
}

impl Answers {
    fn held(&self, asked: &str, of: &Told, now: Timestamp) -> Option<Answer> {
        let mut given = self.all();
        let given = given.get_mut(asked)?;
        let holds = given.of == *of && given.from <= now && now < given.until;
        holds.then(|| {
            given.last = now;
            given.answer.clone()
        })
    }

    fn keep(&self, asked: String, of: Told, at: Timestamp, answer: Answer) {
        if answer.body.len() > LARGEST {
            return;
        }
        let usual = at.saturating_add(HOLDS).unwrap_or(at);
        // Whoever came a little earlier and waited for it may have it too.
        let from = at.saturating_sub(HOLDS).unwrap_or(at);
        let mut all = self.all();
        all.insert(asked, Given { of, from, until: answer.until.unwrap_or(usual), answer, last: at });
        while all.len() > MOST || bytes_of(&all) > MOST_BYTES {
            // Dropped all at once, the room they leave would be cut to pieces by those that come, and never given back.
            let Some(oldest) = all.iter().min_by_key(|(_, given)| given.last).map(|(asked, _)| asked.clone())
            else {
                break;
            };
            all.remove(&oldest);
        }
    }

    /// The turn to make the answer to a question.
    fn turn(&self, asked: &str) -> Arc<Turn> {
        let mut turns = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(asked).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(asked.to_owned(), Arc::downgrade(&turn));
        turn
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Given>> {
        // Nothing is half done in it, whoever panicked.
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes_of(all: &HashMap<String, Given>) -> usize {
    all.iter().map(|(asked, given)| asked.len() + given.answer.body.len()).sum()
}

/// The answer to a question by these settings: one that was given before and still holds, else a new one, which whoever asks the same
/// meanwhile waits for.
pub(super) async fn answer(
    api: &Api,
    settings: &Arc<Http>,
    asked: &Asked,
    make: impl FnOnce(&mut Engine) -> Result<Answer, Failure> + Send + 'static,
) -> Result<Answer, Problem> {
    let (key, answers, now) = (asked.key(), Arc::clone(&api.answers), (api.clock)());
    let generation = api.readers.generation();
    let told = |mark| Told { mark, settings: Arc::clone(settings), generation };
    let held = || answers.held(&key, &told(api.readers.mark()?), now);
    if let Some(held) = held() {
        return Ok(held.given(now));
    }
    let turn = answers.turn(&key);
    let _turn = turn.lock().await;
    if let Some(held) = held() {
        return Ok(held.given(now));
    }
    let answers = Arc::clone(&answers);
    let settings = Arc::clone(settings);
    let made = api
        .readers
        .ask(move |engine| {
            let of = Told { mark: engine.mark()?, settings, generation };
            if let Some(held) = answers.held(&key, &of, now) {
                return Ok(Ok(held));
            }
            match make(engine) {
                Ok(answer) => {
                    answers.keep(key, of, now, answer.clone());
                    Ok(Ok(answer))
                }
                Err(Failure::Problem(problem)) => Ok(Err(problem)),
                Err(Failure::Engine(error)) => Err(error),
            }
        })
        .await?;
    made.map(|answer| answer.given(now))
}

/// Why an engine gave no answer: the question is wrong, or the ledger.
#[derive(Debug)]
pub(super) enum Failure {
    Problem(Problem),
    Engine(EngineError),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

#[cfg(test)]
mod tests;
