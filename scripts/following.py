"""A daemon follows 32 transcripts that eight processes write, and is killed, ended and crowded. Used by torture."""
import collections, os, random, signal, sqlite3, subprocess, time

import daemons, sealed
from daemons import Daemon, Silent
from judging import Cco, Gate, Late, judge, ledger_damage
from sealed import Failed, counted, decoded, first_difference
from small_tree import Tree, write_slowly

WRITERS, FILES = 8, 32
TAKEOVER = TERM = 2  # seconds, promises R16 and R29
CROWD = 40


class Round:
    """One tree that is written while daemons come and go, and the home of them all."""

    def __init__(self, binary, folder, seed, bug=None):
        self.tree, self.rng = Tree(seed, files=FILES, calls=12), random.Random(seed)
        self.home, self.folder, self.seed = daemons.prepare(folder / "home"), folder, seed
        self.cco = Cco(binary, self.tree, folder / "tree", bug)
        self.ends, self.writing = collections.Counter(), set()
        for path in self.tree.bodies:
            (self.cco.root / "projects" / path).parent.mkdir(parents=True, exist_ok=True)

    def daemon(self, binary=None, said=None, before=(), **how):
        said = said or f"said-{sum(self.ends.values())}"
        return Daemon(binary or self.cco.binary, self.home, self.cco.environment(self.home), self.folder / said, before, **how)

    def write(self, seconds):
        """Begins to write all of it, in eight processes."""
        paths = sorted(self.tree.bodies)
        for w in range(WRITERS):
            if (pid := os.fork()) == 0:
                try:
                    write_slowly(self.cco.root, self.tree, paths[w::WRITERS], self.seed + w, seconds)
                finally:
                    os._exit(0)
            self.writing.add(pid)

    def is_written(self):
        self.writing -= {pid for pid in self.writing if os.waitpid(pid, os.WNOHANG)[0]}
        return not self.writing

    def stop_writers(self):
        for pid in self.writing:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.writing.clear()

    def wait_for_trouble(self):
        """Until the daemon is to be ended: some time after it serves, or as it writes the ledger: then only is there something to tear."""
        end, wal = time.monotonic() + self.rng.uniform(0.002, 0.300), self.home / "ledger.db-wal"
        aimed, before = self.rng.random() < 0.5, state_of(wal)
        while time.monotonic() < end or aimed and time.monotonic() < end + 0.3:
            if aimed and state_of(wal) != before:
                time.sleep(self.rng.uniform(0, 0.004))
                return
            time.sleep(0.0003)

    def one_daemon(self):
        """Starts one and ends it at a random moment; what is wrong with that."""
        late = None
        with self.daemon() as daemon:
            daemon.serves()
            self.wait_for_trouble()
            if self.rng.random() < 0.33:
                took = daemon.signal(signal.SIGTERM)
                self.ends["term"] += 1
                so = f"after SIGTERM it ran for {took:.2f} s and ended with {daemon.process.returncode}: {daemon.words().strip()[-200:]}"
                if daemon.process.returncode:
                    return so
                late = Late(so) if took > TERM else None
            else:
                daemon.signal(signal.SIGKILL)
                self.ends["kill"] += 1
            if "panicked" in (said := daemon.words()):
                return f"panic: {said[-300:]}"
        return late

    def truth(self):
        """What is wrong in the end: with a daemon, without, and of the ledger itself."""
        with self.daemon() as daemon:
            daemon.serves()
            wrong = self.reports("with a daemon")
            took = daemon.signal(signal.SIGTERM)
        late = Late(f"the last daemon ended after {took:.1f} s") if took > TERM else None
        return (wrong or self.reports("without a daemon") or ledger_damage(self.home) or self.diagnosis()
                or self.cco.without_ledger(self.home) or late)

    def reports(self, how, says=None):
        """What is wrong with reports, which say these words beside it, or none."""
        daily = self.cco.run(self.home)
        session = self.cco.run(self.home, "session", "--json", "--timezone", "UTC")
        for done in (daily, session):
            if done.returncode or (says not in done.stderr if says else done.stderr):
                return f"{how}, a report ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()[-300:]}"
        if wrong := judge(self.tree, daily.stdout) or by_session(self.tree, session.stdout):
            return f"{how}: {wrong}"
        return None

    def diagnosis(self):
        done = self.cco.run(self.home, "doctor", "--deep", "--json")
        try:
            found = [f"{check['id']}: {check['message']}" for check in decoded(done.stdout)["checks"] if check["status"] == "problem"]
        except (Failed, KeyError, TypeError) as e:
            return f"doctor --deep: {type(e).__name__} {e}: {done.stderr.decode(errors='replace')[-200:]}"
        return f"doctor --deep finds {found}" if found else None


