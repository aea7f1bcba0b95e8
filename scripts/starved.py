#!/usr/bin/env python3
"""A daemon that cannot hear of changes, or of too many (promise R8), or whose disk fills up (R9). Used by torture.

Runs in a user namespace of its own, where limits are its own and a tmpfs can be mounted without root:
  unshare -Urm scripts/starved.py BINARY KIND SEED [--long]
Prints a line of JSON: what is wrong (null: nothing), whether that is nothing but its time, and what was measured.
"""
import sys

sys.dont_write_bytecode = True
import json, os, pathlib, random, shutil, signal, sqlite3, statistics, subprocess, time

import daemons, judging, sealed
from daemons import Daemon, Listener, Silent, until
from judging import Late, ledger_damage, run_whole
from sealed import Failed
from small_tree import Growing

NEEDS = "user namespaces with limits and mounts of their own are not allowed here"
LIMITS = pathlib.Path("/proc/sys/user")
# What is exhausted, by the name of the trial.
WITHOUT = {"watches": "max_inotify_watches", "instances": "max_inotify_instances"}
KINDS = (*WITHOUT, "overflow", "disk")
AGE, RECOVERY = 2, 5  # seconds, promises R8 and R9
HOME_SIZE = "4m"  # SQLite's own bound of its log of writes would let that take all of it
HOME_FILES = 300
APPENDS, FLOODS, FILLS = (200, 25), (20, 5), (200, 10)  # trials: long, short
FILLS_OF_ONE = 20  # before another disk is taken: with some 5,000 calls ledger, log and journal have the whole of one, whoever fills it
BATCHES, BATCH = 30, 100  # calls that are in the ledger before its disk is full
LEFT = (0, 1 << 10, 4 << 10, 64 << 10, None)  # bytes that are still free when the disk is "full"; None: only no further file can be made


class Starved:
    """A home, a root, and a daemon that begins to follow it."""

    def __init__(self, binary, folder, seed):
        self.binary, self.folder, self.rng = binary, folder, random.Random(seed)
        self.root, self.home = folder / "tree", folder / "home"
        self.rows = Growing(self.root / "projects" / "p")
        self.home.mkdir(parents=True)
        self.environment = sealed.surrounding(self.root, self.home)
        self.measured = {}

    def daemon(self):
        daemons.prepare(self.home)
        return Daemon(self.binary, self.home, self.environment, self.folder / "said")

    def in_the_end(self, daemon):
        """What is wrong once there is no trouble any more; the daemon ends with it."""
        wrong = judging.wrong_totals(self.binary, self.environment, self.rows)
        daemon.signal(signal.SIGTERM)
        if "panicked" in (said := daemon.words()):
            wrong = wrong or f"panic: {said[-300:]}"
        return wrong or ledger_damage(self.home) or judging.wrong_totals(self.binary, self.environment, self.rows)


def deaf(starved, limit, is_long):
    """R8: data is at most so old, it is said once, nothing fails; and events come back by themselves."""
    (LIMITS / limit).write_text("0")
    starved.rows.append()
    with starved.daemon() as daemon:
        daemon.serves()
        listener, ages = Listener(daemon), []
        for _ in range(APPENDS[not is_long]):
            tokens, written = starved.rows.append(), time.monotonic()
            ages.append(listener.told(tokens) - written)
            time.sleep(starved.rng.uniform(0, 0.3))
        starved.measured |= {"appends": len(ages), "median_s": round(statistics.median(ages), 2), "oldest_s": round(max(ages), 2)}
        if wrong := wrong_checks(daemon):
            return wrong
        if (warnings := daemon.words().count("looked at every second")) != 1:
            return f"{warnings} warnings: {daemon.words()[-400:]}"
        if is_long:
            (LIMITS / limit).write_text("1000")
            until(lambda: "polling" not in daemon.checks()["watcher"]["detail"], "changes are heard of again", patience=45, pause=0.2)
            tokens, written = starved.rows.append(), time.monotonic()
            starved.measured["after_s"] = round(listener.told(tokens) - written, 2)
        return starved.in_the_end(daemon) or too_old(ages)


