use super::*;

fn id(account: &str) -> AccountId {
    AccountId { organization: "org".into(), account: account.into() }
}

fn history(observations: &[(i64, &str)]) -> History {
    let mut history = History::default();
    for (at_ms, account) in observations {
        history.observe(Path::new("/d"), *at_ms, (!account.is_empty()).then(|| id(account)));
    }
    history
}

fn at(history: &History, at_ms: i64) -> String {
    history.account_at(Path::new("/d"), at_ms).map(|id| id.account.to_string()).unwrap_or_default()
}

#[test]
fn what_was_before_the_first_observation_is_unknown() {
    let history = history(&[(10, "a")]);
    assert_eq!((at(&history, 9), at(&history, 10)), (String::new(), "a".to_owned()));
    assert_eq!(history.account_at(Path::new("/other"), 10), None);
}

#[test]
fn the_time_between_two_observations_of_one_account_is_that_accounts() {
    let history = history(&[(10, "a"), (20, "a"), (30, "b"), (40, "a")]);
    assert_eq!(at(&history, 15), "a");
    assert_eq!(at(&history, 20), "a");
    assert_eq!(at(&history, 40), "a");
}

#[test]
fn a_change_happened_somewhere_between_two_observations_so_that_time_is_nobodys() {
    let history = history(&[(10, "a"), (20, "a"), (30, "b")]);
    assert_eq!(
        (at(&history, 21), at(&history, 29), at(&history, 30)),
        (String::new(), String::new(), "b".to_owned())
    );
}

#[test]
fn the_account_last_seen_counts_until_another_is_seen() {
    let mut history = history(&[(10, "a")]);
    assert_eq!((at(&history, 99), history.sure_until(Path::new("/d"))), ("a".to_owned(), Some(10)));
    history.observe(Path::new("/d"), 100, Some(id("b")));
    assert_eq!((at(&history, 99), history.sure_until(Path::new("/d"))), (String::new(), Some(100)));
}

#[test]
fn nobody_is_an_observation_too() {
    let history = history(&[(10, "a"), (20, ""), (30, "a")]);
    assert_eq!(
        (at(&history, 10), at(&history, 20), at(&history, 25)),
        ("a".to_owned(), String::new(), String::new())
    );
}

#[test]
fn in_whatever_order_observations_come_no_time_is_given_to_the_wrong_account() {
    let observations = [(10, "a"), (20, "a"), (30, "b"), (40, ""), (50, "a"), (60, "a")];
    let right = history(&observations);
    let mut orders = vec![observations.to_vec()];
    for _ in 0..observations.len() {
        let mut next = orders.last().unwrap().clone();
        next.rotate_left(1);
        orders.push(next.iter().rev().copied().collect());
        orders.push([&next[3..], &next[..1], &next[2..3], &next[1..2]].concat());
        orders.push(next);
    }
    for order in orders {
        let history = history(&order);
        for time in 0..=60 {
            assert!([at(&right, time), String::new()].contains(&at(&history, time)), "{order:?} {time}");
        }
        for (time, account) in [(10, "a"), (30, "b"), (40, ""), (60, "a")] {
            assert_eq!(at(&history, time), account, "{order:?}");
        }
    }
}

#[test]
fn it_comes_back_from_where_it_was_stored() {
    let whole = history(&[(10, "a"), (20, "a"), (30, "b")]);
    let mut again = History::default();
    for (directory, stretch) in whole.stretches() {
        again.restore(directory, stretch.clone());
    }
    assert_eq!(again, whole);
}

#[test]
fn only_news_is_worth_a_write() {
    let mut history = History::default();
    let directory = Path::new("/d");
    assert!(history.observe(directory, 10, Some(id("a"))));
    assert!(!history.observe(directory, 20, Some(id("a"))));
    assert!(history.observe(directory, 30, None));
}
