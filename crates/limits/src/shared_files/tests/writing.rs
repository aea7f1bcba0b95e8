use std::os::unix::fs::PermissionsExt;

use cco_model::money::NanoUsd;

use super::*;
use billing::{BillingFacts, FiveHourFacts, WeekFacts};
use hot_swap::SlotFacts;
use keeper::{Keeper, Target};
use merged::{MergedFacts, MergedSlot, Remediation, Status};
use serde_json::{Map, json};

fn slot(name: &str) -> SlotFacts {
    SlotFacts {
        slot: name.to_owned(),
        email: "dev@example.com".to_owned(),
        five_hour: Some(Percent::of_tenths(&Window::FiveHour, 645)),
        seven_day: Some(Percent::of_tenths(&Window::SevenDay, 510)),
        five_hour_resets_at_ms: Some(1_790_010_000_000),
        seven_day_resets_at_ms: Some(1_790_096_400_000),
        fetched_at_ms: Some(NOW_MS),
        is_fresh: true,
        config_dir: Some("/home/dev/acct/one".to_owned()),
        keychain_hash: Some("157c8837".to_owned()),
        before: Map::new(),
    }
}

fn merged_facts() -> MergedFacts {
    let slot = MergedSlot {
        facts: SlotFacts { keychain_hash: None, seven_day_resets_at_ms: None, ..slot("slot-1") },
        status: Status::Active,
        deactivation_reason: None,
        rank: Some(2),
        keychain_service: "Claude Code-credentials-157c8837".to_owned(),
        five_hour_burn_rate: None,
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
        burn_rate_per_hour: Some(NanoUsd(3_100_000_001)),
        five_hours: Some(FiveHourFacts {
            remaining_min: 135,
            percent_used: Decimal::whole(73),
            ends_at_ms: 1_790_010_000_000,
        }),
        total_tokens: Some(83_400_000),
        tokens_per_minute: Some(521_000),
        is_fresh: true,
        fetched_at_ms: NOW_MS,
        week: None,
    }
}

#[test]
fn a_quota_file_is_written_in_the_words_and_order_of_its_readers() {
    assert_eq!(
        hot_swap::text(&[slot("slot-2"), slot("slot-10")], &Map::new()).unwrap(),
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
        merged::text(&merged_facts(), &Map::new()).unwrap(),
        r#"{"ts":1790000000,"schema_version":2,"active_slot":"slot-1","recommended_slot":"none","failover_needed":false,"all_exhausted":false,"pipeline_remediation":"blocked_rate_limited","slots":{"slot-1":{"email":"dev@example.com","status":"active","five_hour_util":64.5,"seven_day_util":51,"daily_reset_time":"17:00","five_hour_resets_at":"2026-09-21T17:00:00Z","last_fetched":1790000000000,"is_fresh":true,"rank":2,"keychain_service":"Claude Code-credentials-157c8837","config_dir":"/home/dev/acct/one","five_hour_burn_rate":null,"weekly_projected_util":114,"writer":"cco"}},"writer":"cco"}"#
    );
}

