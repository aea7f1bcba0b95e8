//! The status line itself.
// lead replaces this: only what `cco statusline` needs to print a line at all.

use cco_statusline::payload::Payload;
use cco_statusline::settings::Settings;
use cco_statusline::snapshot::Snapshot;
use cco_statusline::{COLUMNS, Nearby, Scene, Screen, render};

use crate::env::Env;
use crate::error::{CliError, Exit};
use crate::print::Output;

/// Draws the line for what stands on stdin.
pub(crate) fn draw(env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let (payload, snapshot, nearby, settings) =
        (Payload::default(), Snapshot::default(), Nearby::default(), Settings::default());
    let scene = Scene {
        payload: &payload,
        snapshot: &snapshot,
        nearby: &nearby,
        settings: &settings,
        now_ms: env.now.as_millisecond(),
        zone: None,
    };
    let screen = Screen { columns: env.width.unwrap_or(COLUMNS), depth: env.colours };
    out.data(&(render(&scene, screen).join("\n") + "\n"))?;
    Ok(Exit::Done)
}
