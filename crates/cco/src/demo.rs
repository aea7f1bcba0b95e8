//! `--demo`: a small made-up tree of transcripts, to see what reports look like.
//!
//! Must not: touch the user's files or ledger.

use std::fmt::Write as _;
use std::path::Path;

use cco_engine::Engine;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use crate::error::CliError;
use crate::print::text;

/// One transcript of the tree.
struct Transcript {
    path: &'static str,
    cwd: &'static str,
    session: &'static str,
    agent: Option<&'static str>,
    model: &'static str,
    /// Minutes before now of the first and of the last call.
    span: (i64, i64),
    calls: u32,
}

const TRANSCRIPTS: &[Transcript] = &[
    Transcript {
        path: "-demo-harbour-map/5d1f7a52-0000-4000-8000-000000000001.jsonl",
        cwd: "/demo/harbour-map",
        session: "5d1f7a52-0000-4000-8000-000000000001",
        agent: None,
        model: "claude-opus-4-8",
        span: (150, 3),
        calls: 14,
    },
    Transcript {
        path: "-demo-harbour-map/5d1f7a52-0000-4000-8000-000000000001/subagents/agent-a1b2c3d.jsonl",
        cwd: "/demo/harbour-map",
        session: "5d1f7a52-0000-4000-8000-000000000001",
        agent: Some("a1b2c3d"),
        model: "claude-haiku-4-5-20251001",
        span: (90, 75),
        calls: 8,
    },
    Transcript {
        path: "-demo-tide-tables/c0e94b17-0000-4000-8000-000000000002.jsonl",
        cwd: "/demo/tide-tables",
        session: "c0e94b17-0000-4000-8000-000000000002",
        agent: None,
        model: "claude-opus-4-8",
        span: (24 * 60 + 200, 24 * 60 + 10),
        calls: 12,
    },
    Transcript {
        path: "-demo-tide-tables/8a36f2d0-0000-4000-8000-000000000003.jsonl",
        cwd: "/demo/tide-tables",
        session: "8a36f2d0-0000-4000-8000-000000000003",
        agent: None,
        model: "lighthouse-preview",
        span: (48 * 60 + 45, 48 * 60 + 5),
        calls: 6,
    },
];

/// Makes the tree; it goes when the value does.
pub(crate) fn make_tree(now: Timestamp) -> Result<TempDir, CliError> {
    let failed = |error: std::io::Error| CliError::failed(format!("cannot make the demo data: {error}"));
    let root = tempfile::Builder::new().prefix("cco-demo-").tempdir().map_err(failed)?;
    for (number, transcript) in TRANSCRIPTS.iter().enumerate() {
        write(root.path(), number, transcript, now).map_err(failed)?;
    }
    write_login(root.path(), now).map_err(failed)?;
    Ok(root)
}

/// Who is logged in was so before the first call: calls are of an account from when it was seen.
pub(crate) fn log_in(engine: &mut Engine, now: Timestamp) -> Result<(), CliError> {
    let first = TRANSCRIPTS.iter().map(|transcript| transcript.span.0).max().unwrap_or_default();
    let before = now.checked_sub(SignedDuration::from_mins(first + 1)).unwrap_or(now);
    engine.set_now(before);
    let seen = engine.look_at_accounts();
    engine.set_now(now);
    seen?;
    Ok(())
}

/// Somebody who is logged in, and what was said of the limits a minute ago.
fn write_login(root: &Path, now: Timestamp) -> std::io::Result<()> {
    let at = |minutes: i64| now.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(now);
    let bucket =
        |percent: u32, minutes| json!({ "utilization": percent, "resets_at": text::iso(at(minutes)) });
    const WHO: &str = "5d1f7a52-0000-4000-a000-000000000001";
    let told = json!({
        "oauthAccount": {
            "accountUuid": WHO,
            "organizationUuid": "5d1f7a52-0000-4000-b000-000000000001",
            "emailAddress": "demo@example.com",
        },
        "cachedUsageUtilization": {
            "fetchedAtMs": at(-1).as_millisecond(),
            "accountUuid": WHO,
            "utilization": {
                "five_hour": bucket(42, 135),
                "seven_day": bucket(61, 4_230),
                "seven_day_opus": bucket(78, 4_230),
            },
        },
    });
    std::fs::write(root.join(".claude.json"), told.to_string())?;
    // That there is one is enough; there is nobody to ask, and nothing to ask with.
    std::fs::write(root.join(".credentials.json"), "{}")
}

fn write(root: &Path, number: usize, transcript: &Transcript, now: Timestamp) -> std::io::Result<()> {
    let path = root.join("projects").join(transcript.path);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut lines = String::new();
    for call in 0..transcript.calls {
        // Writing to a `String` cannot fail.
        let _ = writeln!(lines, "{}", row(number, call, transcript, now));
    }
    std::fs::write(path, lines)
}

fn row(number: usize, call: u32, transcript: &Transcript, now: Timestamp) -> serde_json::Value {
    let (first, last) = transcript.span;
    let minutes = first - (first - last) * i64::from(call) / i64::from(transcript.calls.max(2) - 1);
    let time = now.checked_sub(SignedDuration::from_mins(minutes)).unwrap_or(now);
    let turn = u64::from(call);
    let mut row = json!({
        "type": "assistant",
        "uuid": format!("5d1f7a52-0000-4000-9000-{number:04}{call:08}"),
        "sessionId": transcript.session,
        "cwd": transcript.cwd,
        "gitBranch": "main",
        "isSidechain": transcript.agent.is_some(),
        "requestId": format!("req_demo{number:04}{call:016}"),
        "timestamp": text::iso(time),
        "message": {
            "id": format!("msg_demo{number:04}{call:016}"),
            "type": "message",
            "role": "assistant",
            "model": transcript.model,
            "usage": {
                "input_tokens": 4 + turn % 3,
                "output_tokens": 180 + (turn * 137) % 900,
                "cache_read_input_tokens": 14_000 + turn * 2_600,
                "cache_creation_input_tokens": 2_600,
                "cache_creation": { "ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 2_600 },
                "service_tier": "standard",
            },
        },
    });
    if let Some(agent) = transcript.agent {
        row["agentId"] = json!(agent);
    }
    row
}
