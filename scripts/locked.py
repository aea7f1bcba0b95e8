"""Others hold the ledger: one its write lock, one an old state of it, while a daemon follows (promise R11). Used by torture.

The system's SQLite only holds locks here: older ones must not write or checkpoint a live ledger, so nothing is written
through them, and their connections are closed while the daemon has the ledger open.
"""
import contextlib, json, pathlib, signal, sqlite3, statistics, subprocess, time

import daemons, judging, sealed
from daemons import Daemon, Silent, until
from line import at
from sealed import Failed
from small_tree import Growing

NEEDS = "nothing"
HELD, HELD_SHORT = 60, 20  # seconds
LINES, LINE_MS = 500, 50  # R11. On two cores with a load of 15 lines took 20 ms
LATE_MS, CATCH_UP, CUT = 1_000, 5, 35  # an answer of the daemon in milliseconds; seconds to count all, and to cut the log: it looks each half minute
LOG, LOG_CUT = 64 << 20, 5 << 20  # promise R29, and what is left of a log that nobody needs
BURSTS, BURST = 25, 200  # calls that are written while only the old state is held
QUESTION = "/api/stats?from=2026-10-01T00:00:00Z&to=2026-10-21T00:00:00Z"


class Held:
    """A home whose daemon has counted some calls, and a clock that goes."""

    def __init__(self, binary, folder):
        self.binary, self.home, self.measured = binary, daemons.prepare(folder / "home"), {}
        self.rows = Growing(folder / "tree" / "projects" / "p")
        self.environment = {key: value for key, value in sealed.surrounding(folder / "tree", self.home).items() if key != "CCO_NOW"}
        self.daemon = Daemon(binary, self.home, self.environment, folder / "said")
        self.snapshot, self.lines, self.starts, self.answers = self.home / "state" / "snapshot", [], [], []
        self.late = {}  # what took how long, in words: whether that was longer than it may

    def asked(self, path):
        """An answer of the daemon, which must not take long whoever holds what."""
        began = time.monotonic()
        _, answer = self.daemon.get(path)
        self.answers.append((time.monotonic() - began) * 1e3)
        return answer

    def counted(self):
        return self.asked(QUESTION)["summary"]["total_calls"]

    def catches_up(self):
        """Seconds until all is counted."""
        began = time.monotonic()
        until(lambda: self.counted() == self.rows.calls, f"all {self.rows.calls} calls; {self.daemon.words()[-300:]}", pause=0.02)
        return time.monotonic() - began

    def failing(self):
        return {check["name"]: check["detail"] for check in self.asked("/api/health")["checks"] if not check["ok"]}

    def line(self):
        began = time.monotonic()
        done = subprocess.run([self.binary, "statusline"], env=self.environment, input=b'{"session_id":"s"}', capture_output=True, timeout=20)
        self.lines.append((time.monotonic() - began) * 1e3)
        # What starting a program costs on this machine just now.
        began = time.monotonic()
        subprocess.run(["true"], env=self.environment, input=b"", capture_output=True)
        self.starts.append((time.monotonic() - began) * 1e3)
        if done.returncode or not done.stdout.strip():
            raise Failed(f"the status line ended with {done.returncode} and printed {done.stdout!r}")

    def log_bytes(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.home / "ledger.db-wal").stat().st_size
        return 0

    def totals_of(self):
        """When the totals of the snapshot were counted, in seconds; 0: they were not yet."""
        return (json.loads(self.snapshot.read_text().partition("\n")[2])["counted_at"] or 0) / 1e3


def report(held, before, running, began):
    """What is wrong with a report that began while the ledger was held."""
    out, err = running.communicate(timeout=60)
    held.measured["report_s"] = round(time.monotonic() - began, 1)
    calls = sealed.decoded(out)["totals"]["calls"] if running.returncode == 0 else None
    if calls is None or "at work on the ledger" not in err.decode() or not before <= calls <= held.rows.calls:
        return f"a report ended with {running.returncode}, says {calls} calls of {before} that were counted, and {err.decode().strip()[-300:]!r}"
    return None


