use proptest::prelude::*;

use super::super::MINUTE_MS;
use super::tests::{NOW, later_by_ms, of, said};
use super::*;

use Source::{ClaudeCache, Endpoint, HotSwap, Manual, Stdin};

fn any_reading() -> impl Strategy<Value = Reading> {
    let minutes =
        prop_oneof![0_i64..20, -5_i64..700, Just(i64::MAX / MINUTE_MS / 4), Just(i64::MIN / MINUTE_MS / 4)];
    let reset = prop::option::weighted(
        0.8,
        prop_oneof![Just(42_i64), 40_i64..44, -400_i64..400, Just(i64::MAX / 120_000)],
    );
    let told = prop::option::of(("[ab]", prop::option::of(0_u64..4)));
    (
        prop::sample::select(Source::ALL.to_vec()),
        minutes,
        prop::option::weighted(0.9, 0_i32..6),
        reset,
        0..3_i64,
        told,
    )
        .prop_map(|(source, ago, percent, reset, jitter, told)| Reading {
            percent: percent.map(|percent| Percent::of_tenths(&Window::FiveHour, percent * 10)),
            told: told.map(|(session, api_duration_ms)| Told { session: session.into(), api_duration_ms }),
            ..later_by_ms(said(source, ago, 0, reset), jitter * 30_000)
        })
}

