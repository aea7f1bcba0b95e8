"""A daemon at work for long, and its end under load (promise R29). Used by torture.

soak: transcripts grow, go and come, settings change, its log is rotated, listeners come and go: it does not grow.
ended: SIGTERM in the middle of all that ends it well, and soon.
"""
import collections, contextlib, functools, http.client, operator, os, pathlib, random, re, signal, statistics, threading, time

import daemons, sealed
from clients import Crowd
from daemon_bench import resident_mib
from daemons import Daemon, Listener, Silent, until
from judging import Late
from sealed import Failed
from small_tree import Growing, Tree

TERM, SLOPE_MIB, WAL = 2, 1, 64 << 20  # seconds, MiB in ten minutes and bytes of R29
LOOKS = 5  # that are alike, 0.2 s apart: it is at rest
ENDS, ENDS_SHORT = 50, 13
# Rounds of a soak whose growth is not judged, those that are, and seconds of each: long, short. The ten minutes of the promise begin
# when all engines are open and have their pages: one opens when so many are asked at once, and holds half a megabyte. The median of
# each minute, in MiB: 19.4, 20.4, then 20.9 to 21.4 in the eleven that followed. Beside builds that took both cores it came to rest
# later: 20.0, 20.2, 20.3, then 21.2 to 22.4 within six, and 22.4 in the last four; that is more than the promise allows.
WARM, JUDGED, ROUND = (2, 1), (10, 3), (60, 4)
LEDGERS = 9  # times that a file of the ledger may be open: four engines that answer, those of events and of what takes long, the keeper, the broker, who just comes instead of one
LOG = 10 << 20  # bytes at which a log is put aside
CROWD = {"resume": {"count": 8, "stays": 1.0, "away": 0.5},
         "ask": {"rate": 100, "connections": 16, "paths": ("/api/stats?period=all", "/api/stats/sessions", "/api/stats?from=2026-10-10T01:00:00.{n}Z", "/metrics", "/api/health")}}


class Churn:
    """Appends calls, makes transcripts and removes old ones, until the block ends."""

    def __init__(self, rows, rate, rng):
        self.rows, self.rate, self.rng, self.ended, self.files = rows, rate, rng, threading.Event(), ["s.jsonl"]

    def __enter__(self):
        self.thread = threading.Thread(target=self._churn)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def _churn(self):
        while not self.ended.wait(1 / self.rate):
            if self.rng.random() < 0.01:  # a day's worth of sessions in ten minutes: each that is gone stays known, with its path
                self.files.append(f"{self.rows.calls}.jsonl")
            self.rows.append(self.rng.choice(self.files))
            if len(self.files) > 50:
                # Counted or not, it is gone: how many are told in the end is not asked here.
                (self.rows.folder / self.files.pop(0)).unlink(missing_ok=True)


class Soaked:
    """A home with a full log, a tree, and what is needed to change its settings."""

    def __init__(self, folder, seed):
        self.folder, self.home, self.rng = folder, daemons.prepare(folder / "home"), random.Random(seed)
        Tree(seed).write(folder / "tree")
        self.rows = Growing(folder / "tree" / "projects" / "grows")
        self.environment = {key: value for key, value in sealed.surrounding(folder / "tree", self.home).items() if key != "CCO_NOW"}
        self.log = self.home / "logs" / "daemon.log"

    def fill_log(self):
        self.log.parent.mkdir(mode=0o700, exist_ok=True)
        self.log.write_bytes(b"x" * 79 + b"\n" + b"\n" * (LOG - 300))

    def change_settings(self):
        with open(self.home / "config.toml", "a") as f:
            f.write("# changed\n")

    def daemon(self, binary, name="said"):
        return Daemon(binary, self.home, self.environment, self.folder / name)


def open_files(daemon):
    """What it has open, and how often."""
    found = collections.Counter()
    folder = pathlib.Path(f"/proc/{daemon.process.pid}/fd")
    for one in folder.iterdir():
        with contextlib.suppress(OSError):
            found[re.sub(r":\[\d+\]", "", os.readlink(one).removeprefix(str(daemon.home)))] += 1
    return found


def of_ledger(name):
    return name.startswith("/ledger.db")


def rested(daemon, least):
    """What it has open once that is no more than after the rounds before, and the same for a while; or after our patience: it
    may just be reading what was written last."""
    found = [open_files(daemon)]
    with contextlib.suppress(Silent):
        until(lambda: found.append(open_files(daemon)) or is_rest(found[-LOOKS:], least), "it is at rest", pause=0.2)
    return found[-1]


def is_rest(found, least):
    return len(found) == LOOKS and all(others(one) == others(found[0]) for one in found) and (least is None or others(found[0]) <= least)


def least_of(at_rest):
    """What it had open after each of some rounds; None: there was none."""
    return functools.reduce(operator.and_, map(others, at_rest)) if at_rest else None


def others(found):
    return collections.Counter({name: n for name, n in found.items() if not of_ledger(name)})


