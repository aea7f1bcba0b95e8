#!/usr/bin/env python3
"""Clients that press a daemon over loopback, in a process of their own: they ask, idle, drip, and listen without reading. Used by torture.

Reads one line of JSON from stdin (where to, the token, which clients), works until stdin ends, and prints what came of it as JSON.
"""
import asyncio, collections, json, os, random, socket, subprocess, sys

TICK = 0.01  # seconds between two looks at what is due
LAST = 20  # seconds in which whoever comes a last time hears what he missed


class Crowd:
    """The clients of one process, as its parent sees them: begun at once, ended with the block, `told` then."""

    def __init__(self, daemon, **kinds):
        host, port = daemon.address.removeprefix("http://").rstrip("/").rsplit(":", 1)
        self.task = {"address": [host, int(port)], "token": daemon.token(), "kinds": kinds}
        self.told = {}

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write(json.dumps(self.task).encode() + b"\n")
        self.process.stdin.flush()
        return self

    def __exit__(self, kind, *_):
        out, _ = self.process.communicate(timeout=3 * LAST)
        if kind is None:
            self.told = json.loads(out)


# -- in the process of its own

class Task:
    """Where to, with what, and counts of what happened."""

    def __init__(self, address, token, kinds):
        self.address, self.kinds, self.happened = tuple(address), kinds, collections.Counter()
        self.host, self.token, self.rng = f"{address[0]}:{address[1]}", token, random.Random(7)
        self.ended, self.listened = asyncio.Event(), Listened(address[1])

    def request(self, path, method="GET", more=""):
        return f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Bearer {self.token}\r\n{more}\r\n".encode()

    async def connected(self, protocol):
        """A connection; none: there is no room for it."""
        try:
            return (await asyncio.get_running_loop().create_connection(protocol, *self.address))[1]
        except OSError:
            return None

    async def pause(self, seconds):
        """False when all ends meanwhile."""
        try:
            await asyncio.wait_for(self.ended.wait(), seconds)
            return False
        except asyncio.TimeoutError:
            return True


class Conversation(asyncio.Protocol):
    """One connection: whole answers are counted by status; `is_idle` between them, `is_open` until it ends."""

    def __init__(self, task, name):
        self.task, self.name, self.got = task, name, b""
        self.is_idle, self.is_open, self.transport = True, True, None

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, _):
        self.is_open = False
        self.task.happened[f"{self.name} closed" if self.is_idle else f"{self.name} cut off"] += 1

    def send(self, request):
        self.is_idle = False
        self.transport.write(request)

    def data_received(self, data):
        self.got += data
        head, blank, body = self.got.partition(b"\r\n\r\n")
        if not blank:
            return
        fields = dict(line.split(": ", 1) for line in head.decode("latin-1").lower().split("\r\n")[1:])
        if len(body) >= int(fields.get("content-length", 0)):
            self.got, self.is_idle = b"", True
            self.task.happened[f"{self.name} {head[9:12].decode()}"] += 1
            if fields.get("connection") == "close":
                self.transport.close()


async def ask(task, rate, connections, paths):
    """So many requests a second, in turn over connections that are kept; what finds none free is late, and asked when one is."""
    talks, loop, sent = [], asyncio.get_running_loop(), 0
    begun = loop.time()
    while await task.pause(TICK):
        talks = [talk for talk in talks if talk.is_open]
        free = [talk for talk in talks if talk.is_idle]
        due = min(int((loop.time() - begun) * rate) - sent, rate)
        while due > 0 and (free or len(talks) < connections):
            if not free:
                talk = Conversation(task, "asked")
                if await task.connected(lambda: talk) is None:
                    break
                talks.append(talk)
                free.append(talk)
            free.pop().send(task.request(task.rng.choice(paths).replace("{n}", f"{task.rng.randrange(10**6):06}")))
            sent, due = sent + 1, due - 1
        task.happened["most late"] = max(task.happened["most late"], due)
    task.happened["sent"], task.happened["seconds"] = sent, round(loop.time() - begun, 1)


