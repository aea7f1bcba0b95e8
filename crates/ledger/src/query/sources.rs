//! Where the calls come from: transcripts, and how asking the service went.

use std::path::PathBuf;

use crate::write::path_of;
use crate::{Ledger, LedgerError};

/// A transcript, and what could not be taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptFacts {
    /// Where it was last seen.
    pub path: PathBuf,
    /// It is gone.
    pub gone: bool,
    /// Its size when it was last read.
    pub bytes: u64,
    /// When it was last written to, nanoseconds since 1970 UTC.
    pub written_ns: i64,
    /// Lines that were damaged.
    pub damaged_lines: u64,
    /// Rows that do not count: without a time, or with impossible counts.
    pub skipped_rows: u64,
}

/// When the service was last asked for limits, UTC milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastAsked {
    /// And answered.
    pub success_ms: Option<i64>,
    /// And did not.
    pub failure_ms: Option<i64>,
}

impl Ledger {
    /// Every transcript that ever was.
    pub fn transcript_facts(&self) -> Result<Vec<TranscriptFacts>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT path, gone, size, mtime_ns, damaged_lines,
                 (SELECT count(*) FROM soft_error WHERE transcript_id = transcript.id AND kind <> 1)
             FROM transcript",
        )?;
        let rows = select.query_map([], |row| {
            let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            Ok(TranscriptFacts {
                path: path_of(row.get(0)?),
                gone: row.get(1)?,
                bytes: count(2)?,
                written_ns: row.get(3)?,
                damaged_lines: count(4)?,
                skipped_rows: count(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When asking the service last went well, and when not, for any account.
    pub fn last_asked(&self) -> Result<LastAsked, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT max(CASE WHEN outcome = 'ok' THEN at_ms END), max(CASE WHEN outcome <> 'ok' THEN at_ms END)
             FROM attempt",
        )?;
        Ok(select.query_row([], |row| Ok(LastAsked { success_ms: row.get(0)?, failure_ms: row.get(1)? }))?)
    }

    /// The days of the ledger's zone with calls in a range of UTC milliseconds, each as such a range, in order.
    pub fn days_with_calls(
        &self,
        range: &std::ops::Range<i64>,
    ) -> Result<Vec<std::ops::Range<i64>>, LedgerError> {
        let day = |at_ms| crate::rollup::day_number(cco_model::civil::day_of(at_ms, &self.zone));
        let mut select = self.connection.prepare_cached(
            "SELECT DISTINCT bucket FROM rollup WHERE kind = 4 AND bucket BETWEEN ?1 AND ?2 ORDER BY bucket",
        )?;
        let days = select.query_map([day(range.start), day(range.end)], |row| row.get::<_, i64>(0))?;
        let mut ranges = Vec::new();
        for number in days {
            let day = crate::rollup::day_of_number(number?);
            ranges.push(cco_model::civil::day_range_ms(Some(day), Some(day), &self.zone));
        }
        Ok(ranges)
    }
}
