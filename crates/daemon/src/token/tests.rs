use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a time of this century")
}

fn kept(state: &Path) -> String {
    fs::read_to_string(state.join(FILE)).expect("the token's file").trim().to_owned()
}

#[test]
fn a_token_is_made_once_and_for_its_user_alone() {
    let state = tempfile::tempdir().expect("a folder");
    let tokens = Tokens::open(state.path()).expect("a token");
    let token = kept(state.path());
    assert_eq!(token.len(), 64);
    assert_eq!(fs::metadata(state.path().join(FILE)).expect("the file").mode() & 0o777, 0o600);
    assert!(tokens.admits(&token));
    let again = Tokens::open(state.path()).expect("the same token");
    assert!(again.admits(&token));
    for other in ["", "x", &token[1..], &format!("{token}0"), &token.to_uppercase(), &format!(" {token}")] {
        assert!(!tokens.admits(other), "{other:?}");
    }
}

#[test]
fn a_file_that_others_had_to_do_with_is_refused() {
    let good = "0123456789abcdef".repeat(4);
    let refused = |make: &dyn Fn(&Path)| {
        let state = tempfile::tempdir().expect("a folder");
        make(&state.path().join(FILE));
        Tokens::open(state.path()).err().expect("refused").to_string()
    };
    let with_mode = |mode| {
        let good = good.clone();
        move |path: &Path| {
            fs::write(path, &good).expect("a file");
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
        }
    };
    for mode in [0o640, 0o604, 0o620, 0o777] {
        assert!(refused(&with_mode(mode)).contains("others"), "{mode:o}");
    }
    let linked = |path: &Path| {
        with_mode(0o600)(&path.with_extension("elsewhere"));
        symlink(path.with_extension("elsewhere"), path).expect("a link");
    };
    assert!(refused(&linked).contains("no plain file"));
    let twice = |path: &Path| {
        with_mode(0o600)(path);
        fs::hard_link(path, path.with_extension("twin")).expect("a hard link");
    };
    assert!(refused(&twice).contains("others"));
    for text in ["", "short", &good.replace('a', "g")] {
        let made = |path: &Path| {
            fs::write(path, text).expect("a file");
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
        };
        let said = refused(&made);
        assert!(said.contains("no token") && (text.is_empty() || !said.contains(text)), "{said}");
    }
}

#[test]
fn a_code_is_good_for_one_exchange_within_half_a_minute() {
    let state = tempfile::tempdir().expect("a folder");
    let tokens = Tokens::open(state.path()).expect("a token");
    let code = tokens.new_code(later(0));
    assert_eq!(code.len(), 32);
    assert!(tokens.exchange("", later(1)).is_none() && tokens.exchange(&code[1..], later(1)).is_none());
    let token = tokens.exchange(&code, later(29)).expect("the token");
    assert!(tokens.admits(token.expose()));
    assert!(tokens.exchange(&code, later(29)).is_none(), "once");
    for at in [30, 31, -1] {
        let code = tokens.new_code(later(0));
        assert!(tokens.exchange(&code, later(at)).is_none(), "after {at} s");
    }
}

#[test]
fn codes_are_few_and_the_newest_hold() {
    let state = tempfile::tempdir().expect("a folder");
    let tokens = Tokens::open(state.path()).expect("a token");
    let codes: Vec<String> = (0..MOST_CODES + 3).map(|_| tokens.new_code(later(0))).collect();
    assert_eq!(tokens.known().codes.len(), MOST_CODES);
    assert!(tokens.exchange(&codes[0], later(0)).is_none());
    assert!(tokens.exchange(&codes[MOST_CODES + 2], later(0)).is_some());
}

#[test]
fn another_token_refuses_the_old_one_and_every_code_at_once() {
    let state = tempfile::tempdir().expect("a folder");
    let tokens = Tokens::open(state.path()).expect("a token");
    let (old, code) = (kept(state.path()), tokens.new_code(later(0)));
    let heard = tokens.rotations();
    tokens.rotate().expect("another token");
    let new = kept(state.path());
    assert!(!tokens.admits(&old) && tokens.admits(&new) && old != new);
    assert!(tokens.exchange(&code, later(0)).is_none());
    assert!(heard.has_changed().expect("it is still told"));
}

#[test]
fn a_proof_is_the_hmac_of_the_standard() {
    // RFC 4231, cases 1 and 2.
    let proof = |key: &[u8], words: &[u8]| hex(&hmac(key, words));
    assert_eq!(
        proof(&[0x0b; 20], b"Hi There"),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
    assert_eq!(
        proof(b"Jefe", b"what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}
