"""A daemon begins on what another one, or another program, left behind (promise R16). Used by torture.

Who runs is the kernel's lock and nothing that stands in a file: neither the number of a process that is another program's
by now, nor an address where somebody else listens, nor a socket without anybody, nor files that are no files. Nobody is
ended, told a token or waited for because of them.
"""
import contextlib, json, os, signal, socket, sqlite3, subprocess, time

import sealed
from daemons import Silent
from following import TAKEOVER, TERM, Round
from judging import Late
from sealed import Failed

NEEDS = "nothing"
ROUNDS = 10  # of all of them, in the long form
SOON = 3  # seconds: a command asks whoever listens at the socket, and gives up after two
NO_DAEMON = 3  # the exit code of `cco daemon status`


class Stranger:
    """A program with a process, and a port and a socket that it listens on without a word, that is no daemon of ours."""

    def __init__(self, folder):
        self.process = subprocess.Popen(["sleep", "600"])
        self.port, self.socket = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
        # A socket's path may have no more than 107 bytes.
        here = os.open(folder, os.O_RDONLY)
        self.socket.bind(f"/proc/self/fd/{here}/stranger.sock")
        os.close(here)
        self.socket.listen()
        self.address = f"http://127.0.0.1:{self.port.getsockname()[1]}"
        for one in (self.port, self.socket):
            one.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.port.close()
        self.socket.close()

    def troubled(self, token):
        """What somebody did to it that must not be, or None. At the socket our commands may ask, and give up."""
        if self.process.poll() is not None:
            return f"another program was ended with {self.process.returncode}"
        if asked := received(self.port):
            return f"another program's port was asked {asked}"
        if any(token in words for words in received(self.socket)):
            return "another program was told the token"
        return None


def received(listening):
    """What each who connected has said."""
    said = []
    with contextlib.suppress(BlockingIOError):
        while True:
            asking, _ = listening.accept()
            with asking, contextlib.suppress(OSError):
                asking.settimeout(1)
                said.append(b"")
                said[-1] = asking.recv(4096)
    return said


def as_left(state, _):
    """As the one that was killed left it."""


def another_programs_number(state, stranger):
    """The number of its process is another program's by now."""
    about = json.loads((state / "daemon.json").read_text())
    for name in ("daemon.json", "daemon.lock"):
        (state / name).write_text(json.dumps({**about, "pid": stranger.process.pid}))


def another_programs_port(state, stranger):
    """Where it listened, another program does."""
    another_programs_number(state, stranger)
    about = json.loads((state / "daemon.json").read_text())
    (state / "daemon.json").write_text(json.dumps({**about, "address": stranger.address}))


def another_programs_socket(state, _):
    """Where its commands reached it, somebody listens who never answers."""
    (state / "daemon.sock").unlink(missing_ok=True)
    os.rename(state.parent.parent / "stranger.sock", state / "daemon.sock")


def nonsense(state, _):
    """What stands in its files is none of ours."""
    for name, text in (("daemon.json", '{"pid": '), ("daemon.lock", "\0" * 9000), ("daemon.sock", "a file")):
        (state / name).unlink(missing_ok=True)
        (state / name).write_text(text)


def no_files(state, _):
    """Where its files were are a pipe and a link to nowhere."""
    for name in ("daemon.json", "daemon.sock"):
        (state / name).unlink(missing_ok=True)
    os.mkfifo(state / "daemon.sock")
    (state / "daemon.json").symlink_to("nowhere")


LEFT = (as_left, another_programs_number, another_programs_port, another_programs_socket, nonsense, no_files)


def trial(binary, seed, left):
    """What is wrong after one was killed and this was left, and how long the next one took to serve."""
    with sealed.scratch("stale") as folder, Stranger(folder) as stranger:
        lane = Round(binary, folder, seed)
        state = lane.home / "state"
        lane.tree.write(lane.cco.root, stage=1)
        with lane.daemon() as killed:
            killed.serves()
            time.sleep(lane.rng.uniform(0, 0.1))
            token = killed.token().encode()
            killed.signal(signal.SIGKILL)
        left(state, stranger)
        lane.tree.write(lane.cco.root)
        is_named = left is another_programs_socket
        wrong = lane.reports("after a kill", b"another program has " if is_named else None) or commands(lane)
        late, wrong = (wrong, None) if isinstance(wrong, Late) else (None, wrong)
        if wrong or (wrong := stranger.troubled(token)):
            return wrong, 0.0
        with lane.daemon(said="next") as following:
            took = following.serves()
            status = lane.cco.run(lane.home, "daemon", "status", "--json")
            if status.returncode or json.loads(status.stdout)["pid"] != following.process.pid:
                return f"of the next one it is said: {status.returncode}, {status.stdout[-200:]} {status.stderr[-200:]}", took
            ended = following.signal(signal.SIGTERM)
        if took > TAKEOVER or ended > TERM:
            late = Late(f"the next one served after {took:.2f} s and ended after {ended:.1f} s")
        return stranger.troubled(token) or lane.truth() or late, took


def commands(lane):
    """What commands say of a daemon that is no more: that there is none, and soon."""
    late = None
    for words, code in ((("status",), NO_DAEMON), (("stop",), 0)):
        began, done = time.monotonic(), lane.cco.run(lane.home, "daemon", *words)
        took = time.monotonic() - began
        so = f"`daemon {words[0]}` ended with {done.returncode} after {took:.1f} s: {done.stderr[-300:]}"
        if done.returncode != code or b"no daemon runs" not in done.stderr:
            return so
        if took > SOON:
            late = Late(so)
    return late


def tried(binary, _, seed, is_long):
    """What is wrong, and what was measured."""
    slowest, trials = 0.0, LEFT * (ROUNDS if is_long else 1)
    for n, left in enumerate(trials):
        try:
            wrong, took = trial(binary, seed + n, left)
        except (Silent, Failed, OSError, KeyError, ValueError, sqlite3.Error, subprocess.SubprocessError) as e:
            wrong, took = f"{type(e).__name__}: {e}", 0.0
        slowest = max(slowest, took)
        if wrong:
            return type(wrong)(f"{left.__doc__} {wrong} (trial {n}, seed {seed + n})"), {"trials": n + 1}
    return None, {"trials": len(trials), "served within s": round(slowest, 2)}
