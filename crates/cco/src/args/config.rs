//! Arguments of `config`.

use clap::{Args as ClapArgs, Subcommand};

/// The family `cco config …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print where the settings are
    #[command(after_help = CONFIG_PATH_EXAMPLES)]
    Path,
    /// Print every setting, with where it comes from
    #[command(after_help = CONFIG_SHOW_EXAMPLES)]
    Show,
    /// Print the value of one
    #[command(after_help = CONFIG_GET_EXAMPLES)]
    Get(ConfigKey),
    /// Set one, and leave all else in the file as it is
    #[command(after_help = CONFIG_SET_EXAMPLES)]
    Set(ConfigSet),
    /// Take one out of the file, and leave all else in it as it is
    #[command(after_help = CONFIG_UNSET_EXAMPLES)]
    Unset(ConfigKey),
    /// Say what is wrong with the settings; exit code 3 when something is
    #[command(after_help = CONFIG_CHECK_EXAMPLES)]
    Check,
    /// Open the settings in your editor, then check them
    #[command(after_help = CONFIG_EDIT_EXAMPLES)]
    Edit,
}

/// Arguments of `config set`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ConfigSet {
    /// Such as stats.timezone, or prices."MODEL".input
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// The value; several for a list
    #[arg(value_name = "VALUE", required = true, allow_hyphen_values = true)]
    pub(crate) value: Vec<String>,
}

/// Arguments of `config get` and `config unset`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ConfigKey {
    /// Such as stats.timezone, or prices."MODEL".input
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
}

pub(super) const CONFIG_EXAMPLES: &str = "\
Examples:
  cco config show
  cco config set stats.timezone Europe/Berlin
  cco config edit";

const CONFIG_PATH_EXAMPLES: &str = "\
Examples:
  cco config path
  cp \"$(cco config path)\" backup.toml";

const CONFIG_SHOW_EXAMPLES: &str = "\
Examples:
  cco config show
  cco config show --json | jq '.settings[] | select(.source != \"default\")'";

const CONFIG_GET_EXAMPLES: &str = "\
Examples:
  cco config get stats.timezone

Exit codes: 0 it has a value, 1 it is not set and has no default";

const CONFIG_SET_EXAMPLES: &str = "\
Examples:
  cco config set stats.timezone Europe/Berlin
  cco config set stats.watch.paths ~/office/.claude ~/private/.claude
  cco config set 'prices.\"acme-1\".input' 3.75    dollars for a million tokens";

const CONFIG_UNSET_EXAMPLES: &str = "\
Examples:
  cco config unset stats.timezone
  cco config unset 'prices.\"acme-1\".input'";

const CONFIG_CHECK_EXAMPLES: &str = "\
Examples:
  cco config check
  cco config check --json

Exit codes: 0 all is well, 1 the file cannot be read, 3 something is wrong";

const CONFIG_EDIT_EXAMPLES: &str = "\
Examples:
  cco config edit
  EDITOR='code --wait' cco config edit";
