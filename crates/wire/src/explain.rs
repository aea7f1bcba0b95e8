//! Where a number comes from, for scripts. Keys stay; further ones may come.
//!
//! Must not: add up anything.

mod call;
mod group;
mod price;
mod session;
mod words;

use std::ops::Range;

use cco_engine::explain::{CallStory, GroupStory, SessionStory};
use cco_model::call::Usage;
use cco_model::tokens::Tokens;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use self::call::Call;
use self::group::Group;
use self::session::Session;
pub use self::words::words;
use crate::text;

/// `{"call":…}`.
pub fn call(story: &CallStory) -> impl Serialize {
    #[derive(Serialize)]
    struct Document<'a> {
        call: Call<'a>,
    }
    Document { call: Call::new(story) }
}

/// `{"session":…}`.
pub fn session<'a>(name: &'a str, story: &'a SessionStory) -> impl Serialize + 'a {
    #[derive(Serialize)]
    struct Document<'a> {
        session: Session<'a>,
    }
    Document { session: Session::new(name, story) }
}

/// `{"day":…}`.
pub fn day(day: Date, story: &GroupStory, zone: &TimeZone) -> impl Serialize {
    Document::Day {
        date: day.to_string(),
        timezone: zone.iana_name().map(str::to_owned),
        group: Group::new(story),
    }
}

/// `{"project":…}`.
pub fn project(path: &str, story: &GroupStory) -> impl Serialize {
    Document::Project { project: text::whole_project(path), path: path.to_owned(), group: Group::new(story) }
}

/// `{"period":…}`: a stretch of time, half-open.
pub fn period(range: &Range<Timestamp>, story: &GroupStory, zone: &TimeZone) -> impl Serialize {
    Document::Period {
        start: text::iso(range.start),
        end_exclusive: text::iso(range.end),
        timezone: zone.iana_name().map(str::to_owned),
        group: Group::new(story),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Document<'a> {
    Period {
        start: String,
        end_exclusive: String,
        timezone: Option<String>,
        #[serde(flatten)]
        group: Group<'a>,
    },
    Day {
        date: String,
        timezone: Option<String>,
        #[serde(flatten)]
        group: Group<'a>,
    },
    Project {
        project: String,
        path: String,
        #[serde(flatten)]
        group: Group<'a>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(rename = "cacheCreation5mTokens")]
    cache_creation_5m_tokens: u64,
    #[serde(rename = "cacheCreation1hTokens")]
    cache_creation_1h_tokens: u64,
    cache_read_tokens: u64,
    total_tokens: u64,
    web_searches: u64,
}

impl Counts {
    fn new(tokens: &Tokens, web_searches: u64) -> Self {
        Self {
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            cache_creation_5m_tokens: tokens.cache_write_5m,
            cache_creation_1h_tokens: tokens.cache_write_1h,
            cache_read_tokens: tokens.cache_read,
            total_tokens: tokens.total(),
            web_searches,
        }
    }

    fn of(usage: &Usage) -> Self {
        Self::new(&usage.tokens, usage.web_search)
    }
}
