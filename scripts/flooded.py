"""A daemon's API is flooded while transcripts grow (promise R18). Used by torture.

The age of a call, from the append to its event, is taken twice in one run, idle and flooded, with equal appends. Both
times a client asks `/api/health` on a connection of its own every 50 ms. The flood takes its share of the machine's cores, too.
"""
import http.client, resource, statistics, threading, time

import daemons, sealed
from clients import Crowd
from daemon_bench import resident_mib
from daemons import Daemon, Listener, Silent
from judging import OTHERS, Disturbed, Late, Others
from sealed import Failed
from small_tree import Growing, Tree

OLDER, MORE_MIB, HEALTH_MS = 2, 32, 100  # times, MiB and ms of R18
SECONDS, SECONDS_SHORT = 30, 6
RATE, IDLE, AGAIN = 1_000, 2_000, 200
FILES, USUAL_FILES = 8_192, 1_024  # that a process may open: ours, and a daemon as most have it
NEEDS = f"{FILES:,} open files are not allowed here"
EXPECTED = {200, 429, 503}
# Half of them were never asked before: `{n}` is any number.
PATHS = ("/api/stats?period=day", "/api/stats?period=all&granularity=day", "/api/stats/projects?period=all", "/api/stats/sessions?limit=20", "/api/limits",
         "/api/stats?from=2026-10-10T01:00:00.{n}Z&to=2026-10-17T00:00:00Z&granularity=hour", "/api/stats/breakdown?by=model&from=2026-10-11T01:00:00.{n}Z",
         "/api/stats/breakdown?by=project&from=2026-10-11T01:00:00.{n}Z", "/api/stats/blocks?from=2026-10-12T01:00:00.{n}Z", "/api/sources", "/metrics", "/api/health")


class Watched:
    """Asks a daemon whether it is well, and how large it is, until the block ends."""

    def __init__(self, daemon):
        self.daemon, self.took, self.failed, self.peak, self.ended = daemon, [], [], 0.0, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def _watch(self):
        while not self.ended.wait(0.05):
            began = time.monotonic()
            try:
                status, _ = self.daemon.get("/api/health")
            except (OSError, http.client.HTTPException, ValueError) as e:
                status = type(e).__name__
            self.took.append((time.monotonic() - began) * 1e3)
            if status != 200:
                self.failed.append(status)
            self.peak = max(self.peak, resident_mib(self.daemon.process.pid))

    def slowest(self):
        return sorted(self.took)[int(len(self.took) * 0.99)]


def aged(rows, listener, seconds, rng):
    """Appends calls for so long: how old each was when it was told of, in ms."""
    ages, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        tokens, written = rows.append(), time.monotonic()
        ages.append((listener.told(tokens) - written) * 1e3)
        time.sleep(rng.uniform(0, 0.1))
    return sorted(ages)


def flood():
    """Everything at once."""
    return {"ask": {"rate": RATE, "connections": 48, "paths": PATHS},
            "idle": {"count": IDLE, "again": AGAIN},
            "drip": [{"count": 50, "again": 10, "body": None},
                     {"count": 20, "again": 10, "body": "/api/scan", "head": "Content-Type: application/json\r\nX-Cco: 1\r\nContent-Length: 600\r\n"},
                     {"count": 50, "again": 10, "body": "/api/session", "head": "Content-Type: application/json\r\nX-Cco: 1\r\nContent-Length: 600\r\n"}],
            "oversized": {"size": 64 << 20}}


