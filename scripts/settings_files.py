"""Some thirty settings.json as people have them, and `cco statusline install` and `uninstall` killed or hindered over
them. Used by torture."""
import collections, contextlib, os, re, subprocess

import sealed

OTHER_LINE = '{"type": "command", "command": "npx -y other-line@latest", "padding": 0}'
# What people have in settings.json.
TEXTS = {
    "absent": None, "blank": "", "empty": "{}", "empty-newline": "{}\n", "empty-lines": "{\n}\n", "newlines-only": "\n\n",
    "pretty": '{\n  "model": "opus",\n  "permissions": {\n    "allow": ["Bash(ls:*)"]\n  }\n}\n', "no-newline": '{\n  "model": "opus"\n}',
    "crlf": '{\r\n  "model": "opus",\r\n  "env": {}\r\n}\r\n', "bom": '\ufeff{\n  "model": "opus"\n}\n', "tabs": '{\n\t"model": "opus",\n\t"env": {\n\t\t"A": "1"\n\t}\n}\n',
    "four": '{\n    "model": "opus"\n}\n', "minified": '{"model":"opus","env":{"A":"1"}}', "one-line": '{"model": "opus", "env": {"A": "1"}}',
    "nested": '{"hooks": {"statusLine": {"type": "command"}}, "list": [{"statusLine": 1}], "text": "\\"statusLine\\": {"}',
    "escapes": '{"a\\ud83d\\ude00": "\\u007b\\u0022", "\\ud800": "lone", "b\\\\": "}"}', "escaped-key": '{"status\\u004cine": ' + OTHER_LINE + "}",
    "other-first": '{\n  "statusLine": ' + OTHER_LINE + ',\n  "model": "opus"\n}\n', "other-last": '{\n  "model": "opus",\n  "statusLine": ' + OTHER_LINE + "\n}",
    "other-only": '{"statusLine":' + OTHER_LINE + "}", "null": '{"statusLine": null, "a": 1}', "odd-line": '{"statusLine": [1, 2]}',
    "unknown-keys": '{"$schema": "https://x", "zzz": [[[]]], "__proto__": {}, "": 0, "a": 1e400, "b": -0.0}', "repeated": '{"a": 1, "a": 2}',
    "blanks": '  {\n\n  "a" : 1 ,\n\n  "b" : 2\n\n  }  \n\n  ', "huge": '{"permissions": {"allow": [' + ", ".join(f'"Bash(x{n}:*)"' for n in range(120_000)) + "]}}\n",
    "comments": '{\n  // mine\n  "a": 1\n}\n', "trailing-comma": '{"a": 1,}\n', "twice": '{"statusLine": 1, "statusLine": 2}', "array": "[]\n", "torn": '{"a": ',
}
# Claude Code could not read these either: they are refused and stay.
REFUSED = ("comments", "trailing-comma", "twice", "array", "torn")
# Further ways of the file to be there: its mode, and how many links lead to it.
SHAPES = {"read-only": (0o444, 0), "private": (0o600, 0), "group": (0o664, 0), "link": (0o644, 1), "chain": (0o600, 3)}
KILL_CALLS = ("openat", "open", "write", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat",
                  "chmod", "fchmod", "fchmodat", "fchown", "mkdir", "flock")
FAULTS = [(call, fault) for call in ("write", "fsync", "rename", "renameat2", "linkat", "unlink", "fchmod", "openat", "flock")
                   for fault in ("EIO", "ENOSPC", "EINTR")]


