"""Runs cco on a small tree, perhaps with a planted bug, and says what is wrong with what it says. Used by torture."""
import contextlib, os, shutil, signal, sqlite3, subprocess, time

import sealed
from sealed import Failed, counted, decoded, first_difference, surrounding


TRIALS = 3  # at most, where nothing but times is wrong: the promise's own figure must hold in one of them
OTHERS = 0.5  # cores: when others have more, what is measured may be theirs


class Late(str):
    """What is wrong, when nothing but its time is: another try (`in_time`) may say that the machine was at fault."""


class Disturbed(Late):
    """It was late on a machine that others kept busy: what cannot be measured there is no failure, and no success either."""


class Others:
    """How many cores others had while the block went on. Of its own are children that have ended with it, and the process of this
    number, a child that still runs. What interrupts take is nobody's."""

    def __init__(self, running):
        self.running = running

    def __enter__(self):
        self.began, self.at_first = time.monotonic(), self._seconds()
        return self

    def __exit__(self, *_):
        self.cores = (self._seconds() - self.at_first) / (time.monotonic() - self.began)

    def _seconds(self):
        with open("/proc/stat") as f:
            user, nice, system, _idle, _wait, _irq, _softirq, steal = map(int, f.readline().split()[1:9])
        return (user + nice + system + steal - self._ticks_of_running()) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])

    def _ticks_of_running(self):
        """Its own and those of its children. Once it was waited for it is a child that has ended."""
        try:
            with open(f"/proc/{self.running}/stat") as f:
                return sum(map(int, f.read().rpartition(")")[2].split()[11:15]))
        except FileNotFoundError:
            return 0


def in_time(trial):
    """Makes a trial, whose answer begins with what is wrong, again where it was late: what it answered, and how often it was made. Of
    those that were late each time it is the last one that nobody disturbed: another's trouble does not excuse it."""
    late = None
    for made in range(1, TRIALS + 1):
        answer = trial()
        if answer is None or not isinstance(answer[0], Late):
            return answer, made
        print(f"  late, {made} of {TRIALS} times: {answer[0]}", flush=True)
        if late is None or not isinstance(answer[0], Disturbed):
            late = answer
    return late, made


def judge(tree, text):
    """What is wrong with a `daily --json`, or None."""
    try:
        days = {row["date"]: counted(row) for row in decoded(text)["daily"]}
    except (Failed, KeyError, TypeError) as e:
        return f"{type(e).__name__} {e}"
    return first_difference(tree.truth(), days)


def ledger_damage(home):
    """What SQLite's integrity check says about a copy of the ledger, or None."""
    with sealed.scratch("copy") as copy:
        for name in ("ledger.db", "ledger.db-wal"):
            if (home / name).exists():
                shutil.copy(home / name, copy / name)
        with contextlib.closing(sqlite3.connect(copy / "ledger.db")) as db:
            said = db.execute("PRAGMA integrity_check").fetchone()[0]
            return None if said == "ok" else f"integrity check: {said}"


def wrong_totals(binary, environment, growing):
    """What is wrong with a report on transcripts that grew, or None."""
    totals = sealed.ask(binary, environment, "daily")["totals"]
    want, got = (growing.calls, growing.tokens), (totals["calls"], totals["outputTokens"])
    return None if got == want else f"expected {want} calls and tokens, cco says {got}"


def run_whole(command, environment, timeout):
    """Runs a command in a process group of its own, so that nothing of it outlives a timeout."""
    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, err = running.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        raise
    return subprocess.CompletedProcess(command, running.returncode, out, err)


class Gate:
    """Lets processes begin at the same moment: started with `before` and `how`, each waits until the block ends, and the
    block ends when all are there."""

    def __init__(self, count):
        self.count = count
        self.stdin, self.opens = os.pipe()
        self.arrived, self.tells = os.pipe()
        # Only bash takes numbers above 9 there.
        self.before = ("bash", "-c", f'printf x >&{self.tells}; exec {self.tells}>&-; read x; exec "$0" "$@"')
        self.how = {"stdin": self.stdin, "pass_fds": (self.tells,)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.stdin)
        os.close(self.tells)
        there = 0
        while there < self.count and (come := os.read(self.arrived, self.count)):
            there += len(come)
        os.close(self.arrived)
        os.close(self.opens)


class Cco:
    """A binary, perhaps with a planted bug, reading one tree."""

    def __init__(self, binary, tree, root, bug=None):
        self.binary, self.tree, self.root, self.bug = binary, tree, root, bug

    def environment(self, home):
        more = {"CCO_THREADS": "1"} | ({"CCO_PLANTED_BUG": self.bug} if self.bug else {})
        return surrounding(self.root, home, **more)

    def run(self, home, *arguments, before=(), timeout=60):
        command = [*before, str(self.binary), *(arguments or ("daily", "--json", "--timezone", "UTC"))]
        return run_whole(command, self.environment(home), timeout)

    def clean_run(self, home):
        """A run without trouble: None when it says the truth."""
        done = self.run(home)
        if done.returncode:
            return f"clean run ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()[-300:]}"
        return judge(self.tree, done.stdout) or ledger_damage(home)

    def without_ledger(self, home):
        """All transcripts are years old by the sealed clock, so the journal alone must know all of them."""
        for part in ("", "-wal", "-shm", "-journal"):
            (home / f"ledger.db{part}").unlink(missing_ok=True)
        with sealed.scratch("no-transcripts") as nowhere:
            done = Cco(self.binary, self.tree, nowhere, self.bug).run(home)
        if done.returncode:
            return f"run on the journal alone ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()[-300:]}"
        wrong = judge(self.tree, done.stdout)
        return wrong and f"the journal alone says: {wrong}"
