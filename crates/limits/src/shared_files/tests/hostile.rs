use jiff::tz::TimeZone;

use super::*;
use crate::input::hostile::torment;

#[test]
fn whatever_becomes_of_a_quota_file_it_has_a_class() {
    torment(HOT_SWAP, 3_000, &|path| hot_swap::read(path, NOW_MS).map(|slots| slots.readings(&anybody)));
}

#[test]
fn whatever_becomes_of_a_merged_file_it_has_a_class() {
    torment(MERGED, 3_000, &|path| merged::read(path, NOW_MS).map(|merged| merged.slots.readings(&anybody)));
}

#[test]
fn whatever_becomes_of_a_billing_file_it_has_a_class() {
    torment(BILLING, 3_000, &|path| billing::read(path, NOW_MS));
}

#[test]
fn whatever_becomes_of_a_subscription_it_has_a_class() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    torment(SUBSCRIPTION, 3_000, &|path| {
        subscription::read(path, &zone).map(|typed| typed.readings(&anybody))
    });
}

#[test]
fn whatever_becomes_of_a_list_of_logins_it_has_a_class() {
    torment(SESSIONS, 3_000, &sessions::read);
}
