use std::os::unix::fs::PermissionsExt;

use cco_model::money::NanoUsd;

use super::*;
use billing::{BillingFacts, WeekFacts};
use hot_swap::SlotFacts;
use merged::{MergedFacts, MergedSlot, Remediation, Status};

fn slot(name: &str) -> SlotFacts {
    SlotFacts {
        slot: name.to_owned(),
        email: "dev@example.com".to_owned(),
        five_hour: Percent::of_tenths(&Window::FiveHour, 645),
        seven_day: Percent::of_tenths(&Window::SevenDay, 510),
        five_hour_resets_at_ms: Some(1_790_010_000_000),
        seven_day_resets_at_ms: Some(1_790_096_400_000),
        fetched_at_ms: NOW_MS,
        is_fresh: true,
        config_dir: Some("/home/dev/acct/one".to_owned()),
        keychain_hash: Some("157c8837".to_owned()),
    }
}

fn merged_facts() -> MergedFacts {
    let slot = MergedSlot {
        facts: SlotFacts { keychain_hash: None, seven_day_resets_at_ms: None, ..slot("slot-1") },
        status: Status::Active,
        deactivation_reason: None,
        subscription_type: Some("max".to_owned()),
        rank: 2,
        urgency: 40,
        reason: None,
        keychain_service: "Claude Code-credentials-157c8837".to_owned(),
        five_hour_burn_rate: None,
        burn_sample_count_5h: 5,
        weekly_projected_util: Some(Decimal::whole(114)),
    };
    MergedFacts {
        merged_at_ms: NOW_MS,
        active_slot: "slot-1".to_owned(),
        recommended_slot: None,
        failover_needed: false,
        all_exhausted: false,
        pipeline_remediation: Remediation::BlockedRateLimited,
        slots: vec![slot],
    }
}

fn billing_facts() -> BillingFacts {
    BillingFacts {
        cost_today: NanoUsd(12_400_000_000),
        burn_rate_per_hour: NanoUsd(3_100_000_001),
        budget_remaining_min: 135,
        budget_percent_used: Decimal::whole(73),
        reset_time: (17, 0),
        total_tokens: 83_400_000,
        tokens_per_minute: Some(521_000),
        is_fresh: true,
        fetched_at_ms: NOW_MS,
        week: None,
    }
}

#[test]
fn a_quota_file_is_written_in_the_words_and_order_of_its_readers() {
    assert_eq!(
        hot_swap::text(&[slot("slot-2"), slot("slot-10")]).unwrap(),
        [
            r#"{"slot-2":{"email":"dev@example.com","five_hour_util":64.5,"seven_day_util":51,"weekly_budget_remaining_hours":26,"weekly_reset_day":"Tue","daily_reset_time":"17:00","five_hour_resets_at":"2026-09-21T17:00:00Z","seven_day_resets_at":"2026-09-22T17:00:00Z","last_fetched":1790000000000,"is_fresh":true,"config_dir":"/home/dev/acct/one","keychain_hash":"157c8837","writer":"cco"},"#,
            r#""slot-10":{"email":"dev@example.com","five_hour_util":64.5,"seven_day_util":51,"weekly_budget_remaining_hours":26,"weekly_reset_day":"Tue","daily_reset_time":"17:00","five_hour_resets_at":"2026-09-21T17:00:00Z","seven_day_resets_at":"2026-09-22T17:00:00Z","last_fetched":1790000000000,"is_fresh":true,"config_dir":"/home/dev/acct/one","keychain_hash":"157c8837","writer":"cco"}}"#
        ]
        .concat()
    );
}

#[test]
fn a_merged_file_is_written_in_the_words_and_order_of_its_readers() {
    assert_eq!(
        merged::text(&merged_facts()).unwrap(),
        r#"{"ts":1790000000,"schema_version":2,"active_slot":"slot-1","recommended_slot":"none","failover_needed":false,"all_exhausted":false,"pipeline_remediation":"blocked_rate_limited","slots":{"slot-1":{"email":"dev@example.com","status":"active","subscription_type":"max","five_hour_util":64.5,"seven_day_util":51,"weekly_budget_remaining_hours":0,"weekly_reset_day":"","daily_reset_time":"17:00","five_hour_resets_at":"2026-09-21T17:00:00Z","last_fetched":1790000000000,"is_fresh":true,"rank":2,"urgency":40,"keychain_service":"Claude Code-credentials-157c8837","config_dir":"/home/dev/acct/one","five_hour_burn_rate":null,"burn_sample_count_5h":5,"weekly_projected_util":114}},"writer":"cco"}"#
    );
}

