"""Many clients of one daemon at once, as one event loop: so many processes would measure how they wait for each other. Used by bench."""
import selectors, socket, time

from daemons import PATIENCE, Silent


class Client:
    """One connection that asks in turn, with the pauses that people and pages make."""

    def __init__(self, daemon, paths, rng, token):
        host, port = daemon.address.removeprefix("http://").rstrip("/").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.paths, self.rng, self.received, self.asked_at = paths, rng, b"", None
        self.rest = f" HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        self.pause()

    def pause(self):
        self.due = time.perf_counter() + self.rng.uniform(0.02, 0.2)

    def ask(self):
        question = b"GET " + next(self.paths).encode() + self.rest
        self.received, self.due, self.asked_at = b"", None, time.perf_counter()
        if self.socket.send(question) != len(question):
            raise Silent("a question did not fit into the buffer of its connection")

    def answer(self):
        """Reads what has come: None until it is whole, then the milliseconds it took, or minus its status where that is not 200."""
        piece = self.socket.recv(1 << 16)
        if not piece:
            raise Silent(f"the daemon ended a connection: {self.received[-200:]!r}")
        self.received += piece
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end or len(body) < length(head):
            return None
        took = (time.perf_counter() - self.asked_at) * 1e3
        self.asked_at = None
        self.pause()
        status = int(head.split(b" ", 2)[1])
        return took if status == 200 else -status


def length(head):
    """How many bytes of body a head promises."""
    for line in head.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    raise Silent(f"an answer without a length: {head[:200]!r}")


def asked(daemon, of_each, questions):
    """The milliseconds of all answers of clients that each ask so many times; `of_each`: paths without end, and a source of chance, per client."""
    token, times = daemon.token(), []
    clients = [Client(daemon, paths, rng, token) for paths, rng in of_each]
    left = {client: questions for client in clients}
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        while left:
            now = time.perf_counter()
            for client in left:
                if client.due is not None and client.due <= now:
                    client.ask()
            due = [client.due for client in left if client.due is not None]
            # An answer is seen when it comes; a question may be a little late.
            ready = selector.select(max(0, min(due) - time.perf_counter()) if due else PATIENCE)
            if not ready and not due:
                raise Silent(f"no answer to {len(left)} clients within {PATIENCE} s")
            for key, _ in ready:
                took = key.data.answer()
                if took is None:
                    continue
                times.append(took)
                left[key.data] -= 1
                if not left[key.data]:
                    del left[key.data]
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
    return times
