//! Why a row of a call is not the one that is believed, by the rules of [`crate::call`].
//!
//! Must not: decide which row is believed. That was decided when the rows were read; here it is told.

use std::cmp::Ordering;

use crate::call::{Origin, Standing, Usage};

/// A row as far as belief depends on it, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// What it counts.
    pub usage: Usage,
    /// It is of a side thread; a progress row around another row is too.
    pub sidechain: bool,
    /// It is a progress row around another row.
    pub wrapped: bool,
    /// Its session, as written.
    pub session: &'a str,
    /// Where it was found.
    pub origin: Origin<'a>,
}

impl Candidate<'_> {
    fn standing(&self) -> Standing {
        Standing::new(self.sidechain, &self.usage)
    }
}

/// Why a row was dropped, against the row that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// All its counts are zero: such a row does not exist, and sets no time.
    AllZero,
    /// A progress row around a subagent's answer; the kept row is of the main thread.
    WrappedReplay,
    /// A side thread replays the answer; the kept row is of the main thread.
    SidechainReplay,
    /// The same but for the output: it was written while the answer was still coming.
    Placeholder,
    /// It counts fewer tokens.
    FewerTokens,
    /// It does not say its speed, the kept one does: an older writing.
    NoSpeed,
    /// The kept row stands earlier in the same file, with the same counts.
    Repeated,
    /// A copy under another session, in a file born later.
    Forked,
    /// A copy in a file born later.
    BornLater,
    /// A copy in a file born at the same moment, whose path comes later.
    LaterPath,
    /// It ranks before the kept row: the ledger has not seen it as it stands now.
    Outranks,
}

impl Reason {
    /// Every reason there is.
    pub const ALL: [Self; 11] = [
        Self::AllZero,
        Self::WrappedReplay,
        Self::SidechainReplay,
        Self::Placeholder,
        Self::FewerTokens,
        Self::NoSpeed,
        Self::Repeated,
        Self::Forked,
        Self::BornLater,
        Self::LaterPath,
        Self::Outranks,
    ];

    /// Its name for programs; it never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AllZero => "all-zero",
            Self::WrappedReplay => "wrapped-replay",
            Self::SidechainReplay => "sidechain-replay",
            Self::Placeholder => "placeholder",
            Self::FewerTokens => "fewer-tokens",
            Self::NoSpeed => "no-speed",
            Self::Repeated => "repeated",
            Self::Forked => "forked",
            Self::BornLater => "born-later",
            Self::LaterPath => "later-path",
            Self::Outranks => "outranks",
        }
    }
}

/// Why `row` was dropped and `kept` was not; another row of the same call, never the same one.
pub fn dropped(row: &Candidate<'_>, kept: &Candidate<'_>) -> Reason {
    if row.usage.is_zero() {
        return Reason::AllZero;
    }
    match row.standing().cmp(&kept.standing()) {
        Ordering::Greater => Reason::Outranks,
        Ordering::Less if row.wrapped && !kept.sidechain => Reason::WrappedReplay,
        Ordering::Less if row.sidechain && !kept.sidechain => Reason::SidechainReplay,
        Ordering::Less if row.usage.tokens.total() == kept.usage.tokens.total() => Reason::NoSpeed,
        Ordering::Less if differs_in_output_only(row, kept) => Reason::Placeholder,
        Ordering::Less => Reason::FewerTokens,
        Ordering::Equal => of_equals(row, kept),
    }
}

/// Rows that are believed alike are told apart by their files.
fn of_equals(row: &Candidate<'_>, kept: &Candidate<'_>) -> Reason {
    if row.origin.path == kept.origin.path {
        return if row.origin.offset < kept.origin.offset { Reason::Outranks } else { Reason::Repeated };
    }
    match row.origin.precedence(&kept.origin) {
        Ordering::Greater => Reason::Outranks,
        _ if row.origin.born_ns == kept.origin.born_ns => Reason::LaterPath,
        _ if row.session != kept.session => Reason::Forked,
        _ => Reason::BornLater,
    }
}