def state_of(path):
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns


def by_session(tree, text):
    """What is wrong with a `session --json`, or None. Whose the calls are that a fork has copied is not judged."""
    whole = collections.defaultdict(collections.Counter)
    try:
        for row in decoded(text)["sessions"]:
            whole[row["sessionId"].removesuffix("-fork")].update(counted(row))
    except (Failed, KeyError, TypeError) as e:
        return f"session: {type(e).__name__} {e}"
    wrong = first_difference({name: {**sums, "unpriced": 0} for name, sums in tree.sessions.items()}, {name: dict(sums) for name, sums in whole.items()})
    return wrong and f"session {wrong}"


def followed(binary, seed, seconds, bug=None):
    """A round of daemons that are killed and ended under load. What is wrong, and how they ended."""
    with sealed.scratch("daemon") as folder:
        lane = Round(binary, folder, seed, bug)
        lane.write(seconds)
        try:
            wrong = late = None
            while wrong is None and not lane.is_written():
                wrong = lane.one_daemon()
                # What is wrong with totals is no matter of time.
                if isinstance(wrong, Late):
                    late, wrong = wrong, None
            return wrong or lane.truth() or late, lane.ends
        except (Silent, Failed, OSError, sqlite3.Error, subprocess.TimeoutExpired) as e:
            return f"{type(e).__name__}: {e}", lane.ends
        finally:
            lane.stop_writers()


def crowded(binary, seed, older=None):
    """Forty daemons begin at once, every other one of an older program where there is one: one serves, the others say so
    and end well; it is killed, and another one serves, of the other program. What is wrong, and how long that took."""
    kinds, gone = (binary, older or binary), 0.0
    with sealed.scratch("daemon-crowd") as folder:
        lane = Round(binary, folder, seed)
        lane.tree.write(lane.cco.root)
        try:
            first = lane.rng.randrange(2)
            with Gate(CROWD) as gate:
                crowd = [lane.daemon(kinds[(first + n) % 2], f"crowd-{n}", gate.before, **gate.how) for n in range(CROWD)]
            try:
                daemons.until(lambda: sum(one.has_ended() for one in crowd) >= CROWD - 1, "all but one have ended")
                owners = [one for one in crowd if not one.has_ended()]
                if len(owners) != 1:
                    return f"{len(owners)} of {CROWD} run: {[one.words()[-100:] for one in crowd]}", gone
                owners[0].serves()
                for one in crowd:
                    if one is not owners[0] and (one.process.returncode or "runs already" not in one.words()):
                        return f"one that came too late ended with {one.process.returncode}: {one.words()[-300:]}", gone
                time.sleep(lane.rng.uniform(0, 0.1))
                owners[0].kill()
                with lane.daemon(kinds[(first + crowd.index(owners[0]) + 1) % 2]) as another:
                    gone = another.serves()
                    another.signal(signal.SIGTERM)
            finally:
                [one.kill() for one in crowd]
            return lane.truth() or (Late(f"after a kill another one served after {gone:.2f} s") if gone > TAKEOVER else None), gone
        except (Silent, Failed, OSError, sqlite3.Error, subprocess.TimeoutExpired) as e:
            return f"{type(e).__name__}: {e}", gone
