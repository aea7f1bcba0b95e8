"""The power fails while a daemon follows transcripts (promise R3). Used by torture.

The home lies on an ext4 of its own on a loop device; the ioctl that stops it without writing anything down is the
failing power. Needs root. Each trial has a fresh image and mountpoint: mounts that pile up say untrue things.

What must be there again is what the daemon told of: calls whose transcript is gone by then, and readings of limits that a
status line was told, which no transcript has.
"""
import contextlib, datetime, fcntl, json, os, random, shutil, sqlite3, struct, subprocess, time

import daemons, sealed
from daemons import Daemon, Listener, Silent
from judging import ledger_damage, wrong_totals
from sealed import Failed
from small_tree import Growing

NEEDS = "an ext4 on a loop device needs root"
SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2  # EXT4_IOC_SHUTDOWN and its flag, as Linux has them
IMAGE = 48 << 20  # bytes
TRIALS, TRIALS_SHORT = 200, 50
TODAY = "2026-10-12T18:00:00Z"  # the day of the calls


@contextlib.contextmanager
def disk(folder):
    """An empty ext4: its image, and a folder to mount it on."""
    image, place = folder / "image", folder / "disk"
    with open(image, "wb") as f:
        f.truncate(IMAGE)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True, capture_output=True)
    place.mkdir()
    mount(image, place)
    try:
        yield image, place
    finally:
        if os.path.ismount(place):
            unmount(place)


def mount(image, place):
    subprocess.run(["mount", "-o", "loop", image, place], check=True, capture_output=True)


def unmount(place):
    """Waits for its last users."""
    daemons.until(lambda: subprocess.run(["umount", place], capture_output=True).returncode == 0, f"{place} is unmounted", pause=0.05)
    if os.path.ismount(place):
        raise Failed(f"{place} is mounted more than once")


@contextlib.contextmanager
def opened(path):
    number = os.open(path, os.O_RDONLY)
    try:
        yield number
    finally:
        os.close(number)


def cut(place):
    """What is not on the disk by now will not be."""
    with opened(place) as folder:
        fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))


