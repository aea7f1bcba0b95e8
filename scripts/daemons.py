"""A daemon as a process: started, waited for, asked over loopback, listened to, ended. Used by torture and bench."""
import contextlib, http.client, json, pathlib, subprocess, threading, time

PATIENCE = 20  # longer than anything takes; only what is broken waits so long
CONFIG = '[daemon]\nlisten = "127.0.0.1:0"\nautostart = false\n'


class Silent(Exception):
    """A daemon that ended, or did not come to what was waited for."""


def prepare(home):
    """A home whose daemon takes any free port."""
    home.mkdir(mode=0o700, exist_ok=True)
    home.chmod(0o700)
    (home / "config.toml").write_text(CONFIG)
    return home


def until(is_so, what, patience=PATIENCE, pause=0.001):
    """Waits for a true value and returns it."""
    end = time.monotonic() + patience
    while not (value := is_so()):
        if time.monotonic() > end:
            raise Silent(f"not within {patience} s: {what}")
        time.sleep(pause)
    return value


class Daemon:
    """`cco daemon run` in a home made by `prepare`, perhaps by way of another program that leaves it its process. What it
    says goes to a file outside of the home."""

    def __init__(self, binary, home, environment, said, before=(), **how):
        self.home, self.said, self.address, self.started = home, pathlib.Path(said), None, time.monotonic()
        with open(self.said, "wb") as err:
            self.process = subprocess.Popen([*before, str(binary), "daemon", "run"], env=environment, stdout=subprocess.DEVNULL, stderr=err,
                                            **{"stdin": subprocess.DEVNULL, **how})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def words(self):
        return self.said.read_text(errors="replace")

    def has_ended(self):
        return self.process.poll() is not None

    def about(self):
        """What it says of itself; None: nothing yet, or another one does."""
        try:
            about = json.loads((self.home / "state" / "daemon.json").read_text())
        except (OSError, ValueError):
            return None
        return about if about.get("pid") == self.process.pid and about.get("address") else None

    def serves(self, patience=PATIENCE):
        """Waits until it can be reached; seconds since it was started."""
        def reached():
            if self.has_ended():
                raise Silent(f"the daemon ended with {self.process.returncode}: {self.words().strip()[-300:]}")
            return self.about()
        self.address = until(reached, f"a daemon that serves: {self.words().strip()[-300:]}", patience)["address"]
        return time.monotonic() - self.started

    def signal(self, number, patience=PATIENCE):
        """Sends a signal and waits for the end: seconds that took."""
        sent = time.monotonic()
        self.process.send_signal(number)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Silent(f"it still ran {patience} s after signal {number}") from None
        return time.monotonic() - sent

    def kill(self):
        self.process.kill()
        self.process.wait()

    def token(self):
        return (self.home / "state" / "api-token").read_text().strip()

    def connection(self, timeout=PATIENCE):
        host, port = self.address.removeprefix("http://").rstrip("/").rsplit(":", 1)
        return http.client.HTTPConnection(host, int(port), timeout=timeout)

    def get(self, path, connection=None, **headers):
        """Status and decoded answer."""
        own = connection or self.connection()
        try:
            own.request("GET", path, headers={"Authorization": f"Bearer {self.token()}", **headers})
            answer = own.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            if connection is None:
                own.close()

    def checks(self):
        """Each part of it by name: whether it is well, and what there is to say."""
        return {check["name"]: check for check in self.get("/api/health")[1]["checks"]}


class Listener:
    """Hears the daemon's events in a thread: when each call was told of, by its tokens, and the number of each; and each time it was told
    to ask anew: the highest number that it had heard by then, and the one up to which it is to ask."""

    def __init__(self, daemon):
        self.heard, self.calls, self.resets, self.news = {}, set(), [], threading.Condition()
        self.connection = daemon.connection(timeout=None)
        self.connection.request("GET", "/api/stats/live", headers={"Authorization": f"Bearer {daemon.token()}"})
        self.answer = self.connection.getresponse()
        if self.answer.status != 200:
            raise Silent(f"/api/stats/live answers {self.answer.status}")
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        # A daemon that ends takes the connection with it.
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException, AttributeError):
            number = name = b""
            while line := self.answer.readline():
                at = time.monotonic()
                kind, _, value = line.rstrip(b"\n").partition(b": ")
                if kind == b"id":
                    number = value
                elif kind == b"event":
                    name = value
                elif kind == b"data":
                    self._on(name, number, json.loads(value), at)

    def _on(self, name, number, data, at):
        with self.news:
            if name == b"reset":
                self.resets.append((max(self.calls, default=0), int(number.rsplit(b".", 1)[1])))
            elif data.get("type") == "call":
                self.heard.setdefault(data["tokens"], at)
                self.calls.add(data["id"])
            self.news.notify_all()

    def missed(self, most):
        """The numbers of calls, up to this one, that it neither heard of nor was told to ask for."""
        asked = [range(heard + 1, upto + 1) for heard, upto in self.resets]
        return [call for call in range(1, most + 1) if call not in self.calls and not any(call in numbers for numbers in asked)]

    def told(self, tokens, patience=PATIENCE):
        """When a call of so many tokens was told of."""
        with self.news:
            if not self.news.wait_for(lambda: tokens in self.heard, patience):
                raise Silent(f"no event of a call of {tokens} tokens within {patience} s")
            return self.heard[tokens]