#[test]
fn a_billing_file_is_written_in_the_words_and_order_of_its_readers() {
    assert_eq!(
        billing::text(&billing_facts()).unwrap(),
        r#"{"costToday":12.4,"burnRatePerHour":3.100000001,"budgetRemaining":135,"budgetPercentUsed":73,"resetTime":"17:00","totalTokens":83400000,"tokensPerMinute":521000,"isFresh":true,"lastFetched":1790000000000,"writer":"cco"}"#
    );
    let week =
        WeekFacts { remaining_hours: 26, percent_used: Decimal { tenths: 515 }, reset_day: "Tue".to_owned() };
    let text = billing::text(&BillingFacts { week: Some(week), tokens_per_minute: None, ..billing_facts() })
        .unwrap();
    assert!(text.contains(r#""tokensPerMinute":null,"#), "{text}");
    assert!(
        text.ends_with(r#","weeklyBudgetRemaining":26,"weeklyBudgetPercentUsed":51.5,"weeklyResetDay":"Tue","writer":"cco"}"#),
        "{text}"
    );
}

#[test]
fn what_we_wrote_is_not_read_back_and_without_our_mark_it_is_what_was_written() {
    let without_mark = |text: &str| text.replace(r#","writer":"cco""#, "");
    let text = hot_swap::text(&[slot("slot-1")]).unwrap();
    assert_eq!(told(&text, |path| hot_swap::read(path, NOW_MS)), Err(Unread::Ours));
    let slots = told(&without_mark(&text), |path| hot_swap::read(path, NOW_MS)).unwrap();
    let readings: Vec<String> = slots.readings(&anybody).iter().map(shown).collect();
    assert_eq!(readings, ["five_hour 645 2026-09-21T17:00:00Z", "seven_day 510 2026-09-22T17:00:00Z"]);

    let text = merged::text(&merged_facts()).unwrap();
    assert_eq!(told(&text, |path| merged::read(path, NOW_MS)), Err(Unread::Ours));
    let merged = told(&without_mark(&text), |path| merged::read(path, NOW_MS)).unwrap();
    let readings: Vec<String> = merged.slots.readings(&anybody).iter().map(shown).collect();
    assert_eq!(readings, ["five_hour 645 2026-09-21T17:00:00Z", "seven_day 510 -"]);

    let text = billing::text(&billing_facts()).unwrap();
    assert_eq!(told(&text, |path| billing::read(path, NOW_MS)), Err(Unread::Ours));
    let billing = told(&without_mark(&text), |path| billing::read(path, NOW_MS)).unwrap();
    assert_eq!(billing.burn_rate_per_hour, Some(NanoUsd(3_100_000_001)));
}

#[test]
fn a_slot_that_another_tool_wrote_beside_ours_is_read() {
    let ours = hot_swap::text(&[slot("slot-2")]).unwrap();
    let both = HOT_SWAP.replacen('{', &format!("{},", ours.strip_suffix('}').unwrap()), 1);
    let slots = told(&both, |path| hot_swap::read(path, NOW_MS)).unwrap();
    let names: Vec<&str> = slots.slots.iter().map(|slot| slot.marks.slot.as_str()).collect();
    assert_eq!(names, ["slot-1"]);
}

#[test]
fn a_file_is_written_whole_for_the_user_alone_and_leaves_nothing_else_behind() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".claude/session-health");
    billing::write(&folder, &billing_facts()).unwrap();
    hot_swap::write(&folder, &[slot("slot-1")]).unwrap();
    merged::write(&folder, &merged_facts()).unwrap();
    billing::write(&folder, &billing_facts()).unwrap();
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [billing::NAME, hot_swap::NAME, merged::NAME]);
    for name in names {
        assert_eq!(fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_that_names_it() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(billing::NAME)).unwrap();
    let error = billing::write(home.path(), &billing_facts()).unwrap_err();
    assert!(error.to_string().ends_with("/billing-shared.json"), "{error}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "no half-written file stays");
}
