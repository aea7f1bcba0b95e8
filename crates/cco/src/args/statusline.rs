//! Arguments of `statusline`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

/// Arguments of `statusline`; nothing given: the line.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct StatuslineArgs {
    #[command(subcommand)]
    pub(crate) command: Option<StatuslineCommand>,
}

/// The family `cco statusline …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum StatuslineCommand {
    /// Let Claude Code show it: sets `statusLine` in its settings.json, after a backup
    #[command(after_help = INSTALL_EXAMPLES)]
    Install(InstallArgs),
    /// Put back what was there before
    #[command(after_help = UNINSTALL_EXAMPLES)]
    Uninstall(ConfigDirArg),
    /// Show every preset with made-up data
    #[command(after_help = PREVIEW_EXAMPLES)]
    Preview(PreviewArgs),
}

/// Which settings.json is meant.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ConfigDirArg {
    /// The config directory of Claude Code [default: the first of CLAUDE_CONFIG_DIR, else ~/.claude]
    #[arg(long, value_name = "DIR")]
    pub(crate) config_dir: Option<PathBuf>,
}

/// Flags of `statusline install`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct InstallArgs {
    /// What the line looks like; kept in config.toml
    #[arg(long, value_name = "PRESET")]
    pub(crate) preset: Option<PresetName>,
    #[command(flatten)]
    pub(crate) dir: ConfigDirArg,
    /// Replace the status line of another tool without asking
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Flags of `statusline preview`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct PreviewArgs {
    /// Only these
    #[arg(value_name = "PRESET")]
    pub(crate) preset: Vec<PresetName>,
    /// List all segments, with what each costs
    #[arg(long, conflicts_with = "preset")]
    pub(crate) time: bool,
    /// Draw for so many columns [default: those of the terminal, else 120]
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) columns: Option<u16>,
}

/// A ready-made status line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PresetName(pub(crate) cco_statusline::preset::Preset);

impl ValueEnum for PresetName {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: [PresetName; 4] = {
            let [first, second, third, fourth] = cco_statusline::preset::Preset::ALL;
            [PresetName(first), PresetName(second), PresetName(third), PresetName(fourth)]
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.name()).help(self.0.about()))
    }
}

pub(super) const STATUSLINE_EXAMPLES: &str = "\
Examples:
  cco statusline preview
  cco statusline install --preset compact
  echo '{}' | cco statusline";

const INSTALL_EXAMPLES: &str = "\
Examples:
  cco statusline install
  cco statusline install --dry-run
  cco statusline install --config-dir ~/.claude-work --yes";

const UNINSTALL_EXAMPLES: &str = "\
Examples:
  cco statusline uninstall
  cco statusline uninstall --config-dir ~/.claude-work";

const PREVIEW_EXAMPLES: &str = "\
Examples:
  cco statusline preview
  cco statusline preview powerline --columns 80
  cco statusline preview --time";