/// Readings, and the same in another order with some of them repeated.
fn readings_and_shuffled() -> impl Strategy<Value = (Vec<Reading>, Vec<Reading>)> {
    prop::collection::vec(any_reading(), 1..12).prop_flat_map(|readings| {
        let repeats = prop::collection::vec(any::<prop::sample::Index>(), 0..8);
        (Just(readings), repeats).prop_flat_map(|(readings, repeats)| {
            let mut more = readings.clone();
            more.extend(repeats.iter().map(|index| index.get(&readings).clone()));
            (Just(readings), Just(more).prop_shuffle())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn order_and_repeats_of_readings_change_nothing((readings, shuffled) in readings_and_shuffled()) {
        let expected = history(&Window::FiveHour, &readings, NOW);
        prop_assert_eq!(history(&Window::FiveHour, &shuffled, NOW), expected);
    }

    #[test]
    fn what_is_shown_was_read((readings, _) in readings_and_shuffled()) {
        let Some(current) = merge(&Window::FiveHour, &readings, NOW) else { return Ok(()) };
        prop_assert!(readings.iter().any(|r| r.percent == current.percent && r.source == current.source));
        prop_assert!(current.resets_at_ms.is_none_or(|end| readings.iter().any(|r| r.resets_at_ms == Some(end))));
        prop_assert!(current.observed_at_ms.is_none_or(|at| at <= NOW + CLOCK_SLACK_MS
            && readings.iter().any(|r| r.observed_at_ms == at && r.source == current.source)));
    }

    #[test]
    fn without_a_source_that_may_lower_it_use_is_the_highest_of_its_window(
        (readings, _) in readings_and_shuffled(),
    ) {
        let readings: Vec<Reading> = readings
            .into_iter()
            .map(|r| Reading { source: Stdin, told: None, ..r })
            .collect();
        let Some(current) = merge(&Window::FiveHour, &readings, NOW) else { return Ok(()) };
        let Some(end) = current.resets_at_ms else { return Ok(()) };
        let near = |r: &&Reading| r.resets_at_ms.is_some_and(|other| same_reset(other, end));
        prop_assert!(current.percent >= readings.iter().filter(near).filter_map(|r| r.percent).max());
    }

    #[test]
    fn an_older_reading_that_says_less_changes_nothing(
        (readings, _) in readings_and_shuffled(),
        source in prop::sample::select(vec![Stdin, Endpoint, HotSwap, ClaudeCache]),
    ) {
        let readings: Vec<Reading> = readings.into_iter().filter(|r| r.source != Manual).collect();
        let before = merge(&Window::FiveHour, &readings, NOW);
        let Some(Current { percent: Some(percent), resets_at_ms: Some(_), observed_at_ms: Some(_), .. }) = before
        else { return Ok(()) };
        let late = Reading {
            percent: Some(Percent::of_tenths(&Window::FiveHour, percent.tenths() - 10)),
            resets_at_ms: before.and_then(|current| current.resets_at_ms),
            observed_at_ms: readings.iter().map(|r| r.observed_at_ms).min().unwrap_or(0) - 1,
            told: Some(Told { session: "z".into(), api_duration_ms: None }),
            ..said(source, 0, 0, None)
        };
        if late.percent == Some(percent) {
            return Ok(());
        }
        let with_late: Vec<Reading> = readings.into_iter().chain([late]).collect();
        prop_assert_eq!(merge(&Window::FiveHour, &with_late, NOW), before);
    }
}

/// Readings of some hours, of few sessions and windows, so that they have to do with each other.
fn neighbours() -> impl Strategy<Value = Vec<Reading>> {
    let told = prop::option::weighted(0.9, ("[ab]", prop::option::weighted(0.9, 0_u64..6)));
    let reset = prop::option::weighted(
        0.85,
        prop_oneof![4 => Just(42_i64), 3 => 40_i64..44, 3 => -300_i64..300, 1 => 300_i64..3_000],
    );
    let sources = vec![Stdin, Stdin, Stdin, Stdin, Endpoint, ClaudeCache, HotSwap, Manual];
    let one = (
        prop::sample::select(sources),
        0_i64..240,
        prop::option::weighted(0.9, 0_i32..6),
        reset,
        0..3_i64,
        told,
    );
    let one = one.prop_map(|(source, ago, percent, reset, jitter, told)| Reading {
        percent: percent.map(|percent| Percent::of_tenths(&Window::FiveHour, percent * 10)),
        told: told.map(|(session, api_duration_ms)| Told { session: session.into(), api_duration_ms }),
        ..later_by_ms(said(source, ago, 0, reset), jitter * 30_000)
    });
    prop::collection::vec(one, 1..40)
}

/// What readings come to at a time that `past` holds, and the steps that a pace can be taken from.
fn comes_to(
    window: &Window,
    past: &Past,
    readings: &[Reading],
    now: i64,
) -> Option<(Current, Vec<(i64, Percent)>)> {
    let rest = readings.iter().filter(|reading| reading.observed_at_ms > past.until_ms);
    let history = history_after(window, &past.left, rest, now)?;
    let recent = history.steps.into_iter().filter(|(at, _)| *at >= now - 45 * MINUTE_MS).collect();
    Some((history.current, recent))
}

fn summed_up(window: &Window, readings: &[Reading], past: &Past, now: i64) -> Past {
    if now < past.as_of_ms {
        return past.clone();
    }
    let nothing = Past::default();
    let past = if past.holds(window, now) { past } else { &nothing };
    let older =
        |r: &&Reading| r.observed_at_ms > past.until_ms && r.observed_at_ms <= Past::can_reach_ms(now);
    let older: Vec<Reading> = readings.iter().filter(older).cloned().collect();
    past.with(window, &older, now)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn what_is_left_of_older_readings_comes_to_the_same_as_all_of_them(
        readings in neighbours(),
        times in prop::collection::vec(-10_i64..240, 1..5),
        ago in prop_oneof![-400_i64..400, -3_000_i64..400],
        window in prop::sample::select(vec![Window::FiveHour, Window::SevenDay, Window::Other("spend".into())]),
    ) {
        let mut readings: Vec<Reading> = readings.into_iter().map(|r| of(window.clone(), r)).collect();
        let nothing = Past::default();
        let (mut past, mut times) = (Past::default(), times);
        times.sort_unstable_by(|a, b| b.cmp(a));
        for ago in times {
            past = summed_up(&window, &readings, &past, NOW - ago * MINUTE_MS);
        }
        for now in [NOW - ago * MINUTE_MS, past.as_of_ms] {
            if past.holds(&window, now) {
                prop_assert_eq!(comes_to(&window, &past, &readings, now), comes_to(&window, &nothing, &readings, now));
            }
        }
        // Nor does it matter what comes after it.
        let until = past.until_ms;
        readings.iter_mut().for_each(|r| r.observed_at_ms = r.observed_at_ms.max(until + 1));
        let _no_panic = comes_to(&window, &past, &readings, NOW);
    }
}

#[test]
fn of_a_day_of_answers_little_is_left() {
    let reading = |number: i64| {
        let told = Told { session: "s".into(), api_duration_ms: Some(number.unsigned_abs()) };
        let percent = i32::try_from(number * 7 % 100).expect("small");
        Reading { told: Some(told), ..said(Stdin, 1_000 - number, percent, number / 300 * 300 + 300 - 1_000) }
    };
    let readings: Vec<Reading> = (0..950).map(reading).collect();
    let past = summed_up(&Window::FiveHour, &readings, &Past::default(), NOW);
    assert_eq!(past.left.len(), 1, "{:?}", past.left);
}

#[test]
fn no_instant_is_too_far_off() {
    for now in [i64::MIN, 0, i64::MAX] {
        for at in [i64::MIN, 0, i64::MAX] {
            for end in [None, Some(i64::MIN), Some(0), Some(i64::MAX)] {
                for window in [Window::FiveHour, Window::Other("spend".into())] {
                    let reading =
                        Reading { observed_at_ms: at, resets_at_ms: end, ..said(Endpoint, 0, 1, None) };
                    let reading = of(window.clone(), reading);
                    if let Some(current) = merge(&window, &[reading], now) {
                        current.view(&window, now);
                        current.age_ms(now);
                    }
                }
            }
        }
    }
}