def too_old(ages):
    """R8's bound. Whoever looks each second is a second old: a machine that stops for another one is enough."""
    return Late(f"data was {max(ages):.2f} s old") if max(ages) > AGE else None


def overflowed(starved, _, is_long):
    """R8: more happens than the system keeps for a daemon that does not get its turn; what was written is counted soon after."""
    queue, ages = int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text()), []
    noise = [starved.rows.folder / f"noise-{n}" for n in range(2)]
    with starved.daemon() as daemon:
        daemon.serves()
        listener = Listener(daemon)
        for _ in range(FLOODS[not is_long]):
            daemon.process.send_signal(signal.SIGSTOP)
            # No two events in a row are of one file: those would be one.
            for n in range(queue):
                with open(noise[n % 2], "w"):
                    pass
            # In a folder that is told of too late: what comes there afterwards is to be heard of as well.
            made = f"made-{len(ages)}/s.jsonl"
            tokens = starved.rows.append(made)
            daemon.process.send_signal(signal.SIGCONT)
            for _ in range(2):
                written = time.monotonic()
                ages.append(listener.told(tokens) - written)
                tokens = starved.rows.append(made)
        starved.measured |= {"floods": FLOODS[not is_long], "events at least": queue, "oldest_s": round(max(ages), 2)}
        return starved.in_the_end(daemon) or too_old(ages)


def wrong_checks(daemon):
    """What it says of itself while it polls must be so: all is well, and why it polls."""
    failing = {name: check["detail"] for name, check in daemon.checks().items() if not check["ok"]}
    polls = "polling" in daemon.checks()["watcher"]["detail"]
    return f"failing: {failing}" if failing else None if polls else "it does not say that it polls"


def fill(folder, left):
    """Takes all room of a disk, but for some bytes, or all files that can be made."""
    folder.mkdir()
    if left is None:
        try:
            for n in range(2 * HOME_FILES):
                (folder / str(n)).touch()
        except OSError:
            return
    with open(folder / "filler", "ab", buffering=0) as f:
        for size in (1 << 20, 1 << 16, 1 << 12):
            try:
                while True:
                    f.write(b"\0" * size)
            except OSError:
                pass
        os.ftruncate(f.fileno(), max(0, f.tell() - left))


def told_calls(daemon):
    """How many calls the daemon says there were; None: it says why it cannot."""
    return daemon.get("/api/stats?from=2026-10-01T00:00:00Z&to=2026-10-21T00:00:00Z")[1].get("summary", {}).get("total_calls")


def counted(daemon, rows, when):
    """Waits until the daemon has counted all that was written."""
    until(lambda: told_calls(daemon) == rows.calls,
          f"all {rows.calls} calls {when}; {daemon.words()[-200:]}", patience=20, pause=0.02)


def full(starved, _, is_long):
    """R9: it lives, says so, and is exact soon after there is room again."""
    took, said, wrong = [], [], None
    while not wrong and len(took) < FILLS[not is_long]:
        one = Starved(starved.binary, starved.folder / f"disk-{len(took)}", starved.rng.random())
        wrong = filled(one, took, said, min(FILLS_OF_ONE, FILLS[not is_long] - len(took)))
    if took:
        starved.measured |= {"fills": len(took), "said": sum(said), "median_s": round(statistics.median(took), 2), "slowest_s": round(max(took), 2)}
    return wrong


