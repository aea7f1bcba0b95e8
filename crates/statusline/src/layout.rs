//! Putting segments on a line: what gives way when they do not fit, what stands between them, and their colours.
//!
//! Must not: know what a segment says.

use crate::Screen;
use crate::colour::{Colour, Depth, style};
use crate::preset::Look;
use crate::scene::Scene;
use crate::segments::{Piece, Segment};
use crate::settings::{Item, Settings};
use crate::width::{cut, width};
use anstyle::AnsiColor;

/// Side by side, these are one thing: times and limits.
const TIMES: [&str; 3] = ["clock", "five_hour", "week"];
/// Text of the user's gives way after what tells of the session, before what counts.
const TEXT_PRIORITY: u8 = 28;
const TEXT_GROUND: u8 = 236;
/// What stands where nothing fits.
const CUT: &str = "…";

/// What can be drawn on one line.
pub(crate) struct Line {
    placed: Vec<Placed>,
}

/// One thing that has something to say.
struct Placed {
    segment: Option<&'static Segment>,
    piece: Piece,
    /// Of each form.
    widths: Vec<usize>,
    /// The form that is drawn; none: it gave way.
    form: Option<usize>,
}

impl Placed {
    fn new(segment: Option<&'static Segment>, piece: Piece) -> Self {
        let widths = piece.forms.iter().map(|form| width(form)).collect();
        Self { segment, piece, widths, form: Some(0) }
    }

    fn priority(&self) -> u8 {
        self.segment.map_or(TEXT_PRIORITY, |segment| segment.priority)
    }

    /// It can be shorter than it is.
    fn can_give_way(&self) -> bool {
        self.form.is_some_and(|form| form + 1 < self.widths.len())
    }

    fn is_time(&self) -> bool {
        self.segment.is_some_and(|segment| TIMES.contains(&segment.id))
    }

    fn text(&self) -> &str {
        self.form.map_or("", |form| &self.piece.forms[form])
    }

    /// The colour of its text on the terminal's own ground.
    fn colour(&self, settings: &Settings) -> Colour {
        let level = self.piece.level.map(|percent| level_colour(percent, settings.thresholds));
        let own = self.segment.and_then(|segment| settings.colour(segment.id));
        let usual = self.segment.map_or(Colour::DEFAULT, |segment| segment.colour);
        if self.piece.alarming { ALARM } else { level.or(own).unwrap_or(usual) }
    }
}

const ALARM: Colour = Colour::ansi(AnsiColor::Red);

/// Green, then cyan, magenta and red: colours that can be read on light and dark grounds.
fn level_colour(percent: i32, thresholds: [u8; 3]) -> Colour {
    let passed = thresholds.iter().filter(|threshold| percent >= i32::from(**threshold)).count();
    Colour::ansi([AnsiColor::Green, AnsiColor::Cyan, AnsiColor::Magenta, AnsiColor::Red][passed])
}

