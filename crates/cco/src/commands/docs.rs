//! `cco man --docs`: writes `docs/commands.md` and `docs/config.md` from the tables that the program itself runs on.
//!
//! Must not: hold a fact of its own; what is wrong in the documents is wrong in a table.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use crate::args::Args;
use crate::config::keys::{KEYS, Key, SECTIONS};
use crate::config::prices::RATES;
use crate::doctor::CHECKS;
use crate::env::VARIABLES;
use crate::error::{CliError, why};
use crate::print::Output;

const COMMANDS_HEAD: &str = "\
# Commands

Made from the program's own tables by `cargo run -- man --docs docs`; a test holds it to them.
";

const CONFIG_HEAD: &str = "\
# Settings

Made from the program's own tables by `cargo run -- man --docs docs`; a test holds it to them.

`cco config path` says where `config.toml` is: in `$CCO_HOME`, else in `~/.cco`.
Every key may be left out. A value is taken from the first that has it: a flag, an environment variable, the file, the default.
`cco config show` says which one that was, `cco config set KEY VALUE` changes the file and nothing else in it, `cco config check` says what is wrong.
Sections that `cco` does not know belong to other programs and are left alone.
";

/// Writes them.
pub(super) fn write(folder: &Path, out: &mut Output) -> Result<(), CliError> {
    let write = |name: &str, text: &str| {
        std::fs::create_dir_all(folder).and_then(|()| std::fs::write(folder.join(name), text)).map_err(
            |error| {
                CliError::failed(format!("cannot write {}: {}", folder.join(name).display(), why(&error)))
            },
        )
    };
    write("commands.md", &commands())?;
    write("config.md", &settings())?;
    out.note(&format!("commands.md and config.md written to {}", folder.display()));
    Ok(())
}

fn commands() -> String {
    let mut root = Args::command();
    root.build();
    let mut text = COMMANDS_HEAD.to_owned();
    section(&root, "cco", &mut text);
    text + "\n" + &checks()
}

/// A command, then those below it.
fn section(command: &Command, name: &str, text: &mut String) {
    let about = command.get_about().map_or_else(String::new, ToString::to_string);
    let about = if about.ends_with('.') { about } else { format!("{about}.") };
    // Writing to a `String` cannot fail.
    let _ = write!(text, "\n## `{name}`\n\n{about}\n");
    let aliases: Vec<String> = command.get_visible_aliases().map(|alias| format!("`{alias}`")).collect();
    if !aliases.is_empty() {
        let _ = writeln!(text, "Also: {}.", aliases.join(", "));
    }
    let usage = command.clone().render_usage().to_string();
    let _ = write!(text, "\n```\n{}\n```\n", usage.trim_start_matches("Usage: ").trim_end());
    let is_root = name == "cco";
    let shown = |arg: &&Arg| {
        !arg.is_hide_set()
            && (is_root || !arg.is_global_set())
            && arg.get_id() != "help"
            && arg.get_id() != "version"
    };
    let rows: Vec<String> = command.get_arguments().filter(shown).map(row).collect();
    if !rows.is_empty() {
        let _ = write!(text, "\n| argument | does |\n| --- | --- |\n{}", rows.concat());
    }
    if is_root {
        text.push_str("\nThese flags go with every command.\n");
    }
    if let Some(help) = command.get_after_help() {
        let _ = write!(text, "\n```\n{}\n```\n", help.to_string().trim_end());
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        section(below, &format!("{name} {}", below.get_name()), text);
    }
}

fn row(arg: &Arg) -> String {
    let mut names: Vec<String> = arg.get_short().map(|short| format!("-{short}")).into_iter().collect();
    names.extend(arg.get_long().map(|long| format!("--{long}")));
    let takes = arg.get_action().takes_values();
    let values: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(AsRef::as_ref).collect();
    let mut name = names.join(", ");
    if takes {
        name = format!("{name} {}", values.join(" "));
    }
    let help = arg.get_help().map_or_else(String::new, ToString::to_string);
    let possible: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| takes && !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    let possible = if possible.is_empty() { String::new() } else { format!(" ({})", possible.join(", ")) };
    format!("| `{}` | {}{possible} |\n", name.trim(), help.replace('|', "\\|"))
}

fn checks() -> String {
    let mut text = String::from(
        "## Checks of `cco doctor`\n\nThe ids stay as they are; scripts may rely on them.\n\n| id | looks at |\n| --- | --- |\n",
    );
    for check in CHECKS {
        let deep = if check.deep { " (`--deep`)" } else { "" };
        let _ = writeln!(text, "| `{}` | {}{deep} |", check.id, check.about);
    }
    text
}

fn settings() -> String {
    let mut text = CONFIG_HEAD.to_owned();
    for section in SECTIONS {
        let _ =
            write!(text, "\n## `[{section}]`\n\n| key | is | default | for |\n| --- | --- | --- | --- |\n");
        for key in KEYS.iter().filter(|key| key.path.rsplit_once('.').is_some_and(|(of, _)| of == *section)) {
            text += &key_row(key);
        }
    }
    text += "\n## `[prices.\"MODEL\"]`\n\nRates in dollars for a million tokens, with up to six places. They go before those of the built-in list.\n\n";
    text += "```toml\n[prices.\"my-proxy/some-model\"]\n";
    for (class, rate) in RATES {
        let _ = writeln!(text, "{class} = {rate}");
    }
    text += "```\n";
    text += "\n## Environment\n\n| variable | does |\n| --- | --- |\n";
    for variable in VARIABLES.iter().filter(|variable| !variable.hidden) {
        let _ = writeln!(text, "| `{}` | {} |", variable.name, variable.about);
    }
    text
}

fn key_row(key: &Key) -> String {
    let name = key.path.rsplit('.').next().unwrap_or_default();
    let default = key.default.as_ref().map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
    let variable = key.variable.map_or_else(String::new, |name| format!(" `{name}` goes before it."));
    let idle = key.idle.map_or("", |_| " No effect in this version.");
    format!("| `{name}` | {} | {default} | {}.{variable}{idle} |\n", key.kind.words(), key.about)
}
