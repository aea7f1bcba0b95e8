"""A home whose login has expired and was handed over, and a service that renews logins as the real one does: a refresh
token works once, and one that comes back ends the login. Used by torture."""
import collections, contextlib, http.server, json, pathlib, re, shutil, socket, subprocess, threading

import sealed

KILL_CALLS = ("connect", "sendto", "recvfrom", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "openat", "unlink",
              "mkdir", "rmdir", "utimensat")
ACCOUNT, ORGANIZATION = "11111111-aaaa-4aaa-8aaa-000000000001", "99999999-bbbb-4bbb-8bbb-000000000001"
EXPIRED_MS = 1843430400000 - 60_000  # a minute before the sealed clock
AROUND = {"mcpOAuth": {"n": "kept"}, "claudeAiOauth": {"scopes": ["user:x"], "new": None}}
# No six characters of a token may stand anywhere but where it belongs.
ACCESS, REFRESH = "sk-ant-oat01-Zq7Xk{}WvN4mLr8TtB6yHs3D", "sk-ant-ort01-Jf5Vd{}GgX2nPw7RkE4uAo1M"
SECRETS = tuple(secret[i:i + 6].encode() for secret in ("WvN4mLr8TtB6yHs3D", "GgX2nPw7RkE4uAo1M") for i in range(len(secret) - 5))