impl Line {
    /// What the items have to say.
    pub(crate) fn of(scene: &Scene<'_>, items: &[Item]) -> Self {
        let piece = |item: &Item| match item {
            Item::Segment(segment) => (segment.build)(scene).map(|piece| Placed::new(Some(*segment), piece)),
            Item::Text(text) if text.trim().is_empty() => None,
            Item::Text(text) => Some(Placed::new(None, Piece::new(text))),
        };
        Self { placed: items.iter().filter_map(piece).collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.placed.is_empty()
    }

    /// As text of at most so many columns, never blank unless there is no column.
    pub(crate) fn draw(mut self, settings: &Settings, look: Look, screen: Screen) -> String {
        self.fit(look, screen.columns);
        let drawn: Vec<&Placed> = self.placed.iter().filter(|placed| placed.form.is_some()).collect();
        match drawn[..] {
            // Half a number is another number; a warning is a warning all the same.
            [only] if self.width(look) > screen.columns => {
                cut(if only.piece.alarming { only.text() } else { CUT }, screen.columns)
            }
            _ if look.bars && screen.depth > Depth::None => bars(&drawn, settings, screen.depth),
            _ => plain(&drawn, settings, look, screen.depth),
        }
    }

    /// Makes it fit: the least important gets its shorter forms first, then the least important is left out. What has
    /// room again at the end gets its longer forms back, the most important first. One is always left.
    fn fit(&mut self, look: Look, columns: usize) {
        while self.width(look) > columns {
            let least = |can: fn(&Placed) -> bool| {
                let drawn = self.placed.iter().enumerate().filter(|(_, placed)| placed.form.is_some());
                drawn.filter(|(_, placed)| can(placed)).min_by_key(|(_, placed)| placed.priority())
            };
            let drawn = self.placed.iter().filter(|placed| placed.form.is_some()).count();
            if let Some((index, _)) = least(Placed::can_give_way) {
                self.placed[index].form = self.placed[index].form.map(|form| form + 1);
            } else if let Some((index, _)) = least(|_| true).filter(|_| drawn > 1) {
                self.placed[index].form = None;
            } else {
                return;
            }
        }
        let mut order: Vec<usize> = (0..self.placed.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(self.placed[*index].priority()));
        for index in order {
            self.lengthen(index, look, columns);
        }
    }

    /// The longest form of one that still fits.
    fn lengthen(&mut self, index: usize, look: Look, columns: usize) {
        let Some(now) = self.placed[index].form else { return };
        for form in 0..now {
            self.placed[index].form = Some(form);
            if self.width(look) <= columns {
                return;
            }
        }
        self.placed[index].form = Some(now);
    }

    /// The columns of what is drawn, with what stands between: one each, and in bars a blank on both sides as well.
    fn width(&self, look: Look) -> usize {
        let widths = self.placed.iter().filter_map(|placed| Some(placed.widths[placed.form?]));
        let (count, sum) = widths.fold((0, 0), |(count, sum), width| (count + 1, sum + width));
        if look.bars { sum + 3 * count } else { sum + usize::saturating_sub(count, 1) }
    }
}

/// Segments with a blank between them, times with a bar.
fn plain(drawn: &[&Placed], settings: &Settings, look: Look, depth: Depth) -> String {
    let mut line = String::new();
    for (index, placed) in drawn.iter().enumerate() {
        if index > 0 {
            let both_times = drawn[index - 1].is_time() && placed.is_time();
            line.push_str(match (look.bars, both_times) {
                (true, _) => THIN,
                (false, true) => "|",
                (false, false) => " ",
            });
        }
        let bold = placed.piece.alarming;
        let style = style(placed.colour(settings), Colour::DEFAULT, bold, depth);
        let text = linked(placed, depth);
        let blanks = if look.bars { " " } else { "" };
        line += &format!("{blanks}{style}{text}{style:#}{blanks}");
    }
    line
}

/// What parts bars, and what parts them where there are no colours.
const ARROW: &str = "\u{e0b0}";
const THIN: &str = "\u{e0b1}";

/// Each segment on a ground of its own, an arrow from one to the next.
fn bars(drawn: &[&Placed], settings: &Settings, depth: Depth) -> String {
    let mut line = String::new();
    let ground_of = |placed: &Placed| match (placed.piece.level, placed.segment) {
        _ if placed.piece.alarming => Colour::fixed(124),
        (Some(percent), _) => level_ground(percent, settings.thresholds),
        (None, Some(segment)) => settings.colour(segment.id).unwrap_or(Colour::fixed(segment.ground)),
        (None, None) => Colour::fixed(TEXT_GROUND),
    };
    for (index, placed) in drawn.iter().enumerate() {
        let ground = ground_of(placed);
        let next = drawn.get(index + 1).map_or(Colour::DEFAULT, |next| ground_of(next));
        let text = style(WHITE, ground, placed.piece.alarming, depth);
        let arrow = if next == ground {
            style(WHITE, ground, false, depth)
        } else {
            style(ground, next, false, depth)
        };
        let sign = if next == ground { THIN } else { ARROW };
        line += &format!("{text} {} {text:#}{arrow}{sign}{arrow:#}", linked(placed, depth));
    }
    line
}

const WHITE: Colour = Colour::fixed(255);

/// Dark grounds of the same meaning as the colours of text.
fn level_ground(percent: i32, thresholds: [u8; 3]) -> Colour {
    let passed = thresholds.iter().filter(|threshold| percent >= i32::from(**threshold)).count();
    Colour::fixed([22, 24, 90, 124][passed])
}

/// The text, as a link where it leads somewhere and the terminal draws more than plain text.
fn linked(placed: &Placed, depth: Depth) -> String {
    match &placed.piece.link {
        Some(link) if depth > Depth::None => {
            format!("\u{1b}]8;;{link}\u{1b}\\{}\u{1b}]8;;\u{1b}\\", placed.text())
        }
        _ => placed.text().to_owned(),
    }
}