async def keep(task, count, again, begin):
    """Keeps so many connections open, each begun by `begin`; those that end are made anew, at most so many a second."""
    talks, due = [], float(count)
    while True:
        talks = [talk for talk in talks if talk.is_open]
        due = min(due + again * TICK, count)
        while len(talks) < count and due >= 1:
            due -= 1
            if (talk := await begin()) is not None:
                talks.append(talk)
        if not await task.pause(TICK):
            return talks


async def idle(task, count, again):
    """Open, and not a byte."""
    async def begin():
        talk = Conversation(task, "idle")
        return talk if await task.connected(lambda: talk) else None
    talks = await keep(task, count, again, begin)
    task.happened["idle at the end"] = len(talks)


async def drip(task, count, again, body, head=""):
    """A byte a second: of the head of a request, or of its body."""
    whole = task.request("/api/stats" if not body else body, "POST" if body else "GET", head + "X-Filler: " + "x" * 600 + "\r\n")
    begun = whole if body else b""
    rest = b"x" * 600 if body else whole

    async def begin():
        talk = Conversation(task, "body" if body else "head")
        if await task.connected(lambda: talk) is None:
            return None
        talk.send(begun)
        asyncio.ensure_future(dripped(talk))
        return talk

    async def dripped(talk):
        for n in range(len(rest)):
            if not talk.is_open or not await task.pause(1):
                return
            talk.transport.write(rest[n:n + 1])
    await keep(task, count, again, begin)


async def oversized(task, size):
    """A body of so many bytes, and a query of 10,000 parameters, again and again."""
    query = "/api/stats?" + "&".join(f"p{n}=1" for n in range(10_000))
    while True:
        for name, request, more in (("large body", task.request("/api/scan", "POST", f"Content-Type: application/json\r\nX-Cco: 1\r\nContent-Length: {size}\r\n"), size),
                                    ("long query", task.request(query), 0)):
            talk = Conversation(task, name)
            if await task.connected(lambda: talk) is None:
                continue
            talk.send(request)
            while more > 0 and talk.is_open:
                # What nobody takes does not pile up here.
                while talk.is_open and talk.transport.get_write_buffer_size() > 1 << 20:
                    await asyncio.sleep(TICK)
                talk.transport.write(b"x" * (1 << 16))
                more -= 1 << 16
                await asyncio.sleep(0)
            for _ in range(500):
                if talk.is_idle or not talk.is_open:
                    break
                await asyncio.sleep(TICK)
            talk.transport.close()
        if not await task.pause(1):
            return


# -- listeners

class Listened:
    """Which of the daemon's connections are still its own, by the port at the other end: it may have let go of one
    long before whoever does not read can know."""

    def __init__(self, port):
        self.port, self.seen, self.ports = f":{port:04X}", 0.0, set()

    def still(self, port):
        now = asyncio.get_running_loop().time()
        if now - self.seen > 0.25:
            self.seen = now
            with open("/proc/net/tcp") as f:
                rows = [line.split() for line in f]
            self.ports = {int(row[2][-4:], 16) for row in rows[1:] if row[1].endswith(self.port) and row[9] != "0"}
        return port in self.ports


async def deaf(task, count, reads, buffer=None):
    """Each listens, and then reads so many bytes a second; whoever is refused or cut off comes again after a while."""
    name, listened = "slow" if reads else "silent", task.listened
    request, loop = task.request("/api/stats/live", more="Connection: close\r\n"), asyncio.get_running_loop()

    async def listen():
        while await task.pause(task.rng.uniform(0, 5)):
            sock = socket.socket()
            sock.setblocking(False)
            if buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            try:
                await loop.sock_connect(sock, task.address)
                await loop.sock_sendall(sock, request)
                status = (await asyncio.wait_for(loop.sock_recv(sock, 12), 5))[9:].decode()
                task.happened[f"{name} {status or 'closed'}"] += 1
                if status == "200":
                    await heard(sock)
            except (OSError, asyncio.TimeoutError):
                task.happened[f"{name} closed"] += 1
            finally:
                sock.close()

    async def heard(sock):
        port, begun, read = sock.getsockname()[1], loop.time(), 0
        while await task.pause(0.3):
            if not listened.still(port):
                task.happened[f"{name} cut off"] += 1
                break
            if read < (loop.time() - begun) * reads:
                read += len(await asyncio.wait_for(loop.sock_recv(sock, 1), 5))
        task.happened["longest deaf s"] = max(task.happened["longest deaf s"], round(loop.time() - begun, 1))
    await asyncio.gather(*(listen() for _ in range(count)))