class Settings:
    """One settings.json in a home of its own."""

    def __init__(self, binary, case, folder):
        self.binary, self.root, self.home = binary, folder / "root", folder / "home"
        mode, links = SHAPES.get(case, (0o644, 0))
        text = TEXTS.get(case, TEXTS["pretty"])
        self.root.mkdir()
        self.home.mkdir()
        self.named = self.path = self.root / "settings.json"
        if links:
            (folder / "dotfiles").mkdir()
            names = [self.named, *(folder / "dotfiles" / f"{n}.json" for n in range(links))]
            for name, target in zip(names, names[1:]):
                name.symlink_to(os.path.relpath(target, name.parent))
            self.path = names[-1]
        self.links = bool(links)
        if text is not None:
            self.path.write_bytes(text.encode())
            self.path.chmod(mode)
        self.first = self.bytes()

    def bytes(self):
        """What is there, with its mode; None when nothing is."""
        return (self.path.read_bytes(), self.path.stat().st_mode) if self.path.exists() else None

    def run(self, verb, *before):
        words = ("install", "--yes") if verb == "install" else ("uninstall",)
        command = [*before, str(self.binary), "statusline", *words]
        return subprocess.run(command, env=sealed.surrounding(self.root, self.home), capture_output=True, timeout=30)

    def wrong(self, *allowed):
        """What is wrong with the file, or None."""
        if self.bytes() not in allowed:
            return f"the file is neither the old nor the new one: {str(self.bytes())[:200]}"
        return "the link is gone" if self.links and not self.named.is_symlink() else None


@contextlib.contextmanager
def before(binary, case, verb):
    """A file before the verb."""
    with sealed.scratch("settings") as folder:
        it = Settings(binary, case, folder)
        if verb == "uninstall":
            it.run("install")
        yield it


class Sweep:
    """All files, under one binary."""

    def __init__(self, binary):
        self.binary, self.known = binary, {}

    def after(self, case, verb):
        """What the verb makes of a file when nothing goes wrong."""
        if (case, verb) not in self.known:
            with before(self.binary, case, verb) as it:
                it.run(verb)
                self.known[case, verb] = it.bytes()
        return self.known[case, verb]

    def there_and_back(self, case):
        """What is wrong with a file that was installed into and out of again, or None."""
        with before(self.binary, case, "uninstall") as it:
            installed = it.bytes()
            done = it.run("uninstall")
            if (installed == it.first) != (case in REFUSED):
                return "it is not installed" if installed == it.first else "it is installed all the same"
            failed = done.returncode and case not in REFUSED
            return it.wrong(it.first) or (done.stderr.decode(errors="replace")[-200:] if failed else None)

    def points(self, cases):
        """Every call that can be killed or fail."""
        for case in cases:
            for verb in ("install", "uninstall"):
                counts = self.calls(case, verb)
                yield from ((case, verb, call, "kill", str(n)) for call, most in sorted(counts.items()) for n in range(1, most + 1))
                yield from ((case, verb, call, fault, str(n)) for call, fault in FAULTS for n in range(1, counts[call] + 1))

    def calls(self, case, verb):
        with before(self.binary, case, verb) as it:
            trace = it.home.parent / "trace"
            it.run(verb, "strace", "-f", "-qq", "-o", str(trace), "-e", "trace=" + ",".join(f"?{call}" for call in KILL_CALLS))
            lines = trace.read_text(errors="replace").splitlines()
            return collections.Counter(found[1] for line in lines if (found := re.match(r"\d+ +(\w+)\(", line)))

    def trial(self, case, verb, call, what, n):
        """One kill or failing call, then an uninstall without trouble. What is wrong, or None."""
        with before(self.binary, case, verb) as it:
            old, new = it.bytes(), self.after(case, verb)
            injection = f"signal=SIGKILL:when={n}" if what == "kill" else f"error={what}:when={n}"
            done = it.run(verb, "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{injection}")
            said = done.stderr.decode(errors="replace")
            if "panicked" in said:
                return f"panic: {said[-300:]}"
            if wrong := it.wrong(old, new):
                return wrong
            if done.returncode == 0 and it.bytes() != new:
                return f"exit 0, and nothing done: {said[-200:]}"
            if it.bytes() != it.first:
                said = it.run("uninstall").stderr.decode(errors="replace")
            if wrong := it.wrong(it.first):
                return f"{wrong}, after uninstall: {said[-200:]}"
            # What a kill left beside the file goes with the next change.
            strays = [path.name for path in it.path.parent.iterdir() if path.name.startswith(".")]
            return f"left behind: {strays}" if strays and old != it.first else None
