//! Which calls a request means: a stretch of time, and what they have in common.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use cco_engine::Engine;
use cco_engine::report::{Named, Only};
use cco_engine::stats::{Scope, UNKNOWN_TIER, hour_of};
use cco_model::civil;
use cco_wire::names::{account_label, called, is_project};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use utoipa::IntoParams;

use super::Api;
use super::answer::Failure;
use super::asked::{Asked, meant, short};
use super::problem::Problem;
use crate::setup::Http;

/// The parameters that every route of statistics knows.
pub(super) const PARAMETERS: [&str; 8] =
    ["period", "from", "to", "project", "model", "account", "branch", "timezone"];

/// The same, as the API describes them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes; Filter reads them")]
pub(super) struct Described {
    /// The calendar's, the one that holds now, or all time; a day without it where the route says nothing else
    period: Option<String>,
    /// In place of a period, also where one is given: RFC 3339, or a day of the zone from its start on (`2026-11-01`)
    from: Option<String>,
    /// RFC 3339, not among them; or a day, to its end
    to: Option<String>,
    /// A path, or its last folders; one that nobody knows has no calls, and is no mistake
    project: Option<Vec<String>>,
    /// A tier, a model, or a part of a model's name
    model: Option<Vec<String>>,
    /// A name or an address
    account: Option<Vec<String>>,
    /// A branch; one that nobody knows has no calls, and is no mistake
    branch: Option<Vec<String>>,
    /// Whose hours and days; the daemon's without it
    timezone: Option<String>,
}

/// What calls without a name are called by those who ask for them.
const UNKNOWN: &str = "unknown";
/// Kinds of models, with or without calls.
const TIERS: [&str; 6] = ["Opus", "Sonnet", "Haiku", "Fable", "Mythos", UNKNOWN_TIER];

/// A stretch of time that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Hour,
    Day,
    Week,
    Month,
    /// From the first call on.
    All,
    /// What `from` and `to` say.
    Custom,
}

impl Period {
    pub(super) const WORDS: [(&'static str, Self); 5] = [
        ("hour", Self::Hour),
        ("day", Self::Day),
        ("week", Self::Week),
        ("month", Self::Month),
        ("all", Self::All),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, period)| *period == self).map_or("custom", |(name, _)| name)
    }
}

/// What a request says of the calls that it means.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) period: Period,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    pub(super) zone: TimeZone,
    pub(super) now: Timestamp,
    projects: Vec<String>,
    models: Vec<String>,
    accounts: Vec<String>,
    branches: Vec<String>,
}

impl Filter {
    pub(super) fn new(api: &Api, settings: &Http, asked: &Asked) -> Result<Self, Problem> {
        let period = asked.word("period", &Period::WORDS)?;
        let zone = asked.zone("timezone")?.unwrap_or_else(|| settings.zone.clone());
        let (from, to) = (asked.start("from", &zone)?, asked.end("to", &zone)?);
        if let (Some(from), Some(to)) = (from, to) {
            // A day that ends where `from` begins is before it; an instant that is the same is a time without calls.
            let is_day_before = to == from && asked.start("to", &zone)? < Some(to);
            if to < from || is_day_before {
                return Err(Problem::parameter("to", "to is before from").hint("change the two"));
            }
        }
        let all = |name| asked.all(name).map(str::to_owned).collect();
        let is_custom = from.is_some() || to.is_some();
        Ok(Self {
            period: if is_custom { Period::Custom } else { period.unwrap_or(Period::Day) },
            from,
            to,
            zone,
            now: (api.clock)(),
            projects: all("project"),
            models: all("model"),
            accounts: all("account"),
            branches: all("branch"),
        })
    }

    /// The name of the zone.
    pub(super) fn zone_name(&self) -> String {
        let offset = || self.zone.to_offset(self.now).to_string();
        self.zone.iana_name().map_or_else(offset, str::to_owned)
    }

    /// The calls that are meant.
    pub(super) fn scope(&self, engine: &Engine) -> Result<Scope, Failure> {
        Ok(Scope { range: self.range(engine)?, zone: self.zone.clone(), only: self.only(engine)? })
    }

    /// From when until before when.
    pub(super) fn range(&self, engine: &Engine) -> Result<Range<Timestamp>, Failure> {
        let now = self.now.to_zoned(self.zone.clone());
        let day = now.date();
        let days = |first, last| {
            let range = civil::day_range_ms(Some(first), Some(last), &self.zone);
            civil::timestamp(range.start)..civil::timestamp(range.end)
        };
        Ok(match self.period {
            Period::Hour => hour_of(self.now, &self.zone),
            Period::Day => days(day, day),
            Period::Week => {
                let monday = civil::week_start(day);
                days(monday, monday.saturating_add(6.days()))
            }
            Period::Month => days(day.first_of_month(), day.last_of_month()),
            Period::All => {
                let today = days(day, day);
                let (first, last) = engine.first_and_last_call()?.unwrap_or((today.start, today.start));
                // A call of a clock that was wrong counts too.
                first..today.end.max(after(last))
            }
            Period::Custom => {
                let first = || engine.first_and_last_call().map(|ends| ends.map(|(first, _)| first));
                match (self.from, self.to) {
                    (Some(from), Some(to)) => from..to,
                    // What is to come is empty, and where it was asked for.
                    (Some(from), None) => from..after(self.now).max(from),
                    (None, to) => {
                        let to = to.unwrap_or(after(self.now));
                        first()?.map_or(to, |first| first.min(to))..to
                    }
                }
            }
        })
    }

