use super::*;

fn readings(text: &str) -> Vec<String> {
    let slots = told(text, |path| hot_swap::read(path, NOW_MS)).unwrap();
    slots.readings(&anybody).iter().map(shown).collect()
}

#[test]
fn a_slot_of_a_switcher_is_two_readings_of_the_time_it_was_fetched() {
    let slots = told(HOT_SWAP, |path| hot_swap::read(path, NOW_MS)).unwrap();
    let readings = slots.readings(&anybody);
    let texts: Vec<String> = readings.iter().map(shown).collect();
    assert_eq!(texts, ["five_hour 640 -", "seven_day 510 2026-09-22T17:00:00Z"]);
    assert!(
        readings.iter().all(|reading| reading.observed_at_ms == NOW_MS && reading.source == Source::HotSwap)
    );
}

#[test]
fn a_slot_of_nobody_that_is_known_gives_nothing() {
    let slots = told(MERGED, |path| merged::read(path, NOW_MS)).unwrap().slots;
    assert_eq!(slots.readings(&|_| None), []);
    let seen = std::cell::RefCell::new(Vec::new());
    slots.readings(&|marks| {
        seen.borrow_mut().push(marks.clone());
        None
    });
    let marks = SlotMarks {
        slot: "slot-1".to_owned(),
        email: Some("dev@example.com".to_owned()),
        config_dir: Some("/home/dev/acct/one".into()),
        keychain_service: Some("Claude Code-credentials-157c8837".to_owned()),
    };
    assert_eq!(seen.into_inner(), [marks]);
}

