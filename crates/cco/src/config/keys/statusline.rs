//! The keys of `[statusline]`: what their values must be, and the settings that they come to.

use cco_statusline::colour::{Colour, NAMES};
use cco_statusline::preset::Preset;
use cco_statusline::segments::{self, SEGMENTS};
use cco_statusline::settings::{Item, Settings, Wish};
use cco_wire::names::nearest;

use super::super::Config;
use super::{Complaint, Value};

/// Which ready-made line is drawn.
pub(crate) const PRESET: &str = "statusline.preset";
/// Segments, line by line.
pub(crate) const LINES: &str = "statusline.lines";
/// Whether colours are drawn.
pub(crate) const COLOR: &str = "statusline.color";
/// Colours of segments.
pub(crate) const COLORS: &str = "statusline.colors";
/// From where on a limit is drawn in another colour.
pub(crate) const THRESHOLDS: &str = "statusline.thresholds";
/// Where the context is compacted.
pub(crate) const COMPACT_AT: &str = "statusline.compact_at";
/// Whether a pull request is a link.
pub(crate) const LINKS: &str = "statusline.links";

/// What `[statusline]` sets; each value was checked when it was read.
pub(crate) fn settings(config: &Config) -> Settings {
    let mut settings = Settings::default();
    let value = |key| config.value(key).map(|sourced| &sourced.value);
    if let Some(Value::Text(name)) = value(PRESET) {
        settings.preset = preset(name).unwrap_or_default();
    }
    if let Some(Value::Lists(lines)) = value(LINES) {
        settings.lines = Some(lines.clone());
    }
    if let Some(Value::Text(name)) = value(COLOR) {
        settings.color = wish(name).unwrap_or(Wish::Auto);
    }
    if let Some(Value::Wholes(percents)) = value(THRESHOLDS) {
        let percents: Vec<u8> = percents.iter().filter_map(|percent| u8::try_from(*percent).ok()).collect();
        settings.thresholds = <[u8; 3]>::try_from(percents).unwrap_or(settings.thresholds);
    }
    if let Some(Value::Whole(percent)) = value(COMPACT_AT) {
        settings.compact_at = u8::try_from(*percent).unwrap_or(settings.compact_at);
    }
    if let Some(Value::Flag(links)) = value(LINKS) {
        settings.links = *links;
    }
    if let Some(Value::Texts(colors)) = value(COLORS) {
        let pairs = colors.iter().filter_map(|pair| pair.split_once('='));
        settings.colors =
            pairs.map(|(id, colour)| (id.trim().to_owned(), colour.trim().to_owned())).collect();
    }
    settings
}

fn preset(name: &str) -> Option<Preset> {
    Preset::ALL.into_iter().find(|preset| preset.name() == name)
}

fn wish(name: &str) -> Option<Wish> {
    Wish::ALL.into_iter().find(|wish| wish.name() == name)
}

/// A preset that exists.
pub(super) fn check_preset(value: &Value) -> Result<(), Complaint> {
    let Value::Text(name) = value else { return Ok(()) };
    one_of("preset", name, &Preset::ALL.map(Preset::name))
}

/// A wish that there is.
pub(super) fn check_color(value: &Value) -> Result<(), Complaint> {
    let Value::Text(name) = value else { return Ok(()) };
    one_of("choice", name, &Wish::ALL.map(Wish::name))
}

fn one_of(what: &str, given: &str, known: &[&'static str]) -> Result<(), Complaint> {
    if known.contains(&given) {
        return Ok(());
    }
    let hint = match nearest(given, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("there are {}", known.join(", ")),
    };
    Err(Complaint { message: format!("no {what} is called {given:?}"), hint })
}

/// Lines of segments that exist.
pub(super) fn check_lines(value: &Value) -> Result<(), Complaint> {
    let Value::Lists(lines) = value else { return Ok(()) };
    lines.iter().flatten().try_for_each(|id| Item::parse(id).map(|_| ()).or_else(|_| no_segment(id)))
}

fn no_segment(id: &str) -> Result<(), Complaint> {
    let known = || SEGMENTS.iter().map(|segment| segment.id);
    let hint = match nearest(id, known()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => {
            format!("there are {}; \"text:WORDS\" is text of yours", known().collect::<Vec<_>>().join(", "))
        }
    };
    Err(Complaint { message: format!("no segment is called {id:?}"), hint })
}

/// Segments that exist, each with a colour.
pub(super) fn check_colors(value: &Value) -> Result<(), Complaint> {
    let Value::Texts(colors) = value else { return Ok(()) };
    colors.iter().try_for_each(|pair| {
        let Some((id, colour)) = pair.split_once('=') else {
            let hint = "a segment and its colour, for example: \"dir=blue\"".to_owned();
            return Err(Complaint { message: format!("{pair:?} has no `=`"), hint });
        };
        if segments::find(id.trim()).is_none() {
            return no_segment(id.trim());
        }
        colour.trim().parse::<Colour>().map(|_| ()).map_err(|error| {
            let hint = match nearest(colour.trim(), NAMES) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("{}, bright_ of these, 0 to 255, #rrggbb or default", NAMES.join(", ")),
            };
            Complaint { message: error.to_string(), hint }
        })
    })
}

/// Three percentages that rise.
pub(super) fn check_thresholds(value: &Value) -> Result<(), Complaint> {
    let Value::Wholes(percents) = value else { return Ok(()) };
    let right = percents.len() == 3 && percents.is_sorted() && percents.iter().all(|percent| *percent <= 200);
    if right {
        return Ok(());
    }
    let hint = "half used, near the end, almost full, for example: thresholds = [50, 80, 95]".to_owned();
    Err(Complaint { message: "three percentages that rise are wanted".to_owned(), hint })
}

/// A percentage of the window.
pub(super) fn check_compact_at(value: &Value) -> Result<(), Complaint> {
    match value {
        Value::Whole(101..) => Err(Complaint {
            message: "no more than 100 percent of a window can be used".to_owned(),
            hint: "for example: compact_at = 83".to_owned(),
        }),
        _ => Ok(()),
    }
}