def judged(idle, flooded, calm, under, told, before):
    """What is wrong, and what was measured."""
    statuses = {int(what.split()[1]): n for what, n in told.items() if what.startswith("asked ") and what.split()[1].isdigit()}
    at = lambda ages, share: ages[min(int(len(ages) * share), len(ages) - 1)]
    measured = {"appends": f"{len(idle)} idle, {len(flooded)} flooded", "age_ms": f"{at(idle, .5):.0f} idle, {at(flooded, .5):.0f} flooded",
                "age_p95_ms": f"{at(idle, .95):.0f} idle, {at(flooded, .95):.0f} flooded", "mib": f"{before:.1f} before, {under.peak:.1f} at most",
                "health_ms": f"{statistics.median(calm.took):.1f} idle, {statistics.median(under.took):.1f} flooded, p99 {under.slowest():.1f}, at most {max(under.took):.1f} of {len(under.took)}",
                "answers": statuses, **{what: n for what, n in told.items() if not what.startswith("asked ")}, "cut off": told.get("asked cut off", 0)}
    wrong = None
    if odd := {status: n for status, n in statuses.items() if status not in EXPECTED}:
        wrong = f"answers {odd}"
    elif under.failed:
        wrong = f"/api/health failed {len(under.failed)} times of {len(under.took)}: {sorted(set(map(str, under.failed)))}"
    elif under.peak - before > MORE_MIB:
        wrong = f"it grew from {before:.1f} to {under.peak:.1f} MiB"
    elif under.slowest() > HEALTH_MS:
        wrong = Late(f"/api/health took {under.slowest():.0f} ms or more once in 100 times")
    elif any(at(flooded, share) > OLDER * at(idle, share) for share in (0.5, 0.95)):
        wrong = Late(f"calls were old: {measured['age_ms']} ms, once in 20 {measured['age_p95_ms']} ms")
    return wrong, measured


def trial(binary, seed, seconds, files):
    """One flood: what is wrong, and what was measured. `files`: what a daemon may open, and what we may."""
    with sealed.scratch("flooded") as folder:
        tree, home = Tree(seed, files=32, calls=200), daemons.prepare(folder / "home")
        tree.write(folder / "tree")
        rows = Growing(folder / "tree" / "projects" / "grows")
        environment = {key: value for key, value in sealed.surrounding(folder / "tree", home).items() if key != "CCO_NOW"}
        sealed.ask(binary, environment, "daily")  # nobody is told of what was there before, one by one
        may_open(files[0])
        with Daemon(binary, home, environment, folder / "said") as daemon:
            may_open(files[1])
            daemon.serves()
            listener = Listener(daemon)
            listener.told(rows.append())
            with Others(daemon.process.pid) as others:
                with Watched(daemon) as calm:
                    idle = aged(rows, listener, seconds, tree.rng)
                before = resident_mib(daemon.process.pid)
                with Crowd(daemon, **flood()) as crowd, Watched(daemon) as under:
                    flooded = aged(rows, listener, seconds, tree.rng)
            wrong, measured = judged(idle, flooded, calm, under, crowd.told, before)
            measured |= {"cores of others": round(others.cores, 2), "R18's own figures": "NOT held" if wrong else "held"}
            if isinstance(wrong, Late) and others.cores > OTHERS:
                wrong = Disturbed(f"{wrong}; others had {others.cores:.1f} cores")
            if "panicked" in (said := daemon.words()):
                wrong = f"panic: {said[-300:]}"
            # What is wrong with totals is no matter of time.
            return (wrong_calls(binary, environment, tree, rows) if wrong is None or isinstance(wrong, Late) else None) or wrong, measured


def may_open(files):
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def tried(binary, _, seed, is_long):
    """What is wrong, and what was measured; None instead of both where it cannot be tried."""
    usual, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        return None
    try:
        return trial(binary, seed, SECONDS if is_long else SECONDS_SHORT, (USUAL_FILES, FILES))
    except (Silent, Failed, OSError, http.client.HTTPException) as e:
        return f"{type(e).__name__}: {e}", {}
    finally:
        may_open(usual)


def wrong_calls(binary, environment, tree, rows):
    """What is wrong with the totals in the end, or None."""
    want = sum(day["calls"] for day in tree.days.values()) + rows.calls
    got = sealed.ask(binary, environment, "daily")["totals"]["calls"]
    return None if got == want else f"expected {want} calls, cco says {got}"

