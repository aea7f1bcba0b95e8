"""The daemon as users have it: how soon it tells of a call, what it costs while nothing happens, how soon it answers. Used by bench."""
import datetime, http.client, itertools, os, random, signal, statistics, time

import daemons, sealed
from asking import asked
from daemons import Daemon, Listener
from line import at

WRITERS, TOLD = 8, 200
TRANSCRIPTS, CALLS_EACH, STARTS = 1_400, 70, 15
CLIENTS, QUESTIONS = 32, 60  # 32 is what the bound is promised for
INDEXED = 300  # seconds; more than the indexes of any ledger here take


def begun(binary, work, name, tree):
    """A daemon over a tree whose ledger is up to date, not yet waited for."""
    home = daemons.prepare(work / f"{name}-home")
    environment = {key: value for key, value in sealed.surrounding(tree, home).items() if key != "CCO_NOW"}
    return Daemon(binary, home, environment, work / f"{name}-said")


def folder(work, name):
    projects = work / name / "projects" / "p"
    projects.mkdir(parents=True)
    return work / name, projects


# -- how soon a call is told of

def busy_writer(path, call_line, seed):
    """Appends calls to one file, some in two pieces, until it is killed."""
    rng, n = random.Random(seed), seed * 1_000_000
    with open(path, "ab", buffering=0) as f:
        while True:
            n += 1
            line = call_line(n, rng.randint(100, 3_000))
            cut = rng.randint(0, len(line)) if rng.random() < 0.5 else len(line)
            f.write(line[:cut])
            if cut < len(line):
                time.sleep(0.002)
                f.write(line[cut:])
            time.sleep(rng.uniform(0.02, 0.2))


def told(binary, work, table, call_line):
    tree, projects = folder(work, "daemon-live")
    (projects / "mine.jsonl").touch()
    rng, children, took = random.Random(7), [], []
    with begun(binary, work, "daemon-live", tree) as daemon:
        daemon.serves()
        listener = Listener(daemon)
        try:
            for w in range(WRITERS):
                if (pid := os.fork()) == 0:
                    busy_writer(projects / f"w{w}.jsonl", call_line, w + 1)
                children.append(pid)
            written = {}
            with open(projects / "mine.jsonl", "ab", buffering=0) as f:
                for n in range(TOLD):
                    time.sleep(rng.uniform(0.02, 0.15))
                    line = call_line(n).replace(b'"input_tokens":3', b'"input_tokens":%d' % (1_000_000 + n))
                    written[1_000_010 + n] = time.monotonic()
                    f.write(line)
            took = [(listener.told(tokens) - when) * 1e3 for tokens, when in written.items()]
        finally:
            for pid in children:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        daemon.signal(signal.SIGTERM)
    print(f"\ndaemon: {TOLD} calls told of while {WRITERS} write: {statistics.median(took):.0f} ms, 99th percentile {at(took, 0.99):.0f} ms, at most {max(took):.0f} ms")
    table.figure("from a written call to its event", statistics.median(took), 150, "ms")
    table.figure("the same, 99th percentile", at(took, 0.99), 500, "ms")


# -- what it costs, and how soon it is there

def answers(daemon, calls):
    """Whether it tells of all calls."""
    try:
        status, answer = daemon.get("/api/stats?period=all")
        return status == 200 and answer["summary"]["total_calls"] == calls
    except (OSError, http.client.HTTPException, ValueError):
        return False


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        user, system = f.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS"))


def idle(binary, work, table, call_line, wrong, seconds):
    tree, projects = folder(work, "daemon-idle")
    for n in range(TRANSCRIPTS):
        (projects / f"{n}.jsonl").write_bytes(b"".join(call_line(n * CALLS_EACH + k) for k in range(CALLS_EACH)))
    with begun(binary, work, "daemon-idle", tree) as daemon:  # fills the ledger
        daemon.serves()
        calls = sealed.ask(binary, sealed.surrounding(tree, daemon.home), "daily")["totals"]["calls"]
        if calls != TRANSCRIPTS * CALLS_EACH:
            wrong.append(f"daemon: {calls} calls of {TRANSCRIPTS * CALLS_EACH}")
        daemon.signal(signal.SIGTERM)
    starts = []
    for _ in range(STARTS):
        with begun(binary, work, "daemon-idle", tree) as daemon:
            daemon.serves()
            daemons.until(lambda: answers(daemon, calls), "an answer of /api/stats")
            starts.append((time.monotonic() - daemon.started) * 1e3)
            daemon.signal(signal.SIGTERM)
    table.figure(f"start to first answer, {calls:,} calls", statistics.median(starts), 100, "ms")
    with begun(binary, work, "daemon-idle", tree) as daemon:
        daemon.serves()
        time.sleep(5)  # what a start costs is measured above
        before, began = processor_seconds(daemon.process.pid), time.monotonic()
        time.sleep(seconds)
        used, passed = processor_seconds(daemon.process.pid) - before, time.monotonic() - began
        mib = resident_mib(daemon.process.pid)
        daemon.signal(signal.SIGTERM)
    table.figure(f"idle for {passed:.0f} s, {TRANSCRIPTS:,} transcripts: resident", mib, 30, "MiB")
    table.figure("the same: of a core", used / passed * 100, 0.2, "%")


# -- how soon statistics are there

def stretches(rng, end, days):
    """Questions that nobody has asked before."""
    while True:
        until = end - datetime.timedelta(seconds=rng.uniform(0, days * 43_200))
        since = until - datetime.timedelta(seconds=rng.uniform(3_600, days * 43_200))
        grain = "day" if (until - since).days > 2 else "hour"
        yield f"/api/stats?from={since:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + f"Z&to={until:%Y-%m-%dT%H:%M:%S}Z&granularity={grain}"


