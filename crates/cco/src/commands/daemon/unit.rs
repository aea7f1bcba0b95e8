//! What the system is told about the daemon: the text of a systemd user unit and of a launchd agent.
//!
//! Pure, so that doctor can tell what is installed from what would be. Must not: read or write a file.

use std::path::Path;

/// What names the daemon to the system.
pub(crate) const SYSTEMD: &str = "cco.service";
/// The same for launchd.
pub(crate) const LAUNCHD: &str = "cco.daemon";

/// A variable that the daemon needs as it was when it was installed.
pub(crate) type Variable<'a> = (&'a str, &'a str);

/// A systemd user unit.
pub(crate) fn systemd(program: &Path, variables: &[Variable<'_>]) -> String {
    let mut text = String::from(
        "# Written by `cco daemon install`; `cco daemon uninstall` takes it away.\n\
         [Unit]\n\
         Description=cco: follows what Claude Code uses, and serves it on this machine\n\
         \n\
         [Service]\n",
    );
    // Of the two only a command line has variables put in.
    text += &format!("ExecStart={} daemon run\n", quoted(&program.to_string_lossy()).replace('$', "$$"));
    for (name, value) in variables {
        text += &format!("Environment={}\n", quoted(&format!("{name}={value}")));
    }
    text + "Restart=on-failure\n\
            RestartSec=2\n\
            TimeoutStopSec=5\n\
            LimitCORE=0\n\
            UMask=0077\n\
            NoNewPrivileges=true\n\
            Nice=5\n\
            \n\
            [Install]\n\
            WantedBy=default.target\n"
}

/// A word of a unit: systemd reads quotes, backslashes and `%` in it.
fn quoted(word: &str) -> String {
    let mut quoted = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '%' => quoted.push_str("%%"),
            // A line would end here; no path that somebody means has it.
            '\n' | '\r' => quoted.push(' '),
            _ => quoted.push(c),
        }
    }
    quoted + "\""
}

/// A launchd agent. What it says goes to its own log alone: launchd would write to one file for ever.
pub(crate) fn launchd(program: &Path, variables: &[Variable<'_>]) -> String {
    let string = |text: &str| format!("<string>{}</string>", escaped(text));
    let mut environment = String::new();
    for (name, value) in variables {
        environment += &format!("    <key>{}</key>{}\n", escaped(name), string(value));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n  \
           <key>Label</key><string>{LAUNCHD}</string>\n  \
           <key>ProgramArguments</key>\n  <array>{}<string>daemon</string><string>run</string><string>--background</string></array>\n  \
           <key>EnvironmentVariables</key>\n  <dict>\n{environment}  </dict>\n  \
           <key>RunAtLoad</key><true/>\n  \
           <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>\n  \
           <key>ProcessType</key><string>Background</string>\n\
         </dict>\n</plist>\n",
        string(&program.to_string_lossy()),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_runs_the_daemon_with_what_it_needs() {
        let unit = systemd(Path::new("/opt/my $tools/cco"), &[("CCO_HOME", "/data/50% $x \"x\"")]);
        insta::assert_snapshot!(unit, @r#"
        # Written by `cco daemon install`; `cco daemon uninstall` takes it away.
        [Unit]
        Description=cco: follows what Claude Code uses, and serves it on this machine

        [Service]
        ExecStart="/opt/my $$tools/cco" daemon run
        Environment="CCO_HOME=/data/50%% $x \"x\""
        Restart=on-failure
        RestartSec=2
        TimeoutStopSec=5
        LimitCORE=0
        UMask=0077
        NoNewPrivileges=true
        Nice=5

        [Install]
        WantedBy=default.target
        "#);
    }

    #[test]
    fn no_value_begins_another_line_or_element() {
        let hostile = "/x\nExecStart=/bin/evil";
        assert_eq!(systemd(Path::new(hostile), &[]).matches("\nExecStart=").count(), 1);
        let agent = launchd(Path::new("/a&b</string>"), &[("HOME", "<x>")]);
        assert!(agent.contains("<string>/a&amp;b&lt;/string&gt;</string>"), "{agent}");
        assert!(!agent.contains("<x>"));
    }

    #[test]
    fn what_an_agent_says_is_in_its_log_once() {
        let agent = launchd(Path::new("/cco"), &[]);
        assert!(agent.contains("<string>--background</string>") && !agent.contains("StandardErrorPath"));
    }
}
