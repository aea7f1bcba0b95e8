//! Homes, settings and config roots in every state that they are met in: the right exit code and text from reports,
//! the right checks from `doctor`, and no file anywhere but in `cco`'s own folder.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::sealed::{Call, Run, TestEnv};

/// A state of a machine that has one call in `~/.claude/projects/a/s.jsonl`, and what is made of it.
struct Cell {
    name: &'static str,
    /// Makes the state.
    make: fn(TestEnv) -> TestEnv,
    /// Permissions matter: root is no user to run this as.
    bound: bool,
    /// Exit code and calls of `cco daily --json`.
    daily: (i32, Option<u64>),
    /// What it says on stderr; nothing: it is silent.
    says: &'static str,
    /// What `cco doctor` finds.
    problems: &'static [&'static str],
}

const fn cell(name: &'static str, make: fn(TestEnv) -> TestEnv) -> Cell {
    Cell { name, make, bound: false, daily: (0, Some(1)), says: "", problems: &[] }
}

const fn bound(name: &'static str, make: fn(TestEnv) -> TestEnv) -> Cell {
    Cell { bound: true, ..cell(name, make) }
}

fn mode(env: &TestEnv, path: &str, mode: u32) {
    fs::set_permissions(env.home().join(path), fs::Permissions::from_mode(mode)).unwrap();
}

fn link(env: &TestEnv, target: &str, path: &str) {
    symlink(target, env.home().join(path)).unwrap();
}

fn folder(env: &TestEnv, path: &str) {
    fs::create_dir_all(env.home().join(path)).unwrap();
}

/// A second call, elsewhere.
fn second(env: &TestEnv, path: &str) {
    env.write(path, &Call { number: 2, ..Call::default() }.row());
}

/// The machine without its transcripts at the usual place.
fn without_claude(env: &TestEnv) {
    fs::remove_dir_all(env.home().join(".claude")).unwrap();
}

fn below(env: TestEnv, variable: &str, path: &str) -> TestEnv {
    let value = env.home().join(path).display().to_string();
    env.with(variable, &value)
}

const MEMORY: &[&str] = &["home.writable"];
const NONE: (i32, Option<u64>) = (1, Some(0));

