//! Answers: bytes with a tag, kept for whoever asks the same again while nothing has changed.
//!
//! Must not: know what is in them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// An answer may be given again for so long: it may tell what runs now.
const HOLDS: SignedDuration = SignedDuration::from_millis(1_000);
/// Answers that are kept, and their bytes together.
const MOST: usize = 256;
const MOST_BYTES: usize = 4 * 1_024 * 1_024;

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    body: Bytes,
    /// The same for answers that say the same, whenever they were made.
    tag: HeaderValue,
}

impl Answer {
    /// Of a document.
    pub(super) fn of(document: &impl Serialize) -> Result<Self, Problem> {
        let json = json(document)?;
        Ok(Self { tag: tag(&json), body: json.into() })
    }

    /// Of a document that is an object, with `status` and `generated_at` before its own fields.
    pub(super) fn dated(document: &impl Serialize, now: Timestamp) -> Result<Self, Problem> {
        let json = json(document)?;
        let (tag, now) = (tag(&json), cco_wire::text::iso(now));
        let rest = json.strip_prefix('{').unwrap_or(&json);
        Ok(Self { tag, body: format!(r#"{{"status":"ok","generated_at":"{now}",{rest}"#).into() })
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

/// Answers that were given.
#[derive(Default)]
pub(crate) struct Answers(Mutex<HashMap<String, Given>>);

struct Given {
    answer: Answer,
    mark: Mark,
    at: Timestamp,
}

impl Answers {
    fn held(&self, asked: &str, mark: &Mark, now: Timestamp) -> Option<Answer> {
        let given = self.all();
        let given = given.get(asked)?;
        let age = now.duration_since(given.at);
        (given.mark == *mark && (SignedDuration::ZERO..HOLDS).contains(&age)).then(|| given.answer.clone())
    }

    fn keep(&self, asked: String, mark: Mark, at: Timestamp, answer: Answer) {
        let mut all = self.all();
        all.insert(asked, Given { answer, mark, at });
        let bytes: usize = all.iter().map(|(asked, given)| asked.len() + given.answer.body.len()).sum();
        if all.len() > MOST || bytes > MOST_BYTES {
            // Few of them would be given again: they hold for a second.
            all.clear();
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Given>> {
        // Nothing is half done in it, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a question: one that was given before and still holds, else a new one.
pub(super) async fn answer(
    api: &Api,
    asked: &Asked,
    make: impl FnOnce(&mut Engine) -> Result<Answer, Failure> + Send + 'static,
) -> Result<Answer, Problem> {
    let (key, answers, now) = (asked.key(), Arc::clone(&api.answers), (api.clock)());
    api.readers
        .ask(move |engine| {
            let mark = engine.mark()?;
            if let Some(held) = answers.held(&key, &mark, now) {
                return Ok(Ok(held));
            }
            match make(engine) {
                Ok(answer) => {
                    answers.keep(key, mark, now, answer.clone());
                    Ok(Ok(answer))
                }
                Err(Failure::Problem(problem)) => Ok(Err(problem)),
                Err(Failure::Engine(error)) => Err(error),
            }
        })
        .await?
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
