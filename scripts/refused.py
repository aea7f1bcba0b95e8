"""The disk is full for a while from one certain call of a daemon's on, each that writes ledger or journal in turn (promise R9). Used by torture.

strace lets them fail with ENOSPC and no other: what the daemon says, and what it tells its own threads by files, goes on.
Its trace tells whether and when a call failed: there is room again from the last that did.
"""
import collections, contextlib, random, re, signal, time, typing

import daemons, judging, sealed
from daemons import Daemon, Silent, until
from judging import Late
from sealed import Failed
from small_tree import Growing

CALLS = ("pwrite64", "write", "fsync", "fdatasync", "ftruncate")
FILES = ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal", "ledger.journal")
STAGES = ("cold", "grown")  # the daemon makes the ledger; or it is there, with calls in it
LENGTHS = (1, 4)  # calls that fail, of each thread; what failed is tried again each second, and fails twice by then
SHORT = 14  # points
BEFORE, APPENDS = 20, 6  # calls that are there as the daemon begins, and that come while it runs
RECOVERY, TERM = 5, 2  # seconds, promises R9 and R29
LOOKS = 15  # seconds from one look at accounts to the next: whoever looks finds only then that there is room again
# How many calls a thread makes depends on what comes into one commit: a daemon that makes its ledger made 181 of them, or 237. The nth is
# not made each time, so it is tried again, and in so many of 100 trials it may be made none of the times.
TRIES, UNREACHED = judging.TRIALS, 25
ONE = 0.3  # seconds that each of those has before the next one comes
SOON = 1.5  # what is counted within these seconds was not behind for long enough to be worth a word
QUESTION = "/api/stats?from=2026-10-01T00:00:00Z&to=2026-10-21T00:00:00Z"


def waited(is_so, patience):
    """Seconds until it was so, or those of our patience."""
    began = time.monotonic()
    with contextlib.suppress(Silent):
        until(is_so, "", patience, pause=0.01)
    return time.monotonic() - began


def failures(trace, process):
    """When calls of a process that has ended were made to fail, by the system's clock. strace is done a little after it."""
    until(lambda: re.search(rf"^{process} .*\+\+\+ exited", trace.read_text(errors="replace"), re.MULTILINE), "the end of its trace", pause=0.01)
    return [float(at) for at in re.findall(r"^\d+ +([\d.]+) .*\(INJECTED\)$", trace.read_text(errors="replace"), re.MULTILINE)]


class Outcome(typing.NamedTuple):
    failed: bool  # some call did
    said: bool  # the daemon told that it could not write
    late: float  # seconds from the last call that failed until all was counted