static CELLS: &[Cell] = &[
    cell("all is as usual", |env| env),
    Cell {
        says: "cannot write to $HOME/.cco (permission denied)",
        problems: MEMORY,
        ..bound("the folder is read-only", |env| {
            folder(&env, ".cco");
            mode(&env, ".cco", 0o500);
            env
        })
    },
    Cell {
        says: "what only $HOME/.cco/ledger.db knows is not in these numbers",
        problems: MEMORY,
        ..bound("the folder is read-only and has a ledger", |env| {
            assert_eq!(env.run("scan").code, 0);
            mode(&env, ".cco/ledger.db", 0o400);
            mode(&env, ".cco", 0o500);
            env
        })
    },
    Cell {
        says: "cannot write to $HOME/.cco (permission denied)",
        problems: MEMORY,
        ..bound("the home is read-only and has no folder", |env| {
            mode(&env, "", 0o500);
            env
        })
    },
    Cell {
        says: "nothing is kept after this run",
        problems: MEMORY,
        ..bound("the folder may not be entered", |env| {
            folder(&env, ".cco");
            mode(&env, ".cco", 0o000);
            env
        })
    },
    Cell {
        says: "cannot write to $HOME/.cco (something else of that name is there)",
        problems: MEMORY,
        ..cell("the folder is a file", |env| {
            env.write(".cco", "");
            env
        })
    },
    Cell {
        says: "nothing is kept after this run",
        problems: MEMORY,
        ..cell("the folder is a link that leads nowhere", |env| {
            link(&env, "/nowhere/at/all", ".cco");
            env
        })
    },
    Cell {
        says: "nothing is kept after this run",
        problems: MEMORY,
        ..cell("the folder is a link to itself", |env| {
            link(&env, ".cco", ".cco");
            env
        })
    },
    cell("the folder is a link to another", |env| {
        folder(&env, "elsewhere.cco");
        mode(&env, "elsewhere.cco", 0o700);
        link(&env, "elsewhere.cco", ".cco");
        env
    }),
    cell("CCO_HOME is not there", |env| below(env, "CCO_HOME", "new.cco")),
    cell("CCO_HOME is not there, nor what is above it", |env| below(env, "CCO_HOME", "a.cco/b/c")),
    Cell {
        says: "nothing is kept after this run",
        problems: MEMORY,
        ..cell("CCO_HOME lies below a file", |env| {
            env.write("file", "");
            below(env, "CCO_HOME", "file/x")
        })
    },
    Cell {
        daily: (2, None),
        says: "CCO_HOME must be an absolute path",
        problems: MEMORY,
        ..cell("CCO_HOME is relative", |env| env.with("CCO_HOME", "here.cco"))
    },
    cell("CCO_HOME is empty", |env| env.with("CCO_HOME", "")),
    Cell {
        daily: NONE,
        says: "neither CCO_HOME nor HOME is set",
        problems: &["home.writable", "roots.found"],
        ..cell("HOME is not set", |env| env.without("HOME"))
    },
    Cell {
        daily: NONE,
        says: "neither CCO_HOME nor HOME is set",
        problems: &["home.writable", "roots.found"],
        ..cell("HOME is empty", |env| env.with("HOME", ""))
    },
    Cell {
        says: "neither CCO_HOME nor HOME is set",
        problems: MEMORY,
        ..cell("HOME is not set, though transcripts are named", |env| {
            below(env, "CLAUDE_CONFIG_DIR", ".claude").without("HOME")
        })
    },
    cell("HOME is not set, though both others are", |env| {
        below(below(env, "CLAUDE_CONFIG_DIR", ".claude"), "CCO_HOME", "own.cco").without("HOME")
    }),
    cell("HOME is relative", |env| env.with("HOME", ".")),
    cell("XDG_CONFIG_HOME is relative", |env| env.with("XDG_CONFIG_HOME", "xdg")),
    cell("XDG_CONFIG_HOME is empty", |env| env.with("XDG_CONFIG_HOME", "")),
    cell("XDG_CONFIG_HOME is not there", |env| below(env, "XDG_CONFIG_HOME", "xdg")),
    Cell {
        says: "$HOME/xdg/claude/projects cannot be read: not a folder",
        problems: &["roots.readable"],
        ..cell("XDG_CONFIG_HOME is a file", |env| {
            env.write("xdg", "");
            below(env, "XDG_CONFIG_HOME", "xdg")
        })
    },
    Cell {
        daily: (0, Some(2)),
        ..cell("XDG_CONFIG_HOME has transcripts too", |env| {
            second(&env, "xdg/claude/projects/a/s.jsonl");
            below(env, "XDG_CONFIG_HOME", "xdg")
        })
    },
    Cell {
        daily: NONE,
        says: "looked in $HOME/.claude/projects (not there)",
        problems: &["roots.found"],
        ..cell("there is no root", |env| {
            without_claude(&env);
            env
        })
    },
    Cell {
        daily: NONE,
        says: "looked in $HOME/.claude/projects (not a folder)",
        problems: &["roots.found", "roots.readable"],
        ..cell("the root is a file", |env| {
            without_claude(&env);
            env.write(".claude", "");
            env
        })
    },
    Cell {
        daily: NONE,
        says: "looked in $HOME/.claude/projects (not a folder)",
        problems: &["roots.found", "roots.readable"],
        ..cell("projects is a file", |env| {
            without_claude(&env);
            env.write(".claude/projects", "");
            env
        })
    },
    Cell {
        daily: NONE,
        says: "looked in $HOME/.claude/projects (not there)",
        problems: &["roots.found"],
        ..cell("the root is a link that leads nowhere", |env| {
            without_claude(&env);
            link(&env, "/nowhere", ".claude");
            env
        })
    },
    Cell {
        daily: NONE,
        says: "looked in $HOME/.claude/projects (Too many levels of symbolic links)",
        problems: &["roots.found", "roots.readable"],
        ..cell("the root is a link to itself", |env| {
            without_claude(&env);
            link(&env, ".claude", ".claude");
            env
        })
    },
    cell("a project links to its own parent", |env| {
        link(&env, "..", ".claude/projects/a/up");
        env
    }),
    cell("links in projects lead nowhere", |env| {
        link(&env, "/nowhere", ".claude/projects/gone");
        link(&env, "loop", ".claude/projects/loop");
        link(&env, "/nowhere.jsonl", ".claude/projects/a/gone.jsonl");
        env
    }),
    Cell {
        says: "1 file or folder cannot be read",
        problems: &["transcripts.readable"],
        ..bound("one project may not be read", |env| {
            second(&env, ".claude/projects/b/s.jsonl");
            mode(&env, ".claude/projects/b", 0o000);
            env
        })
    },
    Cell {
        says: "1 file or folder cannot be read",
        problems: &["transcripts.readable"],
        ..bound("one transcript may not be read", |env| {
            second(&env, ".claude/projects/b/s.jsonl");
            mode(&env, ".claude/projects/b/s.jsonl", 0o000);
            env
        })
    },
    Cell {
        daily: NONE,
        says: "looked in $HOME/.claude/projects (permission denied)",
        problems: &["roots.found", "roots.readable"],
        ..bound("projects may not be read", |env| {
            mode(&env, ".claude/projects", 0o000);
            env
        })
    },
    Cell {
        daily: (0, Some(2)),
        ..cell("a list of roots has empty places", |env| {
            second(&env, "two/projects/a/s.jsonl");
            env.with("CLAUDE_CONFIG_DIR", ",, ~/.claude ,,~/two,")
        })
    },
    Cell {
        daily: NONE,
        says: "set CLAUDE_CONFIG_DIR to the folder that holds projects/",
        problems: &["roots.found"],
        ..cell("a list of roots is nothing but commas", |env| env.with("CLAUDE_CONFIG_DIR", " , ,"))
    },
    Cell {
        says: "$HOME/gone/projects, named by CLAUDE_CONFIG_DIR, cannot be read: not there",
        problems: &["roots.readable"],
        ..cell("a list of roots has one that is not there", |env| {
            env.with("CLAUDE_CONFIG_DIR", "~/.claude,~/gone")
        })
    },
    cell("a root is named twice, by a link too", |env| {
        link(&env, ".claude", "other");
        env.with("CLAUDE_CONFIG_DIR", "~/.claude,~/.claude/,~/other")
    }),
    cell("a root is relative", |env| env.with("CLAUDE_CONFIG_DIR", ".claude")),
    cell("a root is named by its projects folder", |env| env.with("CLAUDE_CONFIG_DIR", "~/.claude/projects")),
    Cell {
        daily: (1, None),
        says: "config.toml: permission denied",
        problems: &["config.valid"],
        ..bound("config.toml may not be read", |env| {
            env.config("");
            mode(&env, ".cco", 0o700);
            mode(&env, ".cco/config.toml", 0o000);
            env
        })
    },
    cell("config.toml is a link that leads nowhere", |env| {
        folder(&env, ".cco");
        mode(&env, ".cco", 0o700);
        link(&env, "/nowhere", ".cco/config.toml");
        env
    }),
    Cell {
        daily: (1, None),
        says: "kept.db: Permission denied",
        problems: &["ledger.opens"],
        ..bound("the ledger may not be read", |env| {
            env.config("[stats]\ndatabase_path = 'kept.db'\n");
            mode(&env, ".cco", 0o700);
            assert_eq!(env.run("scan").code, 0);
            mode(&env, ".cco/kept.db", 0o000);
            env
        })
    },
    Cell {
        daily: (1, None),
        says: "is not a ledger of cco",
        problems: &["ledger.opens"],
        ..cell("the ledger is a folder", |env| {
            folder(&env, ".cco/ledger.db");
            mode(&env, ".cco", 0o700);
            env
        })
    },
    Cell {
        daily: (1, None),
        says: "not a ledger of cco",
        problems: &["ledger.opens"],
        ..cell("the ledger is another program's", |env| {
            env.write(".cco/ledger.db", "their own words, long enough to be looked at");
            mode(&env, ".cco", 0o700);
            mode(&env, ".cco/ledger.db", 0o600);
            env
        })
    },
];

