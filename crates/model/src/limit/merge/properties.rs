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