class Resumed:
    """What one hears who comes and goes, and what he missed although nothing told him to ask anew."""

    def __init__(self):
        self.last, self.floor, self.heard, self.gaps, self.resets = None, None, set(), 0, 0

    def on(self, event, number, data):
        if number:
            self.last = number
        if event == "reset":
            self.close(int(number.rsplit(".", 1)[1]))
            self.resets += 1
        elif data.get("type") == "call":
            if self.floor is None:
                self.floor = data["id"] - 1
            self.heard.add(data["id"])

    def close(self, floor):
        """Counts what is missing up to here; from the floor on all is to be told again."""
        highest = self.highest()
        if self.floor is not None:
            self.gaps += highest - self.floor - sum(self.floor < call <= highest for call in self.heard)
        self.floor, self.heard = floor, set()

    def highest(self):
        return max(self.heard, default=self.floor or 0)

    async def visit(self, task, seconds, upto=None):
        """Listens for so long, or until he has heard of this call; false: was not let in."""
        reading, writing = await asyncio.open_connection(*task.address)
        try:
            writing.write(task.request("/api/stats/live", more=f"Last-Event-ID: {self.last}\r\n" if self.last else ""))
            status = (await reading.readline())[9:12].decode()
            task.happened[f"resumed {status or 'closed'}"] += 1
            if status != "200":
                return False
            async with asyncio.timeout(seconds):
                event = number = ""
                while line := await reading.readline():
                    kind, _, value = line.decode().rstrip("\n").partition(": ")
                    if kind == "event":
                        event = value
                    elif kind == "id":
                        number = value
                    elif kind == "data":
                        self.on(event, number, json.loads(value))
                        event = number = ""
                        if upto and self.highest() >= upto:
                            return True
            return True
        except TimeoutError:
            return True
        except OSError:
            return False
        finally:
            writing.close()


async def resume(task, count, stays=3.0, away=3.0, upto=None):
    """Each listens for a while, goes, and comes back with the number of the last event that it heard; a last time at the end,
    when it hears all up to this call, where it is known which that is."""
    async def one():
        resumed = Resumed()
        while True:
            came = False
            try:
                came = await resumed.visit(task, task.rng.uniform(0.1, stays))
            except OSError:
                pass
            if not await task.pause(task.rng.uniform(0, away) if came else 0.2):
                break
        if upto and not resumed.last:
            # Who never heard of a call missed none; that this happens to few is for whoever began the crowd to judge.
            task.happened["heard nothing"] += 1
            return
        await come_a_last_time(task, resumed, upto)
        resumed.close(highest := resumed.highest())
        task.happened["gaps"] += resumed.gaps
        task.happened["resets"] += resumed.resets
        task.happened["heard least"] = min(task.happened["heard least"] or highest, highest)
    await asyncio.gather(*(one() for _ in range(count)))


async def come_a_last_time(task, resumed, upto):
    """Who does not read leaves at the same time: there may be no room yet, and a busy machine needs a while for what was missed."""
    loop = asyncio.get_running_loop()
    end = loop.time() + LAST
    while (left := end - loop.time()) > 0:
        try:
            came = await resumed.visit(task, left if upto else 1, upto)
        except OSError:
            return  # nobody serves any more
        if came and (not upto or resumed.highest() >= upto):
            return
        await asyncio.sleep(0.1)


KINDS = {"ask": ask, "idle": idle, "drip": drip, "oversized": oversized, "deaf": deaf, "resume": resume}


async def main():
    # It shares cores with what it presses: the daemon is to be measured, and not who of both gets his turn.
    os.nice(5)
    loop, task = asyncio.get_running_loop(), Task(**json.loads(sys.stdin.readline()))

    def has_ended():
        if not os.read(0, 1):
            loop.remove_reader(0)
            task.ended.set()
    loop.add_reader(0, has_ended)
    work = [KINDS[name](task, **one) for name, many in task.kinds.items() for one in (many if isinstance(many, list) else [many])]
    await asyncio.gather(*work)
    print(json.dumps(task.happened))


if __name__ == "__main__":
    asyncio.run(main())
