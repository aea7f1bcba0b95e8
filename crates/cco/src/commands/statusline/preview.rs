//! `cco statusline preview`: every preset and the user's own line with made-up data, and what each segment costs.
//!
//! Must not: look at anybody's data.

use std::fmt::Write as _;
use std::time::Instant;

use cco_statusline::colour::Depth;
use cco_statusline::preset::Preset;
use cco_statusline::segments::{SEGMENTS, Segment};
use cco_statusline::settings::Settings;
use cco_statusline::{COLUMNS, Screen};
use serde_json::{Value, json};

use super::sample::Sample;
use crate::args::{CommonArgs, PreviewArgs};
use crate::config::{Config, keys};
use crate::env::Env;
use crate::error::{CliError, Exit};
use crate::home;
use crate::print::fit::{Keep, Squeeze};
use crate::print::table::{align, number, word};
use crate::print::{FAINT, Output, STRONG, json, styled};

/// How often a segment is drawn for its cost to be told.
const DRAWN: usize = 1_000;

/// Runs the command.
pub(super) fn run(
    args: &PreviewArgs,
    common: &CommonArgs,
    env: &Env,
    out: &mut Output,
) -> Result<Exit, CliError> {
    // JSON is for programs, whatever the terminal can show.
    let depth = match common.json || out.is_plain() {
        true => Depth::None,
        false => Depth::of_terminal(env.colorterm.as_deref(), env.term.as_deref()).max(Depth::Ansi),
    };
    let columns = args.columns.map(usize::from).or(env.width).unwrap_or(COLUMNS);
    let screen = Screen { columns, depth };
    let page = match (args.time, common.json) {
        (true, false) => table(screen, env.width),
        (true, true) => {
            json::render(&json!({ "segments": timed(screen).map(segment_json).collect::<Vec<_>>() }))?
        }
        (false, is_json) => {
            let drawn = pictures(args, env)?.into_iter().map(|it| (it.name, it.about, it.draw(screen)));
            if is_json { presets_json(drawn)? } else { presets_page(drawn) }
        }
    };
    out.data(&page)?;
    if !common.json && !args.time {
        out.hint("`cco statusline install --preset NAME` lets Claude Code show one");
    }
    Ok(Exit::Done)
}

/// One status line to look at.
struct Picture {
    name: &'static str,
    about: &'static str,
    settings: Settings,
}

impl Picture {
    fn draw(&self, screen: Screen) -> Vec<String> {
        Sample::usual().draw(&self.settings, screen)
    }
}

/// The presets that were named; else all, and before them what the user set.
fn pictures(args: &PreviewArgs, env: &Env) -> Result<Vec<Picture>, CliError> {
    let named: Vec<Preset> = args.preset.iter().map(|preset| preset.0).collect();
    let presets = if named.is_empty() { Preset::ALL.to_vec() } else { named };
    let presets = presets.into_iter().map(|preset| Picture {
        name: preset.name(),
        about: preset.about(),
        settings: Settings { preset, ..Settings::default() },
    });
    let path = home::config_file(home::folder(env)?.as_deref());
    let settings = keys::statusline::settings(&Config::load(path.as_deref(), env)?);
    let is_set = args.preset.is_empty() && settings != Settings::default();
    let yours = is_set.then_some(Picture {
        name: "yours",
        about: "as `[statusline]` in config.toml sets it",
        settings,
    });
    Ok(yours.into_iter().chain(presets).collect())
}

type Drawn = (&'static str, &'static str, Vec<String>);

fn presets_page(drawn: impl Iterator<Item = Drawn>) -> String {
    let one = |(name, about, lines): Drawn| {
        let about = styled(FAINT, &format!(": {about}"));
        format!("{}{about}\n{}\n", styled(STRONG, name), lines.join("\n"))
    };
    drawn.map(one).collect::<Vec<_>>().join("\n")
}

fn presets_json(drawn: impl Iterator<Item = Drawn>) -> Result<String, CliError> {
    let one = |(name, about, lines): Drawn| json!({ "preset": name, "about": about, "lines": lines });
    json::render(&json!({ "presets": drawn.map(one).collect::<Vec<Value>>() }))
}

/// Every segment, and what a line with nothing else costs, in nanoseconds: the median of many.
fn timed(screen: Screen) -> impl Iterator<Item = (&'static Segment, u128)> {
    let sample = Sample::eventful();
    SEGMENTS.iter().map(move |segment| {
        let settings = Settings { lines: Some(vec![vec![segment.id.to_owned()]]), ..Settings::default() };
        let mut times: Vec<u128> = (0..DRAWN)
            .map(|_| {
                let begun = Instant::now();
                std::hint::black_box(sample.draw(&settings, screen));
                begun.elapsed().as_nanos()
            })
            .collect();
        times.sort_unstable();
        (*segment, times[DRAWN / 2])
    })
}

fn segment_json((segment, nanoseconds): (&Segment, u128)) -> Value {
    json!({
        "id": segment.id,
        "about": segment.about,
        "example": segment.example,
        "nanoseconds": u64::try_from(nanoseconds).unwrap_or(u64::MAX),
    })
}

fn table(screen: Screen, room: Option<usize>) -> String {
    let mut lines = vec![["Segment", "Looks like", "µs", "Shows"].map(str::to_owned).to_vec()];
    lines.extend(timed(screen).map(|(segment, nanoseconds)| {
        let time = format!("{}.{}", nanoseconds / 1_000, nanoseconds / 100 % 10);
        vec![segment.id.to_owned(), segment.example.to_owned(), time, segment.about.to_owned()]
    }));
    let columns = [
        word(0, Squeeze::Never),
        word(2, Squeeze::Before(1, Keep::Start)),
        number(0),
        word(1, Squeeze::Before(9, Keep::Start)),
    ];
    let mut page = String::new();
    for (row, line) in align(lines, &columns, room).iter().enumerate() {
        // Writing to a `String` cannot fail.
        _ = writeln!(page, "{}", if row == 0 { styled(STRONG, line) } else { line.clone() });
    }
    page
}