def opened_more(at_rest, at_work):
    """What is wrong with what it had open after each round, and at most in each, or None. At rest all but the ledger is
    open no more often than after any round before. How often the ledger is depends on who asked last; at work everybody has
    it open once, which the first half of the rounds has seen."""
    for n in range(1, len(at_rest)):
        if more := others(at_rest[n]) - least_of(at_rest[:n]):
            return f"after round {n} it had {dict(more)} more open than before: {dict(at_rest[n])}, and {dict(at_rest[0])} at first"
    half = (len(at_work) + 1) // 2
    first, later = (functools.reduce(operator.or_, some) for some in (at_work[:half], at_work[half:]))
    if many := {name: n for name, n in (first | later).items() if n > LEDGERS}:
        return f"the ledger is open too often: {many}"
    return f"the ledger is open more often than at first: {dict(first)}, then {dict(later)}" if len(at_work) > JUDGED[0] and later - first else None


def wal_bytes(home):
    try:
        return (home / "ledger.db-wal").stat().st_size
    except OSError:
        return 0


def one_round(daemon, soaked, seconds):
    """A crowd that comes and goes while transcripts change: what was resident, how large the log of writes was, how often
    the ledger was open, what the crowd tells."""
    resident, wal, opened, end = [], 0, collections.Counter(), time.monotonic() + seconds
    with Crowd(daemon, **CROWD) as crowd, Churn(soaked.rows, 100, soaked.rng):
        while time.monotonic() < end:
            time.sleep(0.2)
            resident.append((time.monotonic(), resident_mib(daemon.process.pid)))
            wal = max(wal, wal_bytes(soaked.home))
            opened |= collections.Counter({name: n for name, n in open_files(daemon).items() if of_ledger(name)})
            if soaked.rng.random() < 0.02:
                soaked.change_settings()
    return resident, wal, opened, crowd.told


def slope(samples):
    """MiB in ten minutes, by least squares."""
    return statistics.linear_regression(*zip(*samples)).slope * 600


def soaked(binary, seed, is_long):
    warm, judged, seconds = (of[not is_long] for of in (WARM, JUDGED, ROUND))
    with sealed.scratch("soak") as folder:
        soaked = Soaked(folder, seed)
        soaked.fill_log()
        with soaked.daemon(binary) as daemon:
            daemon.serves()
            # It is told where it listens before its commands can reach it.
            until((soaked.home / "state" / "daemon.sock").exists, "its commands reach it")
            resident, wal, at_rest, at_work, gaps, alone = [], 0, [], [], 0, open_files(daemon)["socket"]
            for _ in range(warm + judged):
                soaked.change_settings()
                grown, largest, opened, told = one_round(daemon, soaked, seconds)
                resident.append(grown)
                wal, gaps = max(wal, largest), gaps + told.get("gaps", 0)
                at_work.append(opened)
                until(lambda: open_files(daemon)["socket"] <= alone, "all connections are let go of", pause=0.02)
                at_rest.append(rested(daemon, least_of(at_rest)))
            term = daemon.signal(signal.SIGTERM)
            logs = sorted(path.name for path in soaked.log.parent.iterdir())
        late = [sample for grown in resident[warm:] for sample in grown]
        grows = slope(late) if is_long else 0.0
        measured = {"calls": soaked.rows.calls, "open files": [sum(found.values()) for found in at_rest], "ledger open at most": [max(opened.values()) for opened in at_work],
                    "wal MiB": round(wal / 2**20, 1), "logs": logs, "term s": round(term, 2),
                    "median MiB of rounds": [round(statistics.median(mib for _, mib in grown), 1) for grown in resident]} | (
                        {"mib in ten minutes": round(grows, 2)} if is_long else {})
        faults = {f"the log of writes grew to {wal} bytes": wal > WAL, f"it grows by {grows:.1f} MiB in ten minutes": grows > SLOPE_MIB,
                  f"listeners missed {gaps} calls": gaps, f"the log was not put aside: {logs}": "daemon.log.1" not in logs,
                  f"panic: {daemon.words()[-300:]}": "panicked" in daemon.words()}
        late = Late(f"it took {term:.1f} s to end") if term > TERM else None
        return opened_more(at_rest, at_work) or next((what for what, is_so in faults.items() if is_so), None) or late, measured


def ended(binary, seed, is_long):
    took = []
    with sealed.scratch("ended") as folder:
        soaked = Soaked(folder, seed)
        for n in range(ENDS if is_long else ENDS_SHORT):
            with soaked.daemon(binary, f"said-{n}") as daemon:
                daemon.serves()
                Listener(daemon)  # stays to the end, whatever others do
                with Crowd(daemon, **CROWD) as crowd, Churn(soaked.rows, 200, soaked.rng):
                    time.sleep(soaked.rng.uniform(0.3, 0.8))
                    took.append(daemon.signal(signal.SIGTERM))
                so = f"end {n} took {took[-1]:.2f} s, with {daemon.process.returncode}: {daemon.words()[-300:]}"
                if daemon.process.returncode or "panicked" in daemon.words() or "has ended" not in daemon.words():
                    return so, {"ends": n + 1}
                if took[-1] > TERM:
                    return Late(so), {"ends": n + 1}
        return None, {"ends": len(took), "median_s": round(statistics.median(took), 2), "slowest_s": round(max(took), 2), "listened": crowd.told.get("resumed 200", 0)}


TRIALS = {"soak": soaked, "ended": ended}


def tried(binary, name, seed, is_long):
    """What is wrong, and what was measured."""
    try:
        return TRIALS[name](binary, seed, is_long)
    except (Silent, Failed, OSError, http.client.HTTPException) as e:
        return f"{type(e).__name__}: {e}", {}
