"""The status line as a whole process, beside the least that any program costs. Used by bench.

The yardstick is a plain Rust program, optimised and dynamically linked, that reads stdin and a file of 2 KB and prints
a line; `true` is what starting a process costs.
"""
import json, os, pathlib, re, shutil, statistics, subprocess, threading, time

from sealed import surrounding

RUNS, ROUNDS, AT_ONCE = 200, 20, 64
# Recorded on the machine that built it; another compiler or library gives other counts.
INSTRUCTIONS = pathlib.Path(__file__).with_name("line.instructions")
YARDSTICK = """
use std::io::Read;
fn main() {
    let mut text = String::new();
    let _ = std::io::stdin().read_to_string(&mut text);
    let file = std::fs::read_to_string(std::env::args().nth(1).unwrap_or_default()).unwrap_or_default();
    println!("{} {}", text.len(), file.len());
}
"""


def payload(tree, waited):
    """A session of the tree's account, as Claude Code hands it over."""
    return json.dumps({
        "session_id": "bench", "transcript_path": f"{tree}/projects/p/bench.jsonl", "cwd": str(tree / "app"),
        "model": {"id": "claude-opus-4-6", "display_name": "Opus 4.6"}, "version": "2.1.329", "output_style": {"name": "default"},
        "workspace": {"current_dir": str(tree / "app"), "project_dir": str(tree / "app"), "added_dirs": []},
        "cost": {"total_cost_usd": 4.8127, "total_duration_ms": 5123000, "total_api_duration_ms": waited, "total_lines_added": 611},
        "context_window": {"context_window_size": 1000000, "used_percentage": 31,
                           "current_usage": {"input_tokens": 3, "cache_creation_input_tokens": 2870, "cache_read_input_tokens": 310003}},
        "rate_limits": {"five_hour": {"used_percentage": 63.4, "resets_at": 1843437600}, "seven_day": {"used_percentage": 27.9, "resets_at": 1843700000}},
    })


def machine(binary, work, call_line):
    """A home with a ledger, a snapshot, an account and a repository; its environment."""
    tree, home = work / "line", work / "line-home"
    (tree / "projects" / "p").mkdir(parents=True)
    (tree / "projects" / "p" / "bench.jsonl").write_bytes(b"".join(call_line(n) for n in range(1_000)))
    (tree / "app" / ".git").mkdir(parents=True)
    (tree / "app" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tree / ".claude.json").write_text(json.dumps({"oauthAccount": {"accountUuid": "a", "organizationUuid": "o", "emailAddress": "dev@example.com"}}))
    environment = surrounding(tree, home)
    subprocess.run([binary, "daily"], env=environment, stdout=subprocess.DEVNULL, check=True)
    return tree, home, environment


def yardstick(work):
    source, program = work / "yardstick.rs", work / "yardstick"
    source.write_text(YARDSTICK)
    subprocess.run(["rustc", "-O", "--edition", "2024", "-o", program, source], check=True)
    (work / "2kb").write_text("x" * 2048)
    return [str(program), str(work / "2kb")]


def once(command, environment, stdin, out):
    """Seconds from spawn to exit, and what it printed."""
    os.ftruncate(out, 0)
    os.lseek(out, 0, os.SEEK_SET)
    taken = os.open(stdin, os.O_RDONLY)
    started = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment, file_actions=[(os.POSIX_SPAWN_DUP2, taken, 0), (os.POSIX_SPAWN_DUP2, out, 1)])
    status = os.waitpid(pid, 0)[1]
    seconds = time.perf_counter() - started
    os.close(taken)
    return seconds, os.pread(out, 4096, 0), status


def alone(commands, environment, stdins, work):
    """Each command in turn, many times: its seconds. One that prints nothing counts as blank."""
    out = os.open(work / "printed", os.O_RDWR | os.O_CREAT, 0o600)
    seconds, blank = {name: [] for name in commands}, 0
    for n in range(RUNS + 5):
        for name, command in commands.items():
            took, printed, status = once(command, environment, stdins(name, n), out)
            blank += name.startswith("cco") and (status != 0 or not printed.strip())
            if n >= 5:
                seconds[name].append(took)
    os.close(out)
    return seconds, blank


def crowd(command, environment, stdin):
    """So many at once, from the first spawn to the end of each; blanks."""
    ends, blank, started = [], [0], time.perf_counter()

    def one():
        with open(stdin) as given:
            done = subprocess.run(command, env=environment, stdin=given, capture_output=True)
        ends.append(time.perf_counter() - started)
        blank[0] += done.returncode != 0 or (command[-1] == "statusline" and not done.stdout.strip())

    threads = [threading.Thread(target=one) for _ in range(AT_ONCE)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return ends, blank[0]


def at(seconds, share):
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))]


def instructions(command, environment, stdin, work):
    """Instructions of one run, by a counter that gives the same number every time; None without valgrind."""
    if not shutil.which("valgrind"):
        return None
    log = work / "callgrind.log"
    with open(stdin) as given:
        subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={work}/callgrind.out", f"--log-file={log}", *command],
                       env=environment, stdin=given, stdout=subprocess.DEVNULL, check=True)
    return int(re.search(r"Collected : (\d+)", log.read_text()).group(1))


def measure(binary, work, table, call_line, wrong):
    tree, home, environment = machine(binary, work, call_line)
    for n in range(RUNS + 5):
        (work / f"payload-{n}").write_text(payload(tree, 1_412_000 + n))
    plain, line = yardstick(work), [str(binary), "statusline"]
    commands = {"true": ["/bin/true"], "yardstick": plain, "cco, nothing new": line, "cco, something new": line}
    stdins = lambda name, n: work / f"payload-{n if name.endswith('something new') else 0}"
    seconds, blank = alone(commands, environment, stdins, work)
    print(f"\n{'status line':24}{'median':>10}{'p99':>10}{'min':>10}{'x yardstick':>13}{'p99 x':>8}")
    base, base99 = statistics.median(seconds["yardstick"]), at(seconds["yardstick"], 0.99)
    for name, all in seconds.items():
        middle, late = statistics.median(all), at(all, 0.99)
        print(f"{name:24}{middle * 1e3:8.3f}ms{late * 1e3:8.3f}ms{min(all) * 1e3:8.3f}ms{middle / base:13.2f}{late / base99:8.2f}")
    for name in list(commands)[2:]:
        table.figure(f"status line, {name[5:]}", statistics.median(seconds[name]) / base, 1.3, "times a plain program")
    ends = {"true": [], "cco": []}
    for _ in range(ROUNDS):
        for name, command in (("true", ["/bin/true"]), ("cco", line)):
            took, bad = crowd(command, environment, work / "payload-0")
            ends[name] += took
            blank += bad
    table.figure(f"{AT_ONCE} at once, 99th percentile", at(ends["cco"], 0.99) / at(ends["true"], 0.99), 2.5, "times `true`")
    print(f"  `true` {at(ends['true'], 0.99) * 1e3:.0f} ms, cco {at(ends['cco'], 0.99) * 1e3:.0f} ms from the first start on, {ROUNDS} rounds")
    if blank:
        wrong.append(f"status line: {blank} blank or failed")
    (home / "state" / "spool" / "bench.jsonl").unlink(missing_ok=True)
    if count := instructions(line, environment, work / "payload-0", work):
        known = int(INSTRUCTIONS.read_text()) if INSTRUCTIONS.exists() else count
        table.figure(f"status line, {count:,} instructions against those recorded", count / known, 1.05, "times")