def under_lock(held, writer, seconds):
    """The write lock is somebody else's: lines, health and reports tell what is known, and how old it is."""
    before = held.counted()
    writer.execute("BEGIN EXCLUSIVE")
    locked, clock = time.monotonic(), time.time()
    held.rows.append()  # so that the report has something to wait for
    running = subprocess.Popen([held.binary, "daily", "--json"], env=held.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    reported, wrong, failing = False, None, {}
    for n in range(LINES):
        held.line()
        if n % 10 == 0:
            held.rows.append()
            failing = held.failing()
            if (calls := held.counted()) != before:
                return f"{calls} calls are counted while the ledger is locked, {before} were before"
        if not reported and running.poll() is not None:
            reported, wrong = True, report(held, before, running, locked)
        time.sleep(max(0.0, locked + (n + 1) * seconds / LINES - time.monotonic()))
    if not {"ledger", "lag"} <= failing.keys():
        return f"it does not say what is wrong: {failing}"
    if held.totals_of() > clock + 1:
        return f"totals of {clock - held.totals_of():.1f} s after the lock was taken were never counted"
    writer.execute("ROLLBACK")
    caught_up = held.catches_up()
    held.measured["caught_up_s"] = round(caught_up, 2)
    held.late |= {f"all was counted {caught_up:.1f} s after the lock was given back": caught_up > CATCH_UP}
    return wrong if reported else wrong or report(held, before, running, locked)


def under_reader(held, reader):
    """Only an old state of it is held: the log must keep what comes, and is cut when nobody needs it."""
    for _ in range(BURSTS):
        for _ in range(BURST):
            held.rows.append()
        caught_up = held.catches_up()
        held.late |= {f"a burst was counted after {caught_up:.1f} s": caught_up > CATCH_UP}
    held.measured["log_mb"] = round(held.log_bytes() / 1e6, 1)
    reader.execute("ROLLBACK")
    released = time.monotonic()
    held.rows.append()
    until(lambda: held.log_bytes() <= LOG_CUT, f"a log of at most {LOG_CUT} bytes, {held.log_bytes()} now", CUT + daemons.PATIENCE, pause=0.05)
    cut = time.monotonic() - released
    held.measured["cut_s"] = round(cut, 2)
    held.late |= {f"the log was cut after {cut:.1f} s": cut > CUT}
    return f"the log had {held.measured['log_mb']} MB" if held.measured["log_mb"] * 1e6 > LOG else None


def all_of_it(held, is_long):
    held.daemon.serves()
    for _ in range(199):
        held.rows.append()
    written = time.time()
    held.rows.append()
    held.catches_up()
    until(lambda: held.snapshot.exists() and held.totals_of() >= written, "a snapshot that has the last of it")
    with contextlib.closing(sqlite3.connect(held.home / "ledger.db", isolation_level=None)) as writer, \
            contextlib.closing(sqlite3.connect(held.home / "ledger.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM call").fetchone()
        with judging.Others(held.daemon.process.pid) as others:
            wrong = under_lock(held, writer, HELD if is_long else HELD_SHORT)
        wrong = wrong or under_reader(held, reader)
    p99, start = at(held.lines, 0.99), at(held.starts, 0.99)
    held.measured |= {"lines": len(held.lines), "median_ms": round(statistics.median(held.lines), 1), "p99_ms": round(p99, 1),
                      "p99_of_true_ms": round(start, 1), "slowest_answer_ms": round(max(held.answers)), "cores of others": round(others.cores, 2)}
    held.measured[f"R11's own {LINE_MS} ms"] = "held" if p99 <= LINE_MS else "NOT held"
    if wrong:
        return wrong
    wrong = judging.wrong_totals(held.binary, held.environment, held.rows)
    held.daemon.signal(signal.SIGTERM)
    said = held.daemon.words()
    wrong = (wrong or ("panicked" in said and f"panic: {said[-300:]}") or judging.ledger_damage(held.home)
             or judging.wrong_totals(held.binary, held.environment, held.rows))
    held.late |= {f"an answer took {max(held.answers):.0f} ms": max(held.answers) > LATE_MS}
    late = [what for what, is_so in held.late.items() if is_so]
    return wrong or (judging.Late(", ".join(late)) if late else None) or slow_lines(p99, start, others.cores)


def slow_lines(p99, start, others):
    """Who needs half of the bound to start `true` cannot tell whether a line holds it, as long as it is no slower than both; but it must
    be others who had the cores, and not our own daemon."""
    is_disturbed = start > LINE_MS / 2 and p99 <= start + LINE_MS and others > judging.OTHERS
    slow = f"status lines took {p99:.1f} ms (99th percentile), and `true` {start:.1f} ms; others had {others:.1f} cores"
    return (judging.Disturbed if is_disturbed else judging.Late)(slow) if p99 > LINE_MS else None


def tried(binary, _kind, _seed, is_long):
    """What is wrong, and what was measured."""
    with sealed.scratch("locked") as folder:
        held = Held(binary, pathlib.Path(folder))
        with held.daemon:
            try:
                return all_of_it(held, is_long), held.measured
            except (Silent, Failed, OSError, KeyError, ValueError, sqlite3.Error, subprocess.SubprocessError) as e:
                return f"{type(e).__name__}: {e}", held.measured