/// Everything below a folder that is not in a folder of ours.
fn others(root: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let Ok(entries) = fs::read_dir(root) else { return found };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|end| end != "cco") && !path.ends_with(".cco") {
            if path.is_dir() && !path.is_symlink() {
                found.extend(others(&path));
            }
            found.insert(path);
        }
    }
    found
}

impl Cell {
    /// What is not as it should be; none: it was skipped.
    fn faults(&self) -> Option<Vec<String>> {
        let env = TestEnv::new();
        env.transcript("a/s.jsonl", &[Call::default().row()]);
        let env = (self.make)(env);
        if self.bound {
            env.give_away();
        }
        let before = others(env.home());
        let run = |words: &str| if self.bound { env.run_bound(words) } else { Some(env.run(words)) };
        let mut faults = Vec::new();
        let mut expect = |what: &str, holds: bool, run: &Run| {
            if !holds {
                faults.push(format!("{}: {what}\n{}", self.name, run.story()));
            }
        };
        // The check-up comes first: it must see the machine as it is, and leave it so.
        let all = |env: &TestEnv| fs::read_dir(env.home()).map(Iterator::count).unwrap_or_default();
        let there = all(&env);
        let doctor = run("doctor --json")?;
        let json = doctor.json();
        let found: Vec<&str> = json["checks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|check| check["status"] == "problem")
            .map(|check| check["id"].as_str().unwrap())
            .collect();
        expect(&format!("problems {found:?}"), found == self.problems, &doctor);
        expect("doctor's exit code", doctor.code == if found.is_empty() { 0 } else { 3 }, &doctor);
        expect("doctor is silent on stderr", doctor.stderr.is_empty(), &doctor);
        expect("doctor made something", all(&env) == there, &doctor);

        let daily = run("daily --json")?;
        expect("daily's exit code", daily.code == self.daily.0, &daily);
        let calls = serde_json::from_str::<serde_json::Value>(&daily.stdout).ok();
        let calls = calls.and_then(|json| json["totals"]["calls"].as_u64());
        expect("daily's calls", calls == self.daily.1, &daily);
        let said =
            if self.says.is_empty() { daily.stderr.is_empty() } else { daily.stderr.contains(self.says) };
        expect("daily's words", said, &daily);
        let glance = run("")?;
        expect(
            "the glance's exit code",
            glance.code == if self.daily.1.is_some() { 0 } else { self.daily.0 },
            &glance,
        );
        expect("files elsewhere", others(env.home()) == before, &glance);
        Some(faults)
    }
}

#[test]
fn every_state_of_home_settings_and_roots_is_met_with_the_right_word() {
    assert!(CELLS.len() >= 40);
    let faults: Vec<String> = CELLS.iter().filter_map(Cell::faults).flatten().collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_folder_of_another_user_is_told() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give a folder away");
        return;
    }
    let env = TestEnv::new();
    folder(&env, ".cco");
    mode(&env, ".cco", 0o700);
    env.give_away();
    let run = env.run("doctor");
    assert!(run.stdout.contains("$HOME/.cco is of user 65534"), "{}", run.story());
}
