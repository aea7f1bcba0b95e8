//! What is known of limits, from however many readings.

use std::collections::BTreeMap;

use cco_model::limit::merge::{Current, merge};
use cco_model::limit::pace::current_and_pace;

use super::*;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

/// Any reading of the last eight days, more of the last hours, with any reset that somebody might tell.
fn any_reading(dice: &mut Dice, name: &str) -> Reading {
    const HOUR: i64 = 3_600_000;
    let windows = [Window::FiveHour, Window::SevenDay, Window::SevenDayModel("opus".into())];
    let window = windows.get(usize::try_from(dice.below(4)).expect("small")).cloned();
    let window = window.unwrap_or_else(|| Window::Other("extra".into()));
    let ago = [10 * 60_000, 8 * HOUR, 190 * HOUR, 190 * HOUR][usize::try_from(dice.below(4)).expect("small")];
    let observed_at_ms = NOW - dice.below(ago);
    let length = window.length_ms().unwrap_or(30 * 24 * HOUR);
    let resets_at_ms = match dice.below(6) {
        0 => None,
        1 => Some(NOW + dice.below(400 * HOUR) - 200 * HOUR),
        2 => Some(observed_at_ms + dice.below(length)),
        // The windows as the service has them, with a little jitter.
        _ => Some((observed_at_ms / length + 1) * length + dice.below(900)),
    };
    let source = Source::ALL[usize::try_from(dice.below(Source::ALL.len() as i64)).expect("small")];
    let told = (source == Source::Stdin).then(|| Told {
        session: format!("s{}", dice.below(12)).into(),
        api_duration_ms: Some(dice.below(3).unsigned_abs()),
    });
    let tenths = i32::try_from(dice.below(9) * 100).expect("small");
    let percent = (dice.below(9) > 0).then(|| Percent::of_tenths(&window, tenths));
    Reading { account: account(name), window, percent, resets_at_ms, observed_at_ms, source, told }
}

/// What is known of windows of which anything was heard in the last eight days: by all readings, and by what is left.
fn known(all: &[Reading], windows: &[KnownWindow], now: i64) -> [BTreeMap<(AccountId, Window), Current>; 2] {
    let mut groups: BTreeMap<(AccountId, Window), Vec<&Reading>> = BTreeMap::new();
    for reading in all {
        groups.entry((reading.account.clone(), reading.window.clone())).or_default().push(reading);
    }
    groups.retain(|_, group| group.iter().any(|reading| reading.observed_at_ms >= now - HEARD));
    let by_all = groups.into_iter().filter_map(|(key, group)| {
        let current = merge(&key.1, group, now)?;
        Some((key, current))
    });
    let by_few = windows.iter().filter_map(|known| {
        let (current, _) = current_and_pace(&known.window, &known.left, &known.readings, now)?;
        Some(((known.account.clone(), known.window.clone()), current))
    });
    [by_all.collect(), by_few.collect()]
}

const HEARD: i64 = 8 * 24 * 3_600_000;

#[test]
fn what_is_known_is_what_all_readings_come_to_in_whatever_order_they_came() {
    const HOUR: i64 = 3_600_000;
    for (seed, in_order) in [(1, true), (2, false), (3, true)] {
        let mut dice = Dice(seed);
        let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
        let mut all: Vec<Reading> = (0..6_000).map(|_| any_reading(&mut dice, "a")).collect();
        if in_order {
            all.sort_by_key(|reading| reading.observed_at_ms);
        }
        for some in all.chunks(100) {
            let now = some.iter().map(|reading| reading.observed_at_ms).max().expect("readings");
            let now = if in_order { now } else { NOW };
            ledger
                .observe(&Observed { readings: some.to_vec(), ..Observed::default() }, now)
                .expect("a commit");
        }
        let all = ledger.readings(i64::MIN).expect("readings");
        for now in [NOW, NOW + HOUR, NOW + 100 * HOUR, NOW - HOUR, NOW - 50 * HOUR] {
            let windows = ledger.windows(now - HEARD, now).expect("windows");
            let [by_all, by_few] = known(&all, &windows, now);
            assert_eq!(by_few, by_all, "seed {seed}");
        }
    }
}

#[test]
fn of_thousands_of_readings_few_are_read() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let mut read = Vec::new();
    for number in 0..4_000 {
        let at = NOW + number * 60_000;
        let told = Some(Told {
            session: format!("s{}", number / 600).into(),
            api_duration_ms: Some(number.unsigned_abs()),
        });
        let tenths = i32::try_from(number % 300).expect("small");
        let reading = reading("a", Some(tenths), 0, Source::Stdin);
        let resets_at_ms = Some(NOW + (number / 300 + 1) * 300 * 60_000);
        let reading = Reading { told, observed_at_ms: at, resets_at_ms, ..reading };
        ledger.observe(&Observed { readings: vec![reading], ..Observed::default() }, at).expect("a commit");
        let windows = ledger.windows(NOW, at).expect("windows");
        read.push(windows.iter().map(|known| known.left.len() + known.readings.len()).sum::<usize>());
    }
    // Those since they were summed up last, the 45 minutes before that, and what is left of all others.
    assert!(*read.iter().max().expect("some") < 256 + 50 + 10, "{:?}", read.iter().max());
}

#[test]
fn a_session_that_repeats_what_it_was_told_adds_nothing() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let mut tell = |ago_ms: i64, tenths: i32, waited: u64| {
        let told = Some(Told { session: "s1".into(), api_duration_ms: Some(waited) });
        let reading = Reading { told, ..reading("a", Some(tenths), ago_ms, Source::Stdin) };
        ledger.observe(&Observed { readings: vec![reading], ..Observed::default() }, NOW).expect("a commit").0
    };
    // The same; then more used, more waited, and the same again.
    let told = [(90, 290, 5), (80, 290, 5), (70, 300, 5), (60, 300, 6), (50, 300, 6), (40, 300, 6)];
    assert_eq!(told.map(|(ago, tenths, waited)| tell(ago * 1_000, tenths, waited)), [1, 0, 1, 1, 0, 0]);
}
