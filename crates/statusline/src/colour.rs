//! Colours: their names, and what is left of them on terminals that have fewer.
//!
//! Must not: know what is painted.

use std::fmt;
use std::str::FromStr;

use anstyle::{Ansi256Color, AnsiColor, Color, RgbColor, Style};

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None are wanted.
    None,
    /// The 16 that a theme sets.
    Ansi,
    /// 256.
    Fixed,
    /// Any.
    True,
}

impl Depth {
    /// What a terminal has, as it says in `COLORTERM` and `TERM`.
    pub fn of_terminal(colorterm: Option<&str>, term: Option<&str>) -> Self {
        match (colorterm, term) {
            (_, Some("dumb")) => Self::None,
            (Some("truecolor" | "24bit"), _) => Self::True,
            (_, Some(term)) if term.contains("direct") => Self::True,
            (_, Some(term)) if term.contains("256color") => Self::Fixed,
            _ => Self::Ansi,
        }
    }
}

/// A colour as it is configured: `blue`, `bright_red`, `208`, `#ff8800`, or `default`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Colour(Option<Color>);

/// The colour that a text means, or what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoColour(String);

impl fmt::Display for NoColour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no colour", self.0)
    }
}

impl std::error::Error for NoColour {}

/// The names of the 16 colours, `bright_` aside.
pub const NAMES: [&str; 8] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

const ANSI: [AnsiColor; 16] = [
    AnsiColor::Black,
    AnsiColor::Red,
    AnsiColor::Green,
    AnsiColor::Yellow,
    AnsiColor::Blue,
    AnsiColor::Magenta,
    AnsiColor::Cyan,
    AnsiColor::White,
    AnsiColor::BrightBlack,
    AnsiColor::BrightRed,
    AnsiColor::BrightGreen,
    AnsiColor::BrightYellow,
    AnsiColor::BrightBlue,
    AnsiColor::BrightMagenta,
    AnsiColor::BrightCyan,
    AnsiColor::BrightWhite,
];

/// What terminals draw the 16 colours as, mostly.
const ANSI_RGB: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The steps of a channel in the cube of 216 colours.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl Colour {
    /// The terminal's own.
    pub const DEFAULT: Self = Self(None);

    /// One of the 16.
    pub const fn ansi(colour: AnsiColor) -> Self {
        Self(Some(Color::Ansi(colour)))
    }

    /// One of the 256.
    pub const fn fixed(number: u8) -> Self {
        Self(Some(Color::Ansi256(Ansi256Color(number))))
    }

    /// The same on a terminal of this depth.
    fn at(self, depth: Depth) -> Option<Color> {
        let colour = self.0?;
        match (depth, colour) {
            (Depth::None, _) => None,
            (Depth::Fixed, Color::Rgb(rgb)) => Some(Color::Ansi256(Ansi256Color(nearest_fixed(rgb)))),
            (Depth::Ansi, Color::Rgb(rgb)) => Some(nearest_ansi((rgb.0, rgb.1, rgb.2)).into()),
            (Depth::Ansi, Color::Ansi256(fixed)) => Some(nearest_ansi(rgb_of_fixed(fixed.0)).into()),
            _ => Some(colour),
        }
    }
}

/// Text in one colour on another.
pub(crate) fn style(text: Colour, ground: Colour, bold: bool, depth: Depth) -> Style {
    let style = Style::new().fg_color(text.at(depth)).bg_color(ground.at(depth));
    if bold && depth > Depth::None { style.bold() } else { style }
}

fn rgb_of_fixed(number: u8) -> (u8, u8, u8) {
    match number {
        0..16 => ANSI_RGB[usize::from(number)],
        16..232 => {
            let number = usize::from(number - 16);
            (CUBE[number / 36], CUBE[number / 6 % 6], CUBE[number % 6])
        }
        232.. => {
            let grey = 8 + 10 * (number - 232);
            (grey, grey, grey)
        }
    }
}

fn nearest_fixed(rgb: RgbColor) -> u8 {
    let far = |number: &u8| distance(rgb_of_fixed(*number), (rgb.0, rgb.1, rgb.2));
    (16..=255).min_by_key(far).unwrap_or(16)
}

fn nearest_ansi(rgb: (u8, u8, u8)) -> AnsiColor {
    let far = |number: &usize| distance(ANSI_RGB[*number], rgb);
    ANSI[(0..ANSI.len()).min_by_key(far).unwrap_or(0)]
}

fn distance(one: (u8, u8, u8), other: (u8, u8, u8)) -> u32 {
    let far = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    far(one.0, other.0) + far(one.1, other.1) + far(one.2, other.2)
}

impl FromStr for Colour {
    type Err = NoColour;

    fn from_str(text: &str) -> Result<Self, NoColour> {
        let wrong = || NoColour(text.to_owned());
        if text == "default" {
            return Ok(Self::DEFAULT);
        }
        if let Some(hex) = text.strip_prefix('#') {
            let [_, red, green, blue] =
                u32::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 6).ok_or_else(wrong)?.to_be_bytes();
            return Ok(Self(Some(Color::Rgb(RgbColor(red, green, blue)))));
        }
        if let Ok(number) = text.parse() {
            return Ok(Self::fixed(number));
        }
        let (name, bright) = match text.strip_prefix("bright_") {
            Some(name) => (name, NAMES.len()),
            None => (text, 0),
        };
        let number = NAMES.iter().position(|known| *known == name).ok_or_else(wrong)?;
        Ok(Self::ansi(ANSI[number + bright]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, depth: Depth) -> String {
        style(text.parse().unwrap(), Colour::DEFAULT, false, depth).render().to_string()
    }

    #[test]
    fn a_colour_is_the_nearest_that_the_terminal_has() {
        let rows = [
            ("default", ["", "", "", ""]),
            ("blue", ["", "\u{1b}[34m", "\u{1b}[34m", "\u{1b}[34m"]),
            ("bright_red", ["", "\u{1b}[91m", "\u{1b}[91m", "\u{1b}[91m"]),
            ("208", ["", "\u{1b}[33m", "\u{1b}[38;5;208m", "\u{1b}[38;5;208m"]),
            ("#ff8700", ["", "\u{1b}[33m", "\u{1b}[38;5;208m", "\u{1b}[38;2;255;135;0m"]),
            ("#010101", ["", "\u{1b}[30m", "\u{1b}[38;5;16m", "\u{1b}[38;2;1;1;1m"]),
        ];
        for (text, expected) in rows {
            let all = [Depth::None, Depth::Ansi, Depth::Fixed, Depth::True].map(|depth| drawn(text, depth));
            assert_eq!(all, expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_colour_is_refused() {
        for text in ["", "purple", "256", "-1", "#12345", "#1234567", "#gggggg", "bright_208", "#é12345"] {
            assert_eq!(text.parse::<Colour>(), Err(NoColour(text.to_owned())));
        }
    }

    #[test]
    fn the_terminal_says_how_many_colours_it_has() {
        let of = |colorterm: &'static str, term: &'static str| {
            let told = |text: &'static str| Some(text).filter(|text| !text.is_empty());
            Depth::of_terminal(told(colorterm), told(term))
        };
        assert_eq!(of("truecolor", "xterm"), Depth::True);
        assert_eq!(of("24bit", ""), Depth::True);
        assert_eq!(of("", "xterm-256color"), Depth::Fixed);
        assert_eq!(of("yes", "xterm"), Depth::Ansi);
        assert_eq!(of("", ""), Depth::Ansi);
        assert_eq!(of("truecolor", "dumb"), Depth::None);
    }
}