    /// The range ends with the present, and is another one a moment later.
    pub(super) fn moves_on(&self) -> bool {
        self.period == Period::Custom && self.to.is_none()
    }

    /// From when on the same words mean another range.
    pub(super) fn period_end(&self, range: &Range<Timestamp>) -> Timestamp {
        match self.period {
            Period::Hour | Period::Day | Period::Week | Period::Month => range.end,
            // A day more of no calls: told by the sessions of today.
            Period::All | Period::Custom => Timestamp::MAX,
        }
    }

    /// The ids of what was named.
    pub(super) fn only(&self, engine: &Engine) -> Result<Only, Failure> {
        Ok(Only {
            projects: self.projects(engine)?,
            branches: self.branches(engine)?,
            models: self.models(engine)?,
            accounts: self.accounts(engine)?,
        })
    }

    /// A project without calls is no mistake.
    fn projects(&self, engine: &Engine) -> Result<Option<BTreeSet<i64>>, Failure> {
        chosen(
            &self.projects,
            || engine.named(Named::Project).map_err(Failure::from),
            |name, known| {
                let of = known.iter().filter(|(_, path)| is_project(path, name)).map(|(id, _)| *id);
                Ok(of.chain(is_unknown(name).then_some(0)).collect())
            },
        )
    }

    fn branches(&self, engine: &Engine) -> Result<Option<BTreeSet<i64>>, Failure> {
        chosen(
            &self.branches,
            || engine.named(Named::Branch).map_err(Failure::from),
            |name, known| {
                let of = known.iter().filter(|(_, branch)| **branch == *name).map(|(id, _)| *id);
                Ok(of.chain(is_unknown(name).then_some(0)).collect())
            },
        )
    }

    /// A kind of model, and whatever has the word in its name; else a model, or a part of its name.
    fn models(&self, engine: &Engine) -> Result<Option<BTreeSet<i64>>, Failure> {
        chosen(
            &self.models,
            || engine.named(Named::Model).map_err(Failure::from),
            |name, known| {
                let ids = |means: &dyn Fn(&str) -> bool| -> BTreeSet<i64> {
                    known.iter().filter(|(_, model)| means(model)).map(|(id, _)| *id).collect()
                };
                let wanted = name.to_lowercase();
                let has_it = |model: &str| model.to_lowercase().contains(&wanted);
                if TIERS.iter().any(|tier| tier.eq_ignore_ascii_case(name)) {
                    // A model that is newer than the price list has no tier, but its name says it.
                    return Ok(ids(&|model| engine.tier(model).eq_ignore_ascii_case(name) || has_it(model)));
                }
                let exactly = ids(&|model| model == name);
                if !exactly.is_empty() || engine.tier(name) != UNKNOWN_TIER {
                    return Ok(exactly);
                }
                let like = ids(&has_it);
                if name.is_empty() || like.is_empty() {
                    let names: Vec<&str> =
                        TIERS.into_iter().chain(known.iter().map(|(_, model)| &**model)).collect();
                    return Err(unknown("model", name, &names));
                }
                Ok(like)
            },
        )
    }

    fn accounts(&self, engine: &Engine) -> Result<Option<BTreeSet<i64>>, Failure> {
        let known = if self.accounts.is_empty() { Vec::new() } else { engine.accounts()? };
        chosen(
            &self.accounts,
            || Ok(Vec::new()),
            |name, _| {
                let of = known.iter().filter(|account| called(account, name)).map(|account| account.row);
                let found: BTreeSet<i64> = of.chain(is_unknown(name).then_some(0)).collect();
                if found.is_empty() {
                    let labels: Vec<String> = known.iter().map(account_label).collect();
                    let names: Vec<&str> = labels.iter().map(String::as_str).chain([UNKNOWN]).collect();
                    return Err(unknown("account", name, &names));
                }
                Ok(found)
            },
        )
    }
}

/// Names with their ids.
type Known = Vec<(i64, Arc<str>)>;

/// The ids of all names that are given; none given: any.
fn chosen(
    given: &[String],
    known: impl FnOnce() -> Result<Known, Failure>,
    find: impl Fn(&str, &Known) -> Result<BTreeSet<i64>, Problem>,
) -> Result<Option<BTreeSet<i64>>, Failure> {
    if given.is_empty() {
        return Ok(None);
    }
    let known = known()?;
    let mut all = BTreeSet::new();
    for name in given {
        all.extend(find(name, &known)?);
    }
    Ok(Some(all))
}

fn is_unknown(name: &str) -> bool {
    name.is_empty() || name == UNKNOWN
}

/// No more than a few names are of use.
const LISTED: usize = 12;

fn unknown(kind: &str, name: &str, names: &[&str]) -> Problem {
    let hint = meant(name, &names[..names.len().min(LISTED)]);
    Problem::parameter(kind, format!("no {kind} is called {:?}", short(name))).hint(hint)
}

/// The first instant behind the millisecond of this one.
fn after(at: Timestamp) -> Timestamp {
    civil::timestamp(at.as_millisecond().saturating_add(1))
}

#[cfg(test)]
mod tests {
    use utoipa::IntoParams;
    use utoipa::openapi::path::ParameterIn;

    use super::*;

    #[test]
    fn what_is_described_is_what_is_known() {
        let described = Described::into_params(|| Some(ParameterIn::Query));
        let names: Vec<&str> = described.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names, PARAMETERS);
    }
}