class Service:
    """One login's chain of refresh tokens, and the limits of whoever shows its newest access token."""

    def __init__(self):
        self.number, self.revoked, self.posts, self.refused, self.busy, self.idle = 0, False, 0, 0, 0, threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def finish(self):
                # Whoever asked may be dead.
                with contextlib.suppress(OSError):
                    super().finish()

            def handle(self):
                with contextlib.suppress(OSError):
                    super().handle()

            def log_message(self, *_):
                pass

            def answer(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self):
                good = self.headers.get("authorization") == f"Bearer {ACCESS.format(outer.number)}" and not outer.revoked
                window = {"utilization": 42, "resets_at": "2028-06-01T02:00:00Z"}
                self.answer(*((200, {"five_hour": window}) if good else (401, {})))

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                # Of a question that was cut off by a kill nothing is spent.
                with contextlib.suppress(ValueError):
                    self.answer(*outer.renew(json.loads(body)))

        class Server(http.server.ThreadingHTTPServer):
            def process_request(self, request, address):
                with outer.idle:
                    outer.busy += 1
                super().process_request(request, address)

            def process_request_thread(self, request, address):
                super().process_request_thread(request, address)
                with outer.idle:
                    outer.busy -= 1
                    outer.idle.notify_all()

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def renew(self, request):
        with self.idle:
            self.posts += 1
            if self.revoked or request["refresh_token"] != REFRESH.format(self.number):
                self.revoked, self.refused = True, self.refused + 1
                return 400, {"error": "invalid_grant"}
            self.number += 1
            return 200, {"access_token": ACCESS.format(self.number), "refresh_token": REFRESH.format(self.number), "expires_in": 28800,
                         "account": {"uuid": ACCOUNT}}

    def settle(self):
        """Waits until every question that was sent is answered: connections are taken in turn, so a later one comes last."""
        with socket.create_connection(self.server.server_address, timeout=10) as last:
            last.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while last.recv(4096):
                pass
        with self.idle:
            if not self.idle.wait_for(lambda: self.busy == 0, timeout=10):
                raise sealed.Failed("the service has open questions")

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Home:
    """A home as it is before the run that renews; every trial has a copy of it and a service of its own."""

    def __init__(self, binary, template, bug):
        self.binary, self.template, self.bug, self.lost, self.lost_after = binary, template, bug, 0, 0

    def run(self, home, *arguments, minutes=0, before=()):
        more = {"CCO_THREADS": "1", "CCO_NOW": f"2028-06-01T00:{minutes:02}:00Z"} | ({"CCO_PLANTED_BUG": self.bug} if self.bug else {})
        environment = sealed.surrounding(home / "config", home, **more)
        return subprocess.run([*before, str(self.binary), *arguments], env=environment, capture_output=True, timeout=60)

    @contextlib.contextmanager
    def trial(self):
        with sealed.scratch("renewal") as folder, Service() as service:
            home = pathlib.Path(shutil.copytree(self.template, folder / "home"))
            lines = ("[limits]", "endpoint = true", f'base_url = "{service.url}"', f'token_url = "{service.url}/v1/oauth/token"', 'client_id = "client-7"',
                     "[accounts]", f'managed = ["{ORGANIZATION}/{ACCOUNT}"]')
            (home / "config.toml").write_text("\n".join(lines) + "\n")
            yield home, service

    def points(self, calls=KILL_CALLS):
        """Every call of the thread that makes most of its kind, by name and number."""
        with self.trial() as (home, service):
            trace = home.parent / "trace"
            strace = ("strace", "-f", "-qq", "-o", str(trace), "-e", "trace=" + ",".join(f"?{call}" for call in calls))
            done = self.run(home, "limits", "--refresh", before=strace)
            if done.returncode or b"42%" not in done.stdout:
                raise sealed.Failed(f"without a kill: {done.returncode} {done.stdout[-200:]} {done.stderr[-300:]}")
            counts = collections.Counter(re.findall(r"^(\d+) +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))
        most = collections.Counter()
        for (_, call), n in counts.items():
            most[call] = max(most[call], n)
        return [(call, str(n)) for call in calls for n in range(1, most[call] + 1)]

    def killed_at(self, call, n):
        """Kills the run at its nth such call; then come three others, later and later. None when nothing is lost that need not be."""
        with self.trial() as (home, service):
            trace = home.parent / "trace"
            strace = ("strace", "-f", "-qq", "-s", "4096", "-o", str(trace), "-e", f"trace=recvfrom,write,execve,{call}", "-e", f"inject={call}:signal=SIGKILL:when={n}")
            self.run(home, "limits", "--refresh", before=strace)
            service.settle()
            traced = trace.read_text(errors="replace").splitlines()
            later = [self.run(home, "limits", "--refresh", minutes=minutes) for minutes in (2, 8, 20)]
            return told_badly(later) or self.judge(home, service, traced, later) or leaked(home, traced, later)

    def judge(self, home, service, traced, later):
        path = home / "config" / ".credentials.json"
        left = json.loads(path.read_text())
        oauth = left["claudeAiOauth"]
        if left["mcpOAuth"] != AROUND["mcpOAuth"] or oauth["scopes"] != AROUND["claudeAiOauth"]["scopes"] or "new" not in oauth:
            return f"the file lost more than a login: {sorted(oauth)}"
        if path.stat().st_mode & 0o777 != 0o600:
            return f"the file has mode {path.stat().st_mode & 0o777:o}"
        newest = (ACCESS.format(service.number), REFRESH.format(service.number))
        if (oauth["accessToken"], oauth["refreshToken"]) == newest and not service.revoked:
            if service.posts != 1:
                return f"{service.posts} questions for one expiry"
            return None if b"42%" in later[-1].stdout else f"the login is there and nobody asks with it: {later[-1].stdout[-200:]}"
        self.lost += 1
        came = any("access_token" in line for line in traced if " recvfrom(" in line or "recvfrom resumed" in line)
        if came:
            self.lost_after += 1
            # The one call that is between an answer and the disk. The last that was begun is the one that was killed.
            last = [line for line in traced if re.match(r"\d+ +\w+\(", line)][-1]
            if not re.match(r'\d+ +write\(\d+, "[^ ]*\\"entry\\":\{\\"access\\"', last):
                return f"the answer had come, and the new login is lost; {service.posts} questions, the end: {last}"
        if service.posts > 2 or service.refused > 1:
            return f"a storm: {service.posts} questions for a login that is lost"
        if not all(b"claude /login" in run.stdout for run in later[1:]):
            return f"nobody says to log in: {later[-1].stdout[-300:]}"
        return None


def told_badly(runs):
    for run in runs:
        said = run.stderr.decode(errors="replace")
        if run.returncode or "panicked" in said:
            return f"ended with {run.returncode}: {said.strip()[-300:]}"
    return None


def leaked(home, traced, later):
    """A token where none belongs, or something left behind."""
    said = b"".join(run.stdout + run.stderr for run in later)
    if any(secret in said for secret in SECRETS):
        return "a token was printed"
    if any(secret.decode() in line for line in traced if "execve(" in line for secret in SECRETS):
        return "a token was an argument"
    for path in home.rglob("*"):
        if path.is_file() and path.name != ".credentials.json" and any(secret in path.read_bytes() for secret in SECRETS):
            return f"a token stands in {path.relative_to(home)}"
        # Claude Code's locks may be: they are a dead process's, which whoever comes next takes over.
        if path.name.endswith((".intent", ".previous", ".cco-new")):
            return f"{path.relative_to(home)} is left"
    return None


@contextlib.contextmanager
def prepared(binary, bug=None):
    with sealed.scratch("renewals") as folder:
        template = folder / "template"
        config = template / "config"
        config.mkdir(parents=True)
        account = {"accountUuid": ACCOUNT, "organizationUuid": ORGANIZATION, "emailAddress": "dev@example.com"}
        (config / ".claude.json").write_text(json.dumps({"oauthAccount": account}))
        oauth = {"accessToken": ACCESS.format(0), "refreshToken": REFRESH.format(0), "expiresAt": EXPIRED_MS, **AROUND["claudeAiOauth"]}
        credentials = config / ".credentials.json"
        credentials.write_text(json.dumps({**AROUND, "claudeAiOauth": oauth}))
        credentials.chmod(0o600)
        home = Home(binary, template, bug)
        # The ledger is there already: how one is made is swept by others.
        done = home.run(template, "accounts")
        if done.returncode:
            raise sealed.Failed(f"accounts ended with {done.returncode}: {done.stderr.decode(errors='replace')[-300:]}")
        yield home
