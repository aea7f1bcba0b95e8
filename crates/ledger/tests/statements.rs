//! SQL is fixed text: what data says is bound to it and never becomes part of it.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use cco_ledger::query::{By, Only, Question};
use common::{open, take};
use jiff::tz::TimeZone;

/// Functions of SQLite's wrapper whose first argument is SQL, and of statements, whose first one is what is bound.
const CALLS: [&str; 10] = [
    "prepare",
    "prepare_cached",
    "prepare_with_flags",
    "execute",
    "execute_batch",
    "query_one",
    "query_row",
    "query_row_and_then",
    "pragma_update",
    "pragma_query_value",
];
/// What makes text of data. A file that hands SQL on by name must not do so.
const BUILDERS: [&str; 9] = [
    "format!",
    "write!",
    "writeln!",
    "push_str(",
    ".concat()",
    ".join(",
    "String::",
    "to_string()",
    "sql: &str",
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The Rust files below a folder, tests aside.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        if path.is_dir() {
            found.extend(sources(&path));
        } else if name.ends_with(".rs") && !["tests.rs", "testing.rs"].contains(&name) {
            found.push(path);
        }
    }
    found
}

/// The arguments that begin here, to the bracket that closes them.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped, mut start) = (0, false, false, 0);
    let mut found = Vec::new();
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ')' | ',' if depth == 0 => {
                found.push(text[start..at].trim());
                start = at + 1;
                if char == ')' {
                    break;
                }
            }
            _ => {}
        }
    }
    found.retain(|argument| !argument.is_empty());
    found
}

/// Whether the arguments of such a call hold SQL that is no fixed text. `builds`: the file makes text of data.
fn is_open(call: &str, arguments: &[&str], builds: bool) -> bool {
    let bound_only = matches!((call, arguments.len()), ("execute", 1) | ("query_row" | "query_one", 2));
    let Some(first) = arguments.first().filter(|_| !bound_only) else { return false };
    // Of a pragma the name is SQL, whatever its value.
    let sql = if call.starts_with("pragma") { arguments.get(1).unwrap_or(first) } else { first };
    let literal = sql.starts_with('"') || sql.starts_with("r\"") || sql.starts_with("r#\"");
    let joined = sql.starts_with("concat!(") || sql.starts_with("include_str!(");
    let bound = sql.starts_with('[') || sql.starts_with('(') || sql.starts_with("params!");
    // Without its literals: one of two texts, by a condition.
    let bare: String =
        sql.replace("\\\"", "").split('"').step_by(2).flat_map(str::split_whitespace).collect();
    let either = bare.starts_with("if") && bare.ends_with("{}else{}") && !bare.contains('&');
    let constant = sql.chars().all(|char| char.is_ascii_uppercase() || char == '_');
    let words = sql.chars().all(|char| char.is_ascii_alphanumeric() || "_.()".contains(char));
    // A field of a table of statements, or a local of this very name.
    let named = words && !builds && (*sql == "sql" || sql.contains('.')) && call != "execute_batch";
    !(literal || joined || either || constant || named || (bound && !call.starts_with("pragma")))
}

/// The calls of a source text whose SQL is no fixed text.
fn open_statements(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let builds = BUILDERS.iter().any(|builder| source.contains(builder));
    let mut found = Vec::new();
    for call in CALLS {
        for (at, name) in source.match_indices(&format!(".{call}(")) {
            let arguments = arguments(&source[at + name.len()..]);
            if is_open(call, &arguments, builds) {
                let line = source[..at].lines().count();
                found.push(format!("line {line}: {call}({})", arguments.join(", ")));
            }
        }
    }
    found
}

#[test]
fn no_statement_is_made_of_data() {
    let ledger = crates().join("ledger/src");
    let mut statements = 0;
    for path in sources(&ledger) {
        let source = fs::read_to_string(&path).expect("a source file");
        statements += CALLS.iter().map(|call| source.matches(&format!(".{call}(")).count()).sum::<usize>();
        assert_eq!(open_statements(&source), Vec::<String>::new(), "{}", path.display());
    }
    assert!(statements > 50, "the search finds the ledger's statements: {statements}");
}

