//! Readings that are to be doubted: of wrong clocks, of impossible resets, of hands.

use super::*;

#[test]
fn what_a_wrong_clock_stamped_is_never_fresh_and_corrects_nothing() {
    let ahead = |ms: i64, reading: Reading| Reading { observed_at_ms: NOW + ms, ..reading };
    check(&[
        ("its age is not known", &[said(Endpoint, -60, 29, 42)], "29 in 42, ? old, endpoint"),
        (
            "ten seconds are no wrong clock",
            &[ahead(10_000, said(Endpoint, 0, 29, 42))],
            "29 in 42, 0 old, endpoint",
        ),
        ("more are", &[ahead(10_001, said(Endpoint, 0, 29, 42))], "29 in 42, ? old, endpoint"),
        ("it cannot lower", &[said(Stdin, 9, 80, 42), said(Endpoint, -60, 10, 42)], "80 in 42, 9 old, stdin"),
        (
            "it lowers no other such reading",
            &[said(HotSwap, -60, 80, 42), said(Endpoint, -50, 10, 42)],
            "80 in 42, ? old, hot_swap",
        ),
        (
            "it can be lowered",
            &[said(Endpoint, -60, 80, 42), said(Endpoint, 9, 10, 42)],
            "10 in 42, 9 old, endpoint",
        ),
        (
            "it does not confirm",
            &[said(Stdin, 9, 29, 42), said(Endpoint, -60, 29, 42)],
            "29 in 42, 9 old, stdin",
        ),
        (
            "it can be confirmed",
            &[said(Endpoint, -60, 29, 42), said(Stdin, 9, 29, 42)],
            "29 in 42, 9 old, stdin",
        ),
        (
            "use still only rises",
            &[said(Endpoint, -60, 81, 42), said(Stdin, 9, 80, 42)],
            "81 in 42, ? old, endpoint",
        ),
        (
            "it moves no reset forward",
            &[said(Stdin, 9, 50, 200), said(Endpoint, -60, 3, 100)],
            "50 in 200, 9 old, stdin",
        ),
        ("without a reset it belongs nowhere", &[said(Endpoint, -60, 29, None)], "nothing"),
    ]);
    let later = merge(&Window::FiveHour, &[said(Endpoint, -60, 29, 120)], NOW).unwrap();
    assert_eq!(later.age_ms(NOW + HOUR_MS), None, "what was of no known age does not become fresh");
}

#[test]
fn a_reset_that_is_too_far_ahead_is_not_believed() {
    let month = 30 * 24 * 60;
    check(&[
        (
            "seconds taken for milliseconds",
            &[said(Stdin, 9, 29, 42), said(Endpoint, 1, 3, 1_000 * month)],
            "29 in 42, 9 old, stdin",
        ),
        ("an hour more than there can be", &[said(Stdin, 1, 3, 360)], "3 in 300, 1 old, stdin"),
        ("and a minute", &[said(Stdin, 1, 3, 361)], "nothing"),
        ("a month is no week", &[of(Window::SevenDay, said(Stdin, 1, 3, month))], "nothing"),
        (
            "but may be a spend limit",
            &[of(Window::Other("spend".into()), said(Stdin, 1, 3, month))],
            "3 in 43200, 1 old, stdin",
        ),
        (
            "which is no century",
            &[of(Window::Other("spend".into()), said(Stdin, 1, 3, 1_200 * month))],
            "nothing",
        ),
    ]);
}

#[test]
fn what_is_typed_by_hand_speaks_where_nobody_else_knows() {
    check(&[
        ("nobody does", &[said(Manual, 60, 29, 42)], "29 in 42, 60 old, manual"),
        (
            "its reset is a guess",
            &[said(Stdin, 9, 29, 42), said(Manual, 2, 31, 55)],
            "31 in 42, 2 old, manual",
        ),
        (
            "a guess that is too early",
            &[said(Stdin, 9, 29, 42), said(Manual, 2, 31, 30)],
            "31 in 42, 2 old, manual",
        ),
        (
            "typed before the window began, with a reset that is too late",
            &[said(Manual, 60, 90, 300), said(Stdin, 9, 2, 290)],
            "2 in 290, 9 old, stdin",
        ),
        (
            "the window is newer",
            &[said(Manual, 60, 90, 250), said(Stdin, 9, 2, 290)],
            "2 in 290, 9 old, stdin",
        ),
        (
            "the window has ended",
            &[said(Stdin, 60, 98, -10), said(Manual, 2, 3, 290)],
            "3 in 290, 2 old, manual",
        ),
        (
            "what was typed before was taken back",
            &[said(Manual, 60, 90, 42), said(Manual, 2, 60, 42)],
            "60 in 42, 2 old, manual",
        ),
        (
            "typed again, the same",
            &[said(Manual, 60, 29, 42), said(Manual, 2, 29, 42)],
            "29 in 42, 2 old, manual",
        ),
        (
            "typed before the rest",
            &[said(Manual, 60, 90, 42), said(Endpoint, 2, 60, 42)],
            "60 in 42, 2 old, endpoint",
        ),
    ]);
}