class Account:
    """An account whose limits a session is told: each time its window is a little fuller."""

    def __init__(self, binary, environment, tree):
        self.binary, self.environment, self.drawn, self.told = binary, environment, 0, 0.0
        self.now = datetime.datetime.fromisoformat(environment["CCO_NOW"])
        who = {"accountUuid": "11111111-aaaa-4aaa-8aaa-000000000001", "organizationUuid": "99999999-bbbb-4bbb-8bbb-000000000001", "emailAddress": "dev@example.com"}
        (tree / ".claude.json").write_text(json.dumps({"oauthAccount": who}))
        # Whose a reading is must be known before it is observed.
        self.run(-1200, "accounts")

    def run(self, seconds, *words, stdin=""):
        now = (self.now + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return subprocess.run([self.binary, *words], env={**self.environment, "CCO_NOW": now}, input=stdin.encode(), capture_output=True, timeout=20, check=True)

    def draw(self):
        """A status line with a reading that is new."""
        self.drawn += 1
        window = {"used_percentage": self.drawn / 10, "resets_at": int((self.now + datetime.timedelta(hours=2)).timestamp())}
        payload = {"session_id": "s", "rate_limits": {"five_hour": window}, "cost": {"total_api_duration_ms": 1_000 * self.drawn}}
        self.run(self.drawn - 600, "statusline", stdin=json.dumps(payload))

    def ask(self, daemon):
        """Remembers the last reading that the daemon tells of."""
        self.told = max(self.told, percent(daemon.get("/api/limits")[1]))

    def wrong(self):
        """What is wrong with what is known in the end, or None."""
        known = percent(json.loads(self.run(0, "limits", "--json").stdout))
        return f"a reading of {self.told} % was told of, {known} % is known" if known < self.told else None


def percent(limits):
    return max((float(window["percent"]) for account in limits["accounts"] for window in account["windows"]), default=0.0)


def write_until(end, rows, listener, daemon, account, rng):
    """Writes files of one call each; whatever the daemon told of is gone from then on, so only the ledger knows it. How many that are."""
    gone = 0
    while time.monotonic() < end:
        batch = {}
        for _ in range(rng.randint(1, 6)):
            name = f"{rows.calls}.jsonl"
            batch[rows.append(name)] = rows.folder / name
        if account:
            account.draw()
        for tokens, path in batch.items():
            with contextlib.suppress(Silent):
                listener.told(tokens, max(0, end - time.monotonic()))
                path.unlink()
                gone += 1
        if account:
            account.ask(daemon)
    return gone


def trial(binary, seed, bug=None, of_ledger=False):
    """What is wrong after one cut, and how many calls only the ledger knew, and how many readings. `of_ledger`: nothing is
    journalled meanwhile, which would take what the ledger has written along to the disk."""
    rng = random.Random(seed)
    with sealed.scratch("power") as folder, disk(folder) as (image, place):
        rows, home = Growing(folder / "tree" / "projects" / "p"), daemons.prepare(place / "home")
        # Calls that are old by then are in the journal as well, and come back from there; those of today are in the ledger only.
        more = {"CCO_NOW": TODAY if of_ledger else rng.choice((sealed.NOW, TODAY))} | ({"CCO_PLANTED_BUG": bug} if bug else {})
        environment = sealed.surrounding(folder / "tree", home, **more)
        # Else the daemon makes the ledger while it is cut off.
        account = Account(binary, environment, folder / "tree") if not of_ledger and rng.random() < 0.5 else None
        subprocess.run(["sync", "-f", place], check=True)  # what is there was there long before
        with Daemon(binary, home, environment, folder / "said") as daemon:
            daemon.serves()
            gone = write_until(time.monotonic() + rng.uniform(0.3 if of_ledger else 0.005, 0.8), rows, Listener(daemon), daemon, account, rng)
            cut(place)
            time.sleep(rng.uniform(0, 0.1))
            daemon.kill()
            if "panicked" in (said := daemon.words()):
                return f"panic: {said[-300:]}", gone, 0
        unmount(place)
        # Whoever copied our mounts meanwhile keeps the old one alive, and would give it to us again for the same image.
        mount(shutil.copyfile(image, folder / "image-after"), place)
        aside = [path.name for path in home.glob("*.damaged-*")]
        wrong = wrong_totals(binary, environment, rows) or (account and account.wrong()) or ledger_damage(home)
        return wrong or (f"the ledger was set aside: {aside}" if aside else None), gone, round(10 * account.told) if account else 0


def is_possible():
    """Whether a disk can be made and mounted here."""
    if os.geteuid() or not shutil.which("mkfs.ext4"):
        return False
    try:
        with sealed.scratch("power") as folder, disk(folder):
            return True
    except subprocess.CalledProcessError:
        return False


def tried(binary, _, seed, is_long):
    """What is wrong, and what was measured; None instead of both where it cannot be tried."""
    if not is_possible():
        return None
    trials, gone, readings = TRIALS if is_long else TRIALS_SHORT, 0, 0
    for n in range(trials):
        try:
            wrong, only_ledger, read = trial(binary, seed + n)
        except (Silent, Failed, OSError, sqlite3.Error, subprocess.SubprocessError) as e:
            wrong, only_ledger, read = f"{type(e).__name__}: {e}", 0, 0
        gone, readings = gone + only_ledger, readings + read
        if wrong:
            return f"trial {n} (seed {seed + n}): {wrong}", {"cuts": n + 1}
    # Where a daemon told of nothing before the power failed, nothing could be lost.
    missing = [what for what, n in (("no call", gone), ("no reading", readings)) if not n]
    wrong = f"{' and '.join(missing)} was told of before any of {trials} cuts, so nothing could be lost" if missing else None
    return wrong, {"cuts": trials, "calls whose transcript was gone": gone, "readings": readings}