#[test]
fn a_billing_file_is_written_in_the_words_and_order_of_its_readers() {
    assert_eq!(
        billing::text(&billing_facts(), &Map::new()).unwrap(),
        r#"{"costToday":12.4,"burnRatePerHour":3.100000001,"budgetRemaining":135,"budgetPercentUsed":73,"resetTime":"17:00","totalTokens":83400000,"tokensPerMinute":521000,"isFresh":true,"lastFetched":1790000000000,"writer":"cco"}"#
    );
    let week =
        WeekFacts { remaining_hours: 26, percent_used: Decimal { tenths: 515 }, reset_day: "Tue".to_owned() };
    let text = billing::text(
        &BillingFacts { week: Some(week), tokens_per_minute: None, ..billing_facts() },
        &Map::new(),
    )
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
    let text = hot_swap::text(&[slot("slot-1")], &Map::new()).unwrap();
    assert_eq!(told(&text, |path| hot_swap::read(path, NOW_MS)), Err(Unread::Ours));
    let slots = told(&without_mark(&text), |path| hot_swap::read(path, NOW_MS)).unwrap();
    let readings: Vec<String> = slots.readings(&anybody).iter().map(shown).collect();
    assert_eq!(readings, ["five_hour 645 2026-09-21T17:00:00Z", "seven_day 510 2026-09-22T17:00:00Z"]);

    let text = merged::text(&merged_facts(), &Map::new()).unwrap();
    assert_eq!(told(&text, |path| merged::read(path, NOW_MS)), Err(Unread::Ours));
    let merged = told(&without_mark(&text), |path| merged::read(path, NOW_MS)).unwrap();
    let readings: Vec<String> = merged.slots.readings(&anybody).iter().map(shown).collect();
    assert_eq!(readings, ["five_hour 645 2026-09-21T17:00:00Z", "seven_day 510 -"]);

    let text = billing::text(&billing_facts(), &Map::new()).unwrap();
    assert_eq!(told(&text, |path| billing::read(path, NOW_MS)), Err(Unread::Ours));
    let billing = told(&without_mark(&text), |path| billing::read(path, NOW_MS)).unwrap();
    assert_eq!(billing.burn_rate_per_hour, Some(NanoUsd(3_100_000_001)));
}

#[test]
fn a_slot_that_another_tool_wrote_beside_ours_is_read() {
    let ours = hot_swap::text(&[slot("slot-2")], &Map::new()).unwrap();
    let both = HOT_SWAP.replacen('{', &format!("{},", ours.strip_suffix('}').unwrap()), 1);
    let slots = told(&both, |path| hot_swap::read(path, NOW_MS)).unwrap();
    let names: Vec<&str> = slots.slots.iter().map(|slot| slot.marks.slot.as_str()).collect();
    assert_eq!(names, ["slot-1"]);
}

#[test]
fn a_file_is_written_whole_for_the_user_alone_and_leaves_nothing_else_behind() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".claude/session-health");
    let target = |name| Target::find(std::slice::from_ref(&folder), name, NOW_MS).unwrap();
    assert_eq!(target(billing::NAME).keeper, Keeper::Nobody);
    billing::write(&target(billing::NAME), &billing_facts()).unwrap();
    hot_swap::write(&target(hot_swap::NAME), &[slot("slot-1")]).unwrap();
    merged::write(&target(merged::NAME), &merged_facts()).unwrap();
    for name in [billing::NAME, hot_swap::NAME, merged::NAME] {
        assert_eq!(target(name).keeper, Keeper::Ours);
    }
    billing::write(&target(billing::NAME), &billing_facts()).unwrap();
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
    let target = Target::find(&[home.path().to_owned()], billing::NAME, NOW_MS).unwrap();
    assert!(!target.may_be_written());
    let error = billing::write(&target, &billing_facts()).unwrap_err();
    assert!(error.to_string().ends_with("/billing-shared.json"), "{error}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "no half-written file stays");
}

#[test]
fn what_is_not_known_is_left_out_and_never_0_or_young() {
    let unknown = SlotFacts {
        five_hour: None,
        seven_day: None,
        five_hour_resets_at_ms: None,
        seven_day_resets_at_ms: None,
        fetched_at_ms: None,
        is_fresh: false,
        ..slot("slot-1")
    };
    let slots = hot_swap::text(&[unknown], &Map::new()).unwrap();
    assert_eq!(
        slots,
        r#"{"slot-1":{"email":"dev@example.com","is_fresh":false,"config_dir":"/home/dev/acct/one","keychain_hash":"157c8837","writer":"cco"}}"#
    );
    let facts = BillingFacts {
        burn_rate_per_hour: None,
        five_hours: None,
        total_tokens: None,
        tokens_per_minute: None,
        ..billing_facts()
    };
    assert_eq!(
        billing::text(&facts, &Map::new()).unwrap(),
        r#"{"costToday":12.4,"tokensPerMinute":null,"isFresh":true,"lastFetched":1790000000000,"writer":"cco"}"#
    );
}