class Refused:
    """Trials with one binary, and what came of each."""

    def __init__(self, binary):
        self.binary, self.outcomes = binary, []

    def too_few_failures(self):
        """Trials in which nothing failed prove nothing: what is wrong when there were too many of them, or None."""
        idle = sum(not outcome.failed for outcome in self.outcomes)
        return f"no call failed in {idle} of {len(self.outcomes)} trials" if idle * 100 > len(self.outcomes) * UNREACHED else None

    def measured(self):
        of = self.outcomes
        return (f"calls failed in {sum(outcome.failed for outcome in of)} of {len(of)} trials, {sum(outcome.said for outcome in of)} daemons said that they "
                f"could not write, all was counted within {max((outcome.late for outcome in of), default=0.0):.2f} s after the last call that failed")

    def points(self, is_short, seed):
        """Every call of the thread that makes most of its kind, as many as each of two daemons made."""
        points = []
        for stage in STAGES:
            most = self.calls_made(stage) & self.calls_made(stage)
            points += [(stage, call, str(n), str(length)) for call in sorted(most) for n in range(1, most[call] + 1) for length in LENGTHS]
        if not any(call == "pwrite64" for _, call, *_ in points):
            raise Failed(f"strace saw no call that writes: {points}")
        return random.Random(seed).sample(points, SHORT) if is_short else points

    def calls_made(self, stage):
        with sealed.scratch("refused") as folder:
            wrong, _ = self.followed(folder, stage, ())
            if wrong and not isinstance(wrong, Late):
                raise Failed(f"where no call fails: {wrong}")
            by_thread = collections.Counter(re.findall(r"^(\d+) +[\d.]+ (\w+)\(", (folder / "trace").read_text(errors="replace"), re.MULTILINE))
        most = collections.Counter()
        for (_, call), n in by_thread.items():
            most[call] = max(most[call], n)
        return most

    def trial(self, stage, call, n, length):
        injection = ("-e", f"inject={call}:error=ENOSPC:when={n}..{int(n) + int(length) - 1}")
        late = None
        for _ in range(TRIES):
            with sealed.scratch("refused") as folder:
                wrong, outcome = self.followed(folder, stage, injection)
            if isinstance(wrong, Late):
                print(f"  late: {wrong}", flush=True)
                late = wrong
            elif wrong or outcome.failed:
                late = None
                break
        if outcome:
            self.outcomes.append(outcome)
        # Where nothing failed nothing had to be made good: that excuses nobody who was late.
        return late or wrong

    def followed(self, folder, stage, injection):
        """What is wrong with a daemon whose calls fail like that, and what came of it (None: it never counted all)."""
        rows, home = Growing(folder / "tree" / "projects" / "p"), daemons.prepare(folder / "home")
        environment = {key: value for key, value in sealed.surrounding(folder / "tree", home).items() if key != "CCO_NOW"}
        for _ in range(BEFORE):
            rows.append()
        if stage == "grown":
            sealed.ask(self.binary, environment, "daily")
        of_files = [word for name in FILES for word in ("-P", str(home / name))]
        before = ("strace", "-D", "-f", "-q", "-ttt", "-o", str(folder / "trace"), *of_files, "-e", "trace=" + ",".join(CALLS), *injection)
        with Daemon(self.binary, home, environment, folder / "said", before) as daemon:
            daemon.serves()
            counts, took = lambda: daemon.get(QUESTION)[1].get("summary", {}).get("total_calls") == rows.calls, 0.0
            for _ in range(APPENDS):
                behind = time.time() if took < ONE else behind
                rows.append()
                # Each in a commit of its own, as long as all is well.
                took = waited(counts, ONE)
            took += waited(counts, daemons.PATIENCE)
            complete = time.time()
            if not counts():
                return f"{took:.1f} s after the last was written it has not counted all: {daemon.words()[-300:]}", None
            # Of the calls of who looks at accounts, those of two looks may fail.
            until(lambda: all(check["ok"] for check in daemon.checks().values()), f"all checks are well again: {daemon.words()[-300:]}", 4 * LOOKS, pause=0.02)
            well = time.time()
            wrong, took_end = judging.wrong_totals(self.binary, environment, rows), daemon.signal(signal.SIGTERM)
            said = daemon.words()
        failed = failures(folder / "trace", daemon.process.pid)
        # What failed only later found all of it counted, or well.
        late, ill = (moment - max((at for at in failed if at <= moment), default=moment) for moment in (complete, well))
        # What was counted late though no call failed meanwhile waited for its turn, and there was nothing to say.
        is_silent = took > SOON and any(behind <= at <= complete for at in failed) and "was not taken in" not in said
        faults = {f"panic: {said[-300:]}": "panicked" in said, f"it ended with {daemon.process.returncode}: {said[-300:]}": daemon.process.returncode,
                  f"it was behind for {took:.1f} s and said nothing: {said[-300:]}": is_silent}
        times = {f"it took {took_end:.1f} s to end": took_end > TERM,
                 f"complete only {late:.2f} s after the last call that failed: {said[-300:]}": late > RECOVERY,
                 f"well only {ill:.1f} s after the last call that failed: {said[-300:]}": ill > LOOKS + RECOVERY}
        wrong = wrong or first_so(faults) or judging.ledger_damage(home) or judging.wrong_totals(self.binary, environment, rows)
        return wrong or (Late(first_so(times)) if first_so(times) else None), Outcome(bool(failed), "was not taken in" in said, late)


def first_so(what):
    return next((words for words, is_so in what.items() if is_so), None)
