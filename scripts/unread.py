"""Listeners that do not read, while 500 calls a second are told of (promise R19). Used by torture.

One listener reads all along, eight come and go: each must hear all, or be told to ask anew.
"""
import http.client, os, signal, time

import daemons, judging, sealed
from clients import Crowd
from daemon_bench import resident_mib
from daemons import Daemon, Listener, Silent
from sealed import Failed
from small_tree import Growing

MORE_MIB, CUT = 16, 30  # MiB and seconds of R19
RATE = 500
SECONDS, SECONDS_SHORT = 60, 10
WARM = 3  # seconds of calls before anybody is deaf: what they cost is no cost of listeners
COME_AND_GO = 8
DEAF = [{"count": 256, "reads": 0}, {"count": 50, "reads": 1, "buffer": 4_096}]


class Publisher:
    """Appends so many calls a second for so long, in a process of its own."""

    def __init__(self, rows, rate, seconds):
        self.rows, self.rate, self.count = rows, rate, int(rate * seconds)

    def __enter__(self):
        self.pid = os.fork()
        if self.pid == 0:
            try:
                begun = time.monotonic()
                for n in range(self.count):
                    while n > (time.monotonic() - begun) * self.rate:
                        time.sleep(0.005)
                    self.rows.append(f"{n % 4}.jsonl")
            finally:
                os._exit(0)
        return self

    def __exit__(self, kind, *_):
        if kind:
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        # What the other process has written is known here, too.
        self.rows.calls += self.count
        self.rows.tokens += sum(1_000 + n for n in range(self.rows.calls - self.count + 1, self.rows.calls + 1))


def largest_until(daemon, end, largest=0.0):
    while time.monotonic() < end:
        largest = max(largest, resident_mib(daemon.process.pid))
        time.sleep(0.05)
    return largest


def judged(daemon, rows, listener, told, before, peak, is_long):
    """What is wrong, and what was measured."""
    missed = listener.missed(rows.calls)
    measured = {"calls": rows.calls, "mib": f"{before:.1f} before, {peak:.1f} at most", "resets of whoever reads all along": len(listener.resets), **told}
    odd = [what for what in told if what.split()[0] in ("silent", "slow", "resumed") and what.split()[1] not in ("200", "503", "cut", "closed")]
    # More than a thousand calls at once are not told one by one: a busy machine may come to that, two seconds late.
    if missed:
        return f"whoever reads all along missed {len(missed)} of {rows.calls} calls that it was not told to ask for, first number {missed[0]}", measured
    if not listener.heard:
        return "whoever reads all along heard of no call", measured
    if told.get("heard nothing", 0) * 2 >= COME_AND_GO:
        return f"{told['heard nothing']} of {COME_AND_GO} who came and went heard of no call", measured
    if told.get("gaps") or told.get("heard least") != rows.calls:
        return f"whoever came back missed {told.get('gaps')} calls, and heard up to {told.get('heard least')} of {rows.calls} in the end", measured
    if odd or not told.get("silent 503") or not told.get("silent 200") or not told.get("resumed 200"):
        return f"answers {told}", measured
    if told["longest deaf s"] > CUT or (is_long and not (told.get("silent cut off") and told.get("slow cut off"))):
        return f"whoever did not read was there for {told['longest deaf s']} s", measured
    if peak - before > MORE_MIB:
        return f"it grew from {before:.1f} to {peak:.1f} MiB", measured
    return ("panic: " + daemon.words()[-300:] if "panicked" in daemon.words() else None), measured


def tried(binary, _, seed, is_long):
    """What is wrong, and what was measured."""
    seconds = SECONDS if is_long else SECONDS_SHORT
    try:
        with sealed.scratch("unread") as folder:
            home, rows = daemons.prepare(folder / "home"), Growing(folder / "tree" / "projects" / "grows")
            environment = {key: value for key, value in sealed.surrounding(folder / "tree", home).items() if key != "CCO_NOW"}
            with Daemon(binary, home, environment, folder / "said") as daemon:
                daemon.serves()
                daemons.until(lambda: daemon.checks()["ledger"]["ok"] and "as they happen" in daemon.checks()["watcher"]["detail"], "it hears of changes")
                listener = Listener(daemon)
                begun = time.monotonic()
                with Publisher(rows, RATE, WARM + seconds) as publisher:
                    before = largest_until(daemon, begun + WARM)
                    with Crowd(daemon, deaf=DEAF, resume={"count": COME_AND_GO, "upto": publisher.count}) as crowd:
                        peak = largest_until(daemon, begun + WARM + seconds)
                        # Who comes and goes comes once more when the crowd ends, and hears what is there by then.
                        daemons.until(lambda: 1_000 + publisher.count in listener.heard or any(publisher.count <= upto for _, upto in listener.resets),
                                      "whoever reads all along is told of the last call", pause=0.01)
                wrong, measured = judged(daemon, rows, listener, crowd.told, before, peak, is_long)
            return wrong or judging.wrong_totals(binary, environment, rows), measured
    except (Silent, Failed, OSError, http.client.HTTPException) as e:
        return f"{type(e).__name__}: {e}", {}