#[test]
fn what_others_say_beside_it_stays_and_what_they_said_of_limits_goes() {
    let object = |value: serde_json::Value| value.as_object().unwrap().clone();
    let theirs = json!({"email": "dev@example.com", "five_hour_burn_rate": 9, "pacing_status_5h": "good", "note": [1, 2]});
    let mine = SlotFacts { before: object(theirs.clone()), ..slot("slot-1") };
    let before = object(json!({"slot-1": theirs, "slot-7": {"email": "x@example.com", "last_fetched": 5},
        "slot-8": {"email": "gone@example.com", "writer": "cco"}}));
    let text = hot_swap::text(std::slice::from_ref(&mine), &before).unwrap();
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["slot-7"], before["slot-7"]);
    assert!(told.get("slot-8").is_none(), "one of ours that is no more: {text}");
    assert_eq!((&told["slot-1"]["note"], &told["slot-1"]["five_hour_util"]), (&json!([1, 2]), &json!(64.5)));
    assert!(!text.contains("pacing") && !text.contains("burn"), "{text}");

    let file = object(json!({"ts": 5, "rankings": 3, "active_slot": "slot-9", "slots": before}));
    let mut facts = merged_facts();
    facts.slots[0].facts = mine;
    let text = merged::text(&facts, &file).unwrap();
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&told["rankings"], &told["active_slot"]), (&json!(3), &json!("slot-1")));
    assert_eq!(told["slots"]["slot-7"], before["slot-7"]);
    assert_eq!(told["slots"]["slot-1"]["note"], json!([1, 2]));
    assert_eq!(text.matches("\"ts\"").count(), 1, "{text}");

    let before = object(json!({"costToday": 99, "weeklyResetDay": "Mon", "sessions": 4}));
    let told: serde_json::Value =
        serde_json::from_str(&billing::text(&billing_facts(), &before).unwrap()).unwrap();
    assert_eq!((&told["sessions"], &told["costToday"]), (&json!(4), &json!(12.4)));
    assert!(told.get("weeklyResetDay").is_none());
}

#[test]
fn a_file_is_anothers_while_it_is_kept_up_to_date() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (home.path().join("one"), home.path().join("two"));
    let folders = [first.clone(), second.clone()];
    let find = |name: &str| Target::find(&folders, name, NOW_MS).unwrap();
    assert_eq!(find(hot_swap::NAME).path, second.join(hot_swap::NAME), "where there is none, the last one");
    fs::create_dir(&first).unwrap();
    assert_eq!(find(hot_swap::NAME).path, first.join(hot_swap::NAME));
    fs::create_dir(&second).unwrap();
    let put = |name: &str, text: &str, written_s: i64| {
        fs::write(second.join(name), text).unwrap();
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(written_s.unsigned_abs());
        fs::File::options().write(true).open(second.join(name)).unwrap().set_modified(at).unwrap();
        let found = find(name);
        assert_eq!(found.path, second.join(name), "the one that is there");
        found.keeper
    };
    let (now_s, ago_s) = (NOW_MS / 1_000, NOW_MS / 1_000 - 601);
    let older = |text: &str| text.replace("1790000000", &ago_s.to_string());
    for (name, text) in [(hot_swap::NAME, HOT_SWAP), (merged::NAME, MERGED), (billing::NAME, BILLING)] {
        assert_eq!(put(name, text, ago_s), Keeper::Other, "its own time is young: {name}");
        assert_eq!(put(name, &older(text), now_s), Keeper::Other, "it was written just now: {name}");
        assert_eq!(put(name, &older(text), ago_s), Keeper::Left, "{name}");
        assert!(matches!(put(name, &text[..30], ago_s), Keeper::Unknown(_)), "{name}");
    }
    let ours = hot_swap::text(&[slot("slot-2")], &Map::new()).unwrap();
    assert_eq!(put(hot_swap::NAME, &ours, now_s), Keeper::Ours);
    let both = |theirs: &str| theirs.replacen('{', &format!("{},", ours.strip_suffix('}').unwrap()), 1);
    assert_eq!(put(hot_swap::NAME, &both(&older(HOT_SWAP)), now_s), Keeper::Left, "we wrote it last");
    assert_eq!(put(hot_swap::NAME, &both(HOT_SWAP), now_s), Keeper::Other);
}