def chosen(rng, end, days):
    """The same, of some of the calls, and by the clocks of other zones."""
    zones = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
    for path in stretches(rng, end, days):
        more = (f"project=project-{rng.randrange(40)}", f"model={rng.choice(('opus', 'sonnet', 'haiku'))}",
                f"branch={rng.choice(('main', 'fix', 'feature'))}", f"timezone={rng.choice(zones)}", "split=project")
        yield "&".join((path, *rng.sample(more, 2)))


def lists(rng, end, days):
    """Pages of sessions, and what each of something cost; of half a month at most, since their length is what they cost."""
    while True:
        since = end - datetime.timedelta(seconds=rng.uniform(0, days * 86_400))
        stretch = f"from={since:%Y-%m-%dT%H:%M:%S}Z&to={since + datetime.timedelta(days=rng.uniform(0.1, 15)):%Y-%m-%dT%H:%M:%S}Z"
        yield rng.choice((f"/api/stats/sessions?{stretch}", f"/api/stats/sessions?{stretch}&branch=main", f"/api/stats/breakdown?by=session&{stretch}",
                          f"/api/stats/breakdown?by=branch&{stretch}", f"/api/stats/projects?{stretch}"))


END = datetime.datetime(2026, 11, 19, 20, tzinfo=datetime.timezone.utc)  # of the calls that are asked for
# Days of ours and of the calls: what is asked for most holds some.
REPEATED = tuple(f"/api/stats?period={period}" for period in ("day", "week", "month", "all")) + tuple(
    f"/api/stats?from={END - datetime.timedelta(days=days):%Y-%m-%dT%H:%M:%S}Z&to={END:%Y-%m-%dT%H:%M:%S}Z" for days in (1, 7, 30))


def loaded(binary, work, million_calls, wrong, millions):
    """A tree of so many million calls and its ledger, loaded before a daemon comes: what is measured are answers. Gives their name."""
    name = f"daemon-{millions}-million"
    tree, projects = folder(work, name)
    calls, _ = million_calls(projects, random.Random(7), millions)
    home = daemons.prepare(work / f"{name}-home")
    found = sealed.ask(binary, sealed.surrounding(tree, home), "daily", timeout=1_200)["totals"]["calls"]
    if found != calls:
        wrong.append(f"daemon: {found} calls of {calls}")
    return name


def scans(daemon):
    """Whether it has taken in what is there; the first daemon of a ledger makes indexes before."""
    connection = daemon.connection(timeout=INDEXED)
    try:
        connection.request("POST", "/api/scan", "{}", {"Authorization": f"Bearer {daemon.token()}", "Content-Type": "application/json", "X-Cco": "1"})
        return connection.getresponse().status == 200
    finally:
        connection.close()


def again(rng):
    while True:
        yield rng.choice(REPEATED)


def statistics_of(binary, work, table, name, wrong, millions):
    """How long answers take over so many million calls; the 99th percentile of each kind."""
    slowest = {}
    with begun(binary, work, name, work / name) as daemon:
        daemon.serves()
        print(f"\ndaemon: {CLIENTS} clients, {millions} million calls")
        for path in REPEATED:
            daemon.get(path)
        began = time.monotonic()
        daemons.until(lambda: scans(daemon), "a scan", INDEXED)
        print(f"  the first daemon of a ledger has followed it after {time.monotonic() - began:.1f} s")

        def ask(paths_of, first=0):
            return asked(daemon, [(paths_of(random.Random(n)), random.Random(n)) for n in range(first, first + CLIENTS)], QUESTIONS)

        # What is read is kept: a daemon's first answers take longer, and are told apart from those of the rest of its life.
        first = sorted(ask(lambda rng: chosen(rng, END, 365), 1_000))
        print(f"  the first {len(first)}: median {statistics.median(first):.2f} ms, 99th percentile {at(first, 0.99):.2f} ms, most {first[-1]:.2f} ms")
        # What no answer can be quicker than here: one that reads nothing.
        least = ask(lambda _: itertools.repeat("/api/health"))
        print(f"  /api/health, which reads nothing: median {statistics.median(least):.2f} ms, 99th percentile {at(least, 0.99):.2f} ms")
        for what, paths_of, limit in (("other stretches", lambda rng: stretches(rng, END, 365), 10),
                                      ("others of some calls and zones", lambda rng: chosen(rng, END, 365), 10),
                                      ("lists of sessions, branches, projects", lambda rng: lists(rng, END, 365), 10),  # no promise: 4.5
                                      ("asked again", again, 1)):
            times = ask(paths_of)
            if len(times) != CLIENTS * QUESTIONS or min(times) < 0:
                wrong.append(f"{what}: {len(times)} answers of {CLIENTS * QUESTIONS}, statuses {sorted({-t for t in times if t < 0})}")
                continue
            slowest[what] = at(times, 0.99)
            if millions == 1:
                table.figure(f"/api/stats, 99th percentile, {what}", slowest[what], limit, "ms")
            print(f"  {what}: median {statistics.median(times):.2f} ms, 99th percentile {slowest[what]:.2f} ms, most {max(times):.2f} ms; {resident_mib(daemon.process.pid):.0f} MiB resident")
        daemon.signal(signal.SIGTERM)
    return slowest


def measure(binary, work, table, call_line, million_calls, wrong, seconds, ten):
    told(binary, work, table, call_line)
    idle(binary, work, table, call_line, wrong, seconds)
    if million_calls:
        one = statistics_of(binary, work, table, loaded(binary, work, million_calls, wrong, 1), wrong, 1)
        if ten:
            for what, slowest in statistics_of(binary, work, table, loaded(binary, work, million_calls, wrong, 10), wrong, 10).items():
                table.figure(f"10 million calls, {what}: times a million", slowest / one[what], 1.5, "x")
