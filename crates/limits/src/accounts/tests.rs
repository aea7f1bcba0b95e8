use std::fs;
use std::os::unix::fs::symlink;

use super::*;

/// A home folder with config directories in it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn login(&self, file: &str, organization: &str, account: &str, email: &str) {
        self.write(
            file,
            &format!(
                r#"{{"oauthAccount":{{"accountUuid":"{account}","organizationUuid":"{organization}",
                "emailAddress":"{email}","organizationName":"The {organization}"}},
                "cachedUsageUtilization":{{"fetchedAtMs":1790000000000,"accountUuid":"{account}","utilization":{{}}}}}}"#
            ),
        );
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn root(&self, name: &str) -> Root {
        Root { path: self.path(name), default_of: None }
    }

    fn default_root(&self) -> Root {
        Root { path: self.path(".claude"), default_of: Some(self.0.path().to_owned()) }
    }
}

fn id(organization: &str, account: &str) -> AccountId {
    AccountId { organization: organization.into(), account: account.into() }
}

#[test]
fn directories_of_one_account_are_one_account_and_the_rest_is_nobodys() {
    let home = Home::new();
    home.login(".claude.json", "org", "me", "me@example.com");
    home.login("second/.claude.json", "org", "me", "me@example.com");
    home.write("api-key/.claude.json", "{}");
    home.write("torn/.claude.json", r#"{"oauthAccount":{"acc"#);
    let roots =
        [home.default_root(), home.root("second"), home.root("api-key"), home.root("torn"), home.root("no")];
    let found = Accounts::discover(&roots);
    let [account] = found.all() else { panic!("one account: {found:?}") };
    assert_eq!(account.label, "me@example.com");
    assert_eq!(account.directories, [home.path(".claude"), home.path("second")]);
    let held: Vec<&Held> = found.directories().iter().map(|directory| &directory.held).collect();
    let me = Held::Account(id("org", "me"));
    assert_eq!(held[..3], [&me, &me, &Held::Nobody]);
    assert!(matches!(held[3], Held::Unknown(why) if why.contains("ends in the middle")), "{held:?}");
    assert_eq!(*held[4], Held::Nobody);
    assert!(found.directories()[0].usage.is_some() && found.directories()[2].usage.is_none());
}

#[test]
fn one_address_in_two_organizations_is_two_accounts() {
    let home = Home::new();
    home.login("a/.claude.json", "work", "me", "me@example.com");
    home.login("b/.claude.json", "private", "me", "me@example.com");
    let found = Accounts::discover(&[home.root("a"), home.root("b")]);
    let labels: Vec<&str> = found.all().iter().map(|account| account.label.as_str()).collect();
    assert_eq!(labels, ["me@example.com (The work)", "me@example.com (The private)"]);
    assert_eq!(found.of_directory(&home.path("a")), Some(&id("work", "me")));
    assert_eq!(found.of_directory(&home.path("b")), Some(&id("private", "me")));
}

#[test]
fn the_default_directory_has_its_file_beside_it_or_in_it() {
    let home = Home::new();
    home.login(".claude/.claude.json", "org", "inside", "a@example.com");
    let held = |home: &Home| Accounts::discover(&[home.default_root()]).directories()[0].held.clone();
    assert_eq!(held(&home), Held::Account(id("org", "inside")));
    home.write(".claude.json", "{}");
    assert_eq!(held(&home), Held::Account(id("org", "inside")));
    home.login(".claude.json", "org", "inside", "a@example.com");
    assert_eq!(held(&home), Held::Account(id("org", "inside")));
    home.login(".claude/.config.json", "org", "early", "a@example.com");
    assert_eq!(held(&home), Held::Account(id("org", "early")));
}

#[test]
fn two_files_of_the_default_directory_that_differ_leave_a_doubt() {
    let home = Home::new();
    home.login(".claude.json", "org", "beside", "a@example.com");
    home.login(".claude/.claude.json", "org", "inside", "b@example.com");
    let found = Accounts::discover(&[home.default_root()]);
    assert!(matches!(&found.directories()[0].held, Held::Unknown(why) if why.contains("another account")));
    assert_eq!(found.of_directory(&home.path(".claude")), None);
    assert!(found.all().is_empty());
    let named = Accounts::discover(&[home.root(".claude")]);
    assert_eq!(named.of_directory(&home.path(".claude")), Some(&id("org", "inside")));
}

#[test]
fn a_session_belongs_to_the_account_of_its_directory_and_to_no_other() {
    let home = Home::new();
    home.login(".claude.json", "org", "me", "me@example.com");
    home.login("second/.claude.json", "org", "you", "you@example.com");
    let found = Accounts::discover(&[home.default_root(), home.root("second")]);
    let of = |config_dir: Option<&str>, transcript: Option<&str>| {
        let (config_dir, transcript) =
            (config_dir.map(|it| home.path(it)), transcript.map(|it| home.path(it)));
        found.of_session(config_dir.as_deref(), transcript.as_deref()).map(|id| id.account.to_string())
    };
    let (me, you) = (Some("me".to_owned()), Some("you".to_owned()));
    assert_eq!(of(None, Some(".claude/projects/-a-projects-b/s.jsonl")), me);
    assert_eq!(of(None, Some("second/projects/projects/s.jsonl")), you);
    assert_eq!(of(Some("second/"), Some(".claude/projects/a/s.jsonl")), you);
    assert_eq!(of(Some("elsewhere"), Some(".claude/projects/a/s.jsonl")), None);
    assert_eq!(of(None, Some("third/projects/a/s.jsonl")), None);
    assert_eq!(of(None, Some("second/s.jsonl")), None);
    assert_eq!(of(None, None), None);
    assert_eq!(config_directory(None, Some(Path::new("/projects/a/s.jsonl"))), None);
    assert_eq!(config_directory(None, Some(Path::new("projects/a/s.jsonl"))), None);
}

#[test]
fn a_directory_is_known_by_its_link_and_by_its_own_name_and_counted_once() {
    let home = Home::new();
    home.login("real/.claude.json", "org", "me", "me@example.com");
    symlink(home.path("real"), home.path("link")).unwrap();
    let found = Accounts::discover(&[home.root("link"), home.root("real/")]);
    assert_eq!(found.all()[0].directories, [home.path("link")]);
    assert!(found.of_directory(&home.path("link/.")).is_some());
    assert!(found.of_directory(&home.path("real").canonicalize().unwrap()).is_some());
}

#[test]
fn a_slot_belongs_to_an_account_only_when_nothing_it_says_speaks_against_it() {
    let home = Home::new();
    home.login("a/.claude.json", "work", "me", "me@example.com");
    home.login("b/.claude.json", "private", "me", "me@example.com");
    home.login("c/.claude.json", "org", "you", "You@example.com");
    let found = Accounts::discover(&[home.root("a"), home.root("b"), home.root("c")]);
    let service = |directory: &Directory| format!("S-{}", directory.path.file_name().unwrap().display());
    let of = |email: &str, directory: &str, keychain: &str| {
        let told = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let marks = SlotMarks {
            slot: "slot-1".to_owned(),
            email: told(email),
            config_dir: told(directory).map(|it| home.path(&it)),
            keychain_service: told(keychain),
        };
        found.of_slot(&marks, &service).map(|id| id.organization.to_string()).unwrap_or_default()
    };
    assert_eq!(of("you@example.com", "", ""), "org");
    assert_eq!(of("me@example.com", "", ""), "", "two accounts have this address");
    assert_eq!(of("me@example.com", "b", ""), "private");
    assert_eq!(of("me@example.com", "", "S-a"), "work");
    assert_eq!(of("me@example.com", "a", "S-b"), "");
    assert_eq!(of("you@example.com", "a", ""), "", "the directory holds another address by now");
    assert_eq!(of("they@example.com", "a", ""), "");
    assert_eq!(of("", "c", ""), "org");
    assert_eq!(of("", "elsewhere", ""), "");
    assert_eq!(of("", "", ""), "");
}