def filled(starved, took, said, fills):
    """One disk that is filled so often: what is wrong. Adds how long it took each time until all was counted again, and
    whether the daemon said what was wrong."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={HOME_SIZE},nr_inodes={HOME_FILES}", "none", starved.home], check=True)
    late = None
    try:
        with starved.daemon() as daemon:
            daemon.serves()
            # By then SQLite's own bound of its log would have let that take all of the home.
            for _ in range(BATCHES):
                for _ in range(BATCH):
                    starved.rows.append()
                counted(daemon, starved.rows, "before the disk was full")
            for n in range(fills):
                wrong, failed = without_room(starved, daemon, LEFT[n % len(LEFT)])
                if wrong:
                    return wrong
                said.append(failed is not None)
                starved.rows.append()
                shutil.rmtree(starved.home / "filler")
                free = time.monotonic()
                counted(daemon, starved.rows, "after room came back")
                took.append(time.monotonic() - free)
                until(lambda: all(check["ok"] for check in daemon.checks().values()), "all checks are well again", patience=20, pause=0.02)
                well = time.monotonic() - free
                if well > RECOVERY:
                    late = Late(f"complete only {took[-1]:.2f} s after room came back, and all of it well after {well:.2f} s")
                    break
            return starved.in_the_end(daemon) or late
    finally:
        subprocess.run(["umount", "-l", starved.home], check=False)


def without_room(starved, daemon, left):
    """What is wrong while there are so many bytes free, and which part of the daemon said that it fails."""
    before, failed = starved.rows.calls, None
    fill(starved.home / "filler", left)
    # Whoever answers opens the ledger anew, which needs no room.
    os.utime(starved.home / "config.toml")
    for _ in range(60):
        starved.rows.append()
        time.sleep(0.03)
        failed = failed or next((name for name, check in daemon.checks().items() if not check["ok"]), None)
        if (calls := told_calls(daemon)) is not None and calls < before:
            return f"with {left} bytes free it says that there were {calls} calls, of {before} that it had counted", failed
        if daemon.has_ended():
            return f"with {left} bytes free it ended with {daemon.process.returncode}: {daemon.words()[-300:]}", failed
        if failed and starved.rng.random() < 0.2:
            break
    if failed is None and left == 0:
        # What its log gave back may have been enough.
        counted(daemon, starved.rows, f"with no byte free, where it said nothing: {daemon.checks()}")
    line = subprocess.run([starved.binary, "statusline"], env=starved.environment, input=b'{"session_id":"s"}', capture_output=True, timeout=20)
    if line.returncode or not line.stdout.strip():
        return f"the status line ended with {line.returncode} and printed {line.stdout!r}", failed
    return None, failed


def main():
    binary, kind, seed = sys.argv[1:4]
    trial = {"disk": full, "overflow": overflowed}.get(kind, deaf)
    with sealed.scratch(f"starved-{kind}") as folder:
        starved = Starved(pathlib.Path(binary), folder, int(seed))
        try:
            wrong = trial(starved, WITHOUT.get(kind), "--long" in sys.argv)
        except (Silent, Failed, OSError, KeyError, sqlite3.Error, subprocess.SubprocessError) as e:
            wrong = f"{type(e).__name__}: {e}"
        print(json.dumps({"wrong": wrong, "late": isinstance(wrong, Late), "measured": starved.measured}))


def tried(binary, kind, seed, is_long):
    """Runs a trial in a namespace: what is wrong, and what was measured. None instead of both where that is not allowed."""
    inside = ["unshare", "-Urm"]
    if not shutil.which("unshare") or subprocess.run([*inside, "sh", "-c", "echo 100 > /proc/sys/user/max_inotify_watches"], capture_output=True).returncode:
        return None
    try:
        done = run_whole([*inside, sys.executable, __file__, str(binary), kind, str(seed), *(["--long"] if is_long else [])], None, 1800 if is_long else 120)
    except subprocess.TimeoutExpired:
        return "hangs", {}
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return f"ended with {done.returncode}: {done.stderr.decode(errors='replace')[-400:]}", {}
    return Late(told["wrong"]) if told["late"] else told["wrong"], told["measured"]


if __name__ == "__main__":
    main()
