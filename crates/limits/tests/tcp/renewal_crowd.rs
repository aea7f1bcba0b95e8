//! Processes of ours and Claude Codes that find one login expired at the same moment.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use cco_limits::refresh::{Exchange, Refreshed, Renewal};
use cco_limits::secret::Secret;

use crate::server::Server;
use crate::tokens::{Chain, Home, client, longer, now_ms, serve};

/// A Claude Code: the same two locks in the same order, a look at the file under them, and one question.
struct ClaudeCode<'a> {
    home: &'a Path,
    in_place: bool,
    stolen: &'a AtomicU32,
}

impl ClaudeCode<'_> {
    fn lock(path: &Path) -> (u64, u64) {
        use std::os::unix::fs::MetadataExt;
        let start = Instant::now();
        while fs::create_dir(path).is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "{path:?} is never given back");
            thread::sleep(Duration::from_millis(3));
        }
        let found = fs::metadata(path).unwrap();
        (found.dev(), found.ino())
    }

    fn unlock(&self, path: &Path, mine: (u64, u64)) {
        use std::os::unix::fs::MetadataExt;
        let found = fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
        if found != Some(mine) || fs::remove_dir(path).is_err() {
            self.stolen.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn run(&self, chain: &Chain) {
        let paths = [self.home.join("config/.oauth_refresh.lock"), self.home.join(".claude.lock")];
        let mine = [Self::lock(&paths[0]), Self::lock(&paths[1])];
        let file = self.home.join("config/.credentials.json");
        let text = fs::read_to_string(&file).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).expect("under the locks it is whole");
        let oauth = &json["claudeAiOauth"];
        if oauth["expiresAt"].as_i64().unwrap() <= now_ms() {
            let request = serde_json::json!({
                "grant_type": "refresh_token", "client_id": "client-7", "refresh_token": oauth["refreshToken"],
            });
            thread::sleep(Duration::from_millis(u64::from(chain.posts() % 5) * 10));
            assert_eq!(chain.answer(&request.to_string()).0, 200, "Claude Code is logged out");
            let new = chain.file(now_ms() + 28_800_000);
            if self.in_place {
                fs::write(&file, new).unwrap();
            } else {
                fs::write(file.with_extension("tmp"), new).unwrap();
                fs::rename(file.with_extension("tmp"), &file).unwrap();
            }
        }
        self.unlock(&paths[1], mine[1]);
        self.unlock(&paths[0], mine[0]);
    }
}

/// One expiry; gives back how many of ours renewed it.
fn expiry(home: &Path, chain: &Arc<Chain>, server: &Server, stolen: &AtomicU32) -> usize {
    let barrier = Barrier::new(10);
    thread::scope(|scope| {
        for in_place in [true, false] {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                ClaudeCode { home, in_place, stolen }.run(chain);
            });
        }
        let ours = || {
            let (home, client) = (Home::at(home), client(&server.token_url()));
            barrier.wait();
            home.refresh(&client, &|_| ())
        };
        let crowd: Vec<_> = (0..8).map(|_| scope.spawn(ours)).collect();
        let ends: Vec<Refreshed> = crowd.into_iter().map(|one| one.join().unwrap()).collect();
        let renewed = |end: &&Refreshed| matches!(end, Refreshed::Renewed { .. });
        let fine = ends.iter().all(|end| renewed(&end) || *end == Refreshed::NotNeeded);
        assert!(fine, "{ends:?}");
        ends.iter().filter(renewed).count()
    })
}

#[test]
fn eight_of_ours_and_two_claude_codes_spend_one_token_for_each_expiry_and_nobody_is_logged_out() {
    let chain = Chain::new(true);
    let (home, server, stolen) = (Home::expired(&chain), serve(&chain, 200), AtomicU32::new(0));
    // An answer that takes seconds makes a round long, so only the longer lane has some.
    let slow = serve(&chain, 3_000);
    let (mut by_us, rounds) = (0, longer().unwrap_or(60));
    for round in 0..rounds {
        fs::write(home.credential(), chain.file(now_ms() - 1)).unwrap();
        let server = if longer().is_some() && round % 25 == 0 { &slow } else { &server };
        by_us += expiry(&home.path, &chain, server, &stolen);
        assert_eq!((chain.posts(), chain.refused()), (round + 1, 0), "one question for each expiry");
        let text = home.text();
        let expires = text.split("\"expiresAt\":").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
        assert_eq!(text, chain.file(expires.parse().unwrap()), "the newest login, and all else as it was");
        let lock_or_note = |name: &String| name.ends_with(".lock") || name.ends_with(".json");
        let left = home.left();
        assert!(left.iter().all(|name| name.starts_with("refresh-") && lock_or_note(name)), "{left:?}");
        home.assert_no_token_lies_about(false);
    }
    assert_eq!(stolen.load(Ordering::SeqCst), 0, "no lock of a living process is taken");
    println!("{rounds} expiries, {by_us} renewed by us");
}

#[test]
fn a_lock_that_is_held_for_long_and_touched_is_waited_for_and_not_taken() {
    let chain = Chain::new(true);
    let home = Home::expired(&chain);
    let lock = home.path.join(".claude.lock");
    fs::create_dir(&lock).unwrap();
    // Seventy seconds of its life, of which it was touched a moment ago.
    home.later_ms.set(5_000);
    assert!(matches!(home.refresh(&Never, &|_| ()), Refreshed::Locked(_)));
    home.later_ms.set(70_000);
    let server = serve(&chain, 0);
    assert!(
        matches!(home.refresh(&client(&server.token_url()), &|_| ()), Refreshed::Renewed { .. }),
        "it is dead by now"
    );
    assert!(!lock.exists());
}

struct Never;

impl Exchange for Never {
    fn renew(&self, _: &Secret) -> Renewal {
        panic!("nothing is asked")
    }
}