fn differs_in_output_only(row: &Candidate<'_>, kept: &Candidate<'_>) -> bool {
    let output = kept.usage.tokens.output;
    crate::tokens::Tokens { output, ..row.usage.tokens } == kept.usage.tokens
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::call::Terms;
    use crate::tokens::Tokens;

    fn row(input: u64, output: u64, at: u64) -> Candidate<'static> {
        Candidate {
            usage: Usage { tokens: Tokens { input, output, ..Tokens::default() }, ..Usage::default() },
            sidechain: false,
            wrapped: false,
            session: "s1",
            origin: Origin { born_ns: 1, path: b"/a", offset: at },
        }
    }

    fn elsewhere(born_ns: i64, path: &'static [u8], session: &'static str) -> Candidate<'static> {
        Candidate { session, origin: Origin { born_ns, path, offset: 0 }, ..row(3, 300, 0) }
    }

    #[test]
    fn each_rule_has_its_reason() {
        let kept = row(3, 300, 100);
        let side = |row| Candidate { sidechain: true, ..row };
        let with_speed = |mut row: Candidate<'static>| {
            row.usage.terms = Terms { speed_known: true, ..Terms::default() };
            row
        };
        for (row, kept, reason) in [
            (row(0, 0, 0), kept, Reason::AllZero),
            (row(3, 1, 0), kept, Reason::Placeholder),
            (row(2, 300, 0), kept, Reason::FewerTokens),
            (row(3, 300, 200), kept, Reason::Repeated),
            // A copy of the side thread loses even when it counts more.
            (side(row(3, 900, 0)), kept, Reason::SidechainReplay),
            (Candidate { wrapped: true, ..side(row(3, 900, 0)) }, kept, Reason::WrappedReplay),
            // Both are of the side thread: the counts decide.
            (Candidate { wrapped: true, ..side(row(3, 1, 0)) }, side(kept), Reason::Placeholder),
            (kept, with_speed(kept), Reason::NoSpeed),
            (elsewhere(2, b"/b", "s2"), kept, Reason::Forked),
            (elsewhere(2, b"/b", "s1"), kept, Reason::BornLater),
            (elsewhere(1, b"/b", "s1"), kept, Reason::LaterPath),
            (elsewhere(0, b"/b", "s2"), kept, Reason::Outranks),
            (row(3, 301, 0), kept, Reason::Outranks),
            (row(3, 300, 0), kept, Reason::Outranks),
        ] {
            assert_eq!(dropped(&row, &kept), reason, "{row:?}");
        }
    }

    #[test]
    fn reasons_have_names_of_their_own() {
        let codes: HashSet<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
    }

    fn any_row() -> impl Strategy<Value = Candidate<'static>> {
        let paths = proptest::sample::select(vec![b"/a".as_slice(), b"/b", b"/c"]);
        (0_u64..3, 0_u64..3, any::<[bool; 3]>(), 0_i64..2, paths, 0_u64..3).prop_map(
            |(input, output, [sidechain, wrapped, speed_known], born_ns, path, offset)| {
                let mut row = row(input, output, offset);
                row.usage.terms.speed_known = speed_known;
                // One file has one birth.
                let born_ns = if path == b"/a" { 1 } else { born_ns };
                (row.sidechain, row.wrapped) = (sidechain || wrapped, wrapped);
                row.origin = Origin { born_ns, path, offset };
                row
            },
        )
    }

    proptest! {
        #[test]
        fn a_row_outranks_the_kept_one_exactly_when_the_rules_of_belief_say_so(a in any_row(), b in any_row()) {
            let same_file_other_birth = a.origin.path == b.origin.path && a.origin.born_ns != b.origin.born_ns;
            let same_place = a.origin.path == b.origin.path && a.origin.offset == b.origin.offset;
            prop_assume!(!a.usage.is_zero() && !same_file_other_birth && !same_place);
            let order = a.standing().cmp(&b.standing()).then_with(|| a.origin.precedence(&b.origin));
            prop_assert_eq!(dropped(&a, &b) == Reason::Outranks, order.is_gt());
        }
    }
}
