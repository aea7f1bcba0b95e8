"""The power fails while a daemon follows transcripts (promise R3). Used by torture.

The home lies on an ext4 of its own on a loop device; the ioctl that stops it without writing anything down is the
failing power. Needs root. Each trial has a fresh image and mountpoint: mounts that pile up say untrue things.
"""
import contextlib, fcntl, os, random, shutil, sqlite3, struct, subprocess, time

import daemons, sealed
from daemons import Daemon, Listener, Silent
from judging import ledger_damage, wrong_totals
from sealed import Failed
from small_tree import Growing

NEEDS = "an ext4 on a loop device needs root"
SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2  # EXT4_IOC_SHUTDOWN and its flag, as Linux has them
IMAGE = 48 << 20  # bytes
TRIALS, TRIALS_SHORT = 200, 6
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


def sync(path):
    with opened(path) as number:
        os.fsync(number)


def cut(place):
    """What is not on the disk by now will not be."""
    with opened(place) as folder:
        fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))


def write_until(end, rows, listener, rng):
    """Writes files of one call each; whatever the daemon told of is gone from then on, so only the ledger knows it. How many that are."""
    gone = 0
    while time.monotonic() < end:
        batch = {}
        for _ in range(rng.randint(1, 6)):
            name = f"{rows.calls}.jsonl"
            batch[rows.append(name)] = rows.folder / name
        for tokens, path in batch.items():
            with contextlib.suppress(Silent):
                listener.told(tokens, max(0, end - time.monotonic()))
                path.unlink()
                gone += 1
    return gone


def trial(binary, seed):
    """What is wrong after one cut, and how many calls only the ledger knew."""
    rng = random.Random(seed)
    with sealed.scratch("power") as folder, disk(folder) as (image, place):
        rows, home = Growing(folder / "tree" / "projects" / "p"), daemons.prepare(place / "home")
        for path in (home / "config.toml", home, place):  # it was there long before
            sync(path)
        # Calls that are old by then are in the journal as well, and come back from there; those of today are in the ledger only.
        environment = sealed.surrounding(folder / "tree", home, CCO_NOW=rng.choice((sealed.NOW, TODAY)))
        with Daemon(binary, home, environment, folder / "said") as daemon:
            daemon.serves()
            gone = write_until(time.monotonic() + rng.uniform(0.005, 0.8), rows, Listener(daemon), rng)
            cut(place)
            time.sleep(rng.uniform(0, 0.1))
            daemon.kill()
            if "panicked" in (said := daemon.words()):
                return f"panic: {said[-300:]}", gone
        unmount(place)
        # Whoever copied our mounts meanwhile keeps the old one alive, and would give it to us again for the same image.
        mount(shutil.copyfile(image, folder / "image-after"), place)
        aside = [path.name for path in home.glob("*.damaged-*")]
        wrong = wrong_totals(binary, environment, rows) or ledger_damage(home)
        return wrong or (f"the ledger was set aside: {aside}" if aside else None), gone


def tried(binary, _, seed, is_long):
    """What is wrong, and what was measured; None instead of both where it cannot be tried."""
    if os.geteuid() or not shutil.which("mkfs.ext4"):
        return None
    trials, gone = TRIALS if is_long else TRIALS_SHORT, 0
    for n in range(trials):
        try:
            wrong, only_ledger = trial(binary, seed + n)
        except (Silent, Failed, OSError, sqlite3.Error, subprocess.SubprocessError) as e:
            if n == 0 and isinstance(e, subprocess.CalledProcessError) and e.cmd[0] == "mount":
                return None
            wrong, only_ledger = f"{type(e).__name__}: {e}", 0
        gone += only_ledger
        if wrong:
            return f"trial {n} (seed {seed + n}): {wrong}", {"cuts": n + 1}
    return None, {"cuts": trials, "calls whose transcript was gone": gone}