#[test]
fn the_hash_of_a_slot_names_its_credential() {
    let text = HOT_SWAP.replace("\"is_fresh\"", r#""keychain_hash":"157c8837","is_fresh""#);
    let slots = told(&text, |path| hot_swap::read(path, NOW_MS)).unwrap();
    assert_eq!(slots.slots[0].marks.keychain_service.as_deref(), Some("Claude Code-credentials-157c8837"));
}

#[test]
fn a_merged_file_tells_of_its_slots_and_its_own_time_is_not_theirs() {
    let text = MERGED.replace("\"last_fetched\":1790000000000", "\"last_fetched\":1789958120000");
    let merged = told(&text, |path| merged::read(path, NOW_MS)).unwrap();
    assert_eq!((merged.merged_at_ms, merged.active_slot.as_str()), (NOW_MS, "slot-1"));
    let readings = merged.slots.readings(&anybody);
    assert_eq!(readings[0].observed_at_ms, 1_789_958_120_000);
    assert_eq!(shown(&readings[0]), "five_hour 420 2026-09-21T17:00:00Z");
}

#[test]
fn a_week_ends_where_the_file_says_and_not_where_day_and_time_disagree_with_the_hours_left() {
    let end = |text: &str| readings(text)[1].rsplit_once(' ').unwrap().1.to_owned();
    assert_eq!(end(&HOT_SWAP.replace(":27,", ":26,")), "2026-09-22T17:00:00Z");
    assert_eq!(end(&HOT_SWAP.replace(":27,", ":24,")), "-", "the time is that of the five hours");
    assert_eq!(end(&HOT_SWAP.replace("Tue", "Someday")), "-");
    assert_eq!(end(&HOT_SWAP.replace("17:00", "")), "-");
    let said = r#""seven_day_resets_at":"2026-09-22T16:00:00+00:00","last_fetched""#;
    assert_eq!(end(&HOT_SWAP.replace("\"last_fetched\"", said)), "2026-09-22T16:00:00Z");
    assert_eq!(end(&HOT_SWAP.replace(":27,", ":171,").replace("Tue", "Mon").replace("17:00", "14:00")), "-");
    let week = HOT_SWAP.replace(":27,", ":168,").replace("Tue", "Mon").replace("17:00", "14:00");
    assert_eq!(end(&week), "2026-09-28T14:00:00Z", "today, and past");
}

#[test]
fn unknown_is_not_zero_and_absent_is_not_unknown() {
    assert_eq!(
        readings(&HOT_SWAP.replace("\"five_hour_util\":64", "\"five_hour_util\":null"))[0],
        "five_hour ? -"
    );
    assert_eq!(
        readings(&HOT_SWAP.replace("\"five_hour_util\":64", "\"five_hour_util\":0"))[0],
        "five_hour 0 -"
    );
    let absent = readings(&HOT_SWAP.replace("\"five_hour_util\":64,", ""));
    assert_eq!(absent, ["seven_day 510 2026-09-22T17:00:00Z"]);
}

#[test]
fn tenths_that_binary_cannot_hold_are_kept_and_the_rest_is_rounded_down() {
    for (number, tenths) in [("8.2", 82), ("64.1", 641), ("99.99", 999), ("0.05", 0), ("100", 1_000)] {
        let text = HOT_SWAP.replace("\"five_hour_util\":64", &format!("\"five_hour_util\":{number}"));
        assert_eq!(readings(&text)[0], format!("five_hour {tenths} -"), "{number}");
    }
}

#[test]
fn one_bad_slot_loses_that_slot_and_no_other() {
    let bad = [
        r#""slot-2":7"#,
        r#""slot-2":{"email":"x@example.com","five_hour_util":101,"last_fetched":1790000000000}"#,
        r#""slot-2":{"email":"x@example.com","five_hour_util":"12","last_fetched":1790000000000}"#,
        r#""slot-2":{"email":"x@example.com","five_hour_util":12}"#,
        r#""slot-2":{"email":"x@example.com","five_hour_util":12,"last_fetched":1790000000}"#,
        r#""slot-2":{"email":"x@example.com","five_hour_util":12,"last_fetched":1790009999999}"#,
    ];
    for slot in bad {
        let slots =
            told(&HOT_SWAP.replacen('{', &format!("{{{slot},"), 1), |path| hot_swap::read(path, NOW_MS));
        let slots = slots.unwrap();
        assert_eq!((slots.slots.len(), slots.odd.len()), (1, 1), "{slot}");
        let alone = told(&format!("{{{slot}}}"), |path| hot_swap::read(path, NOW_MS));
        assert!(matches!(alone, Err(Unread::Broken(_))), "{slot}");
    }
}

#[test]
fn one_value_that_cannot_be_makes_a_merged_file_broken() {
    let bad = [
        ("\"ts\":1790000000", "\"ts\":1780000000"),
        ("\"ts\":1790000000", "\"ts\":\"1790000000\""),
        ("\"active_slot\":\"slot-1\",", ""),
        ("\"active_slot\":\"slot-1\"", "\"active_slot\":null"),
        ("\"five_hour_util\":42", "\"five_hour_util\":-1"),
        ("\"rank\":2", "\"pacing_status_5h\":\"so_so\""),
        ("\"rank\":2", "\"target_burn_rate_7d\":\"5\""),
        ("\"slots\":", "\"slots\":[],\"s\":"),
    ];
    for (from, to) in bad {
        let text = MERGED.replace(from, to);
        assert_ne!(text, MERGED);
        assert!(matches!(told(&text, |path| merged::read(path, NOW_MS)), Err(Unread::Broken(_))), "{to}");
    }
    let good = MERGED.replace("\"rank\":2", "\"pacing_status_5h\":\"on_track\",\"target_burn_rate_7d\":null");
    assert!(told(&good, |path| merged::read(path, NOW_MS)).is_ok());
}

#[test]
fn a_stored_flag_changes_nothing() {
    for text in [HOT_SWAP, &HOT_SWAP.replace("true", "false"), &HOT_SWAP.replace(",\"is_fresh\":true", "")] {
        assert_eq!(readings(text)[0], "five_hour 640 -");
    }
}

#[test]
fn cost_and_the_rest_of_a_block_are_read_exactly() {
    use cco_model::money::NanoUsd;
    let billing = told(BILLING, |path| billing::read(path, NOW_MS)).unwrap();
    assert_eq!(billing.cost_today, Some(NanoUsd(12_400_000_000)));
    assert_eq!(billing.burn_rate_per_hour, Some(NanoUsd(3_100_000_000)));
    assert_eq!((billing.budget_remaining_min, billing.reset_time), (Some(135), Some((17, 0))));
    assert_eq!((billing.total_tokens, billing.tokens_per_minute), (Some(83_400_000), Some(521_000)));
    let unknown = BILLING.replace("12.4", "-1").replace("521000", "null").replace("17:00", "");
    let billing = told(&unknown, |path| billing::read(path, NOW_MS)).unwrap();
    assert_eq!((billing.cost_today, billing.tokens_per_minute, billing.reset_time), (None, None, None));
    let timeless = BILLING.replace("1790000000000", "null");
    assert!(matches!(told(&timeless, |path| billing::read(path, NOW_MS)), Err(Unread::Broken(_))));
}