#[test]
fn only_the_ledger_speaks_sql() {
    for entry in fs::read_dir(crates()).expect("the crates") {
        let folder = entry.expect("a crate").path();
        if folder.ends_with("ledger") {
            continue;
        }
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        // Tests may damage a ledger on purpose.
        let program = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        assert!(!program.contains("rusqlite"), "{}", folder.display());
        for path in sources(&folder.join("src")) {
            let source = fs::read_to_string(&path).expect("a source file");
            assert!(!source.contains("rusqlite"), "{}", path.display());
        }
    }
}

#[test]
fn the_search_tells_fixed_text_from_text_made_of_data() {
    for fixed in [
        r#"c.execute("DELETE FROM t WHERE a = ?1 AND b = '(,'", [a, b])?"#,
        r#"c.prepare(concat!("SELECT ", columns!(), " FROM t"))?"#,
        "c.execute_batch(SCHEMA)?",
        "statement.execute(row)?",
        "statement.query_row([a, b], |row| row.get::<_, i64>(0))?",
        "statement.query_row(names, |row| row.get(0))?",
        "let sql = if a { \"SELECT 1\" } else { \"SELECT 2\" }; c.prepare_cached(sql)?",
        "c.prepare_cached(key.kind.sql().upsert)?",
        r#"c.prepare(if gone { "SELECT \"a\" FROM t" } else { "SELECT b FROM t" })?"#,
        r#"c.pragma_update(None, "cache_size", size)?"#,
    ] {
        assert_eq!(open_statements(fixed), Vec::<String>::new(), "{fixed}");
    }
    for open in [
        r#"c.execute(&format!("DELETE FROM {table}"), [])?"#,
        r#"c.execute(&("DELETE FROM ".to_owned() + table), [])?"#,
        "c.prepare(name)?",
        "c.prepare(&name)?",
        "c.execute_batch(sql)?",
        r#"c.prepare(if gone { name } else { "SELECT b FROM t" })?"#,
        "c.execute_batch(&text)?",
        r#"let sql = format!("SELECT {column}"); c.prepare_cached(sql)?"#,
        "fn ask(sql: &str) { c.query_row(sql, [], |row| row.get(0)) }",
        "c.pragma_update(None, name, 1)?",
    ] {
        assert_eq!(open_statements(open).len(), 1, "{open}");
    }
}

#[test]
fn a_name_that_reads_like_sql_is_a_name() {
    let folder = tempfile::tempdir().expect("a folder");
    for (n, name) in [
        "'); DROP TABLE call; --",
        "\"; ATTACH 'x' AS y; --",
        "%' OR 1=1 --",
        "?1",
        ":name @name $name",
        "Robert\u{0}'); DELETE FROM meta",
        "\u{201f}\u{1f600}]`[",
    ]
    .into_iter()
    .enumerate()
    {
        let mut ledger = open(&folder.path().join(format!("{n}.db"))).expect("a ledger");
        take(&mut ledger, 0..3, name).expect("a commit");
        take(&mut ledger, 3..5, name).expect("a commit of known names");
        let sessions = ledger.sessions(&(i64::MIN..i64::MAX), &Only::default()).expect("sessions");
        let [session] = &sessions[..] else { panic!("{name:?}: {sessions:?}") };
        assert_eq!([&*session.session, &*session.project, &*session.part.model], [name; 3]);
        assert_eq!(session.part.sums.calls, 5, "{name:?}");
        let all = Question { days: (None, None), zone: TimeZone::UTC, only: Only::default() };
        let groups = ledger.groups(&all, By { project: true, ..By::default() }).expect("groups");
        assert!(
            groups.iter().all(|group| &*group.part.model == name && &*group.project == name),
            "{groups:?}"
        );
        assert_eq!(ledger.audit().expect("an audit"), [], "{name:?}");
    }
}
