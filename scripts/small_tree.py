"""A small tree of transcripts whose totals are known as it is made, laid at once, in stages or slowly. Used by torture."""
import collections, json, random, time

# Nano-dollars per token of input, output, 5m write, 1h write, cache read; prices of these models did not move.
RATES = {"claude-opus-4-8": (5000, 25000, 6250, 10000, 500), "claude-sonnet-4-20250514": (3000, 15000, 3750, 6000, 300)}


class Tree:
    """Transcripts in memory: path → bytes, the truth by day and by session, and where each file is cut for a first stage."""

    def __init__(self, seed, files=8, calls=18):
        self.rng = random.Random(seed)
        self.bodies, self.cuts, self.serial = {}, {}, 0
        self.days, self.sessions = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
        for n in range(files - 2):
            self._file(f"p{n % 3}/s{n}.jsonl", f"s{n}", calls)
        self._file("p0/s0/subagents/agent-a1.jsonl", "s0", calls, sidechain=True)
        self._fork("p1/s1-fork.jsonl", "p1/s1.jsonl")

    def _file(self, path, session, calls, sidechain=False):
        lines, kept = [self._filler(session)], None
        for n in range(calls):
            rows = self._call(session, sidechain, n == calls // 2)
            if n == calls // 2:  # stop before the last row of a call, or inside its line
                before = sum(map(len, lines)) + sum(map(len, rows[:-1]))
                kept = before + (0 if path.startswith("p0") else len(rows[-1]) - 40)
            lines += rows + [self._filler(session)]
        self.bodies[path] = b"".join(lines)
        self.cuts[path] = kept

    def _fork(self, path, parent):
        """A resumed session: a copy of its parent's later rows under another session's name; no new call."""
        lines = self.bodies[parent].splitlines(keepends=True)
        self.bodies[path] = b"".join(lines[len(lines) // 2:]).replace(b'"sessionId":"s1"', b'"sessionId":"s1-fork"')
        self.cuts[path] = 0

    def _line(self, row):
        return json.dumps(row, separators=(",", ":")).encode() + b"\n"

    def _filler(self, session):
        text = "\\n".join(self.rng.choices(("let x = usage;", "the \"usage\" of it", "ok ✓", "{\"usage\":{\"output_tokens\":9}}"), k=self.rng.randint(5, 120)))
        return self._line({"type": "user", "sessionId": session, "timestamp": "2026-10-22T12:00:00Z", "message": {"role": "user", "content": text}})

    def _call(self, session, sidechain, placeholders=False):
        """One call: in most, placeholder rows come before the final one; some begin with a zero row of the day before."""
        rng, self.serial = self.rng, self.serial + 1
        day, model = rng.randint(10, 16), rng.choice(list(RATES))
        final = dict(zip(("input", "output", "cache_write_5m", "cache_write_1h", "cache_read"),
                         (rng.randint(1, 900), rng.randint(60, 9000), rng.randint(0, 5000), rng.randint(0, 5000), rng.randint(0, 90000))))
        outputs = [1, 30, final["output"]] if placeholders or rng.random() < 0.8 else [final["output"]]
        rows = [self._row(session, sidechain, day, model, {**final, "output": out}, i) for i, out in enumerate(outputs)]
        if rng.random() < 0.2:
            rows.insert(0, self._row(session, sidechain, day - 1, model, dict.fromkeys(final, 0), 0))
        cost = sum(rate * final[kind] for rate, kind in zip(RATES[model], final))
        sums = {"calls": 1, **final, "cache_write": final["cache_write_5m"] + final["cache_write_1h"], "nano_usd": cost}
        self.days[f"2026-10-{day}"].update(sums)
        self.sessions[session].update(sums)
        return rows

    def _row(self, session, sidechain, day, model, tokens, second):
        usage = {"input_tokens": tokens["input"], "output_tokens": tokens["output"], "cache_read_input_tokens": tokens["cache_read"],
                 "cache_creation_input_tokens": tokens["cache_write_5m"] + tokens["cache_write_1h"],
                 "cache_creation": {"ephemeral_5m_input_tokens": tokens["cache_write_5m"], "ephemeral_1h_input_tokens": tokens["cache_write_1h"]}}
        message = {"role": "assistant", "id": f"msg_01{self.serial:020}", "model": model,
                   "content": [{"type": "text", "text": "x" * self.rng.randint(10, 400)}], "usage": usage}
        return self._line({"type": "assistant", "uuid": f"u-{self.serial}-{day}-{second}", "sessionId": session, "isSidechain": sidechain,
                           "timestamp": f"2026-10-{day}T{self.serial % 24:02}:{self.serial % 60:02}:{second:02}.000Z",
                           "cwd": f"/home/dev/{session}", "requestId": f"req_{self.serial}", "message": message})

    def write(self, root, stage=2):
        """Lays the tree under root; stage 1 stops each file at its cut, stage 2 appends the rest in place."""
        for path, body in self.bodies.items():
            target = root / "projects" / path
            have = target.stat().st_size if target.exists() else 0
            until = self.cuts[path] if stage == 1 else len(body)
            if until > have:
                target.parent.mkdir(parents=True, exist_ok=True)
                with open(target, "ab") as f:
                    f.write(body[have:until])
        return root

    def truth(self):
        return {day: {**row, "unpriced": 0} for day, row in self.days.items()}


class Growing:
    """A folder of transcripts that grows by one call at a time. No two calls have as many tokens, which is how an event of one is known."""

    def __init__(self, folder):
        self.folder, self.calls, self.tokens = folder, 0, 0
        folder.mkdir(parents=True)

    def append(self, name="s.jsonl"):
        """One more call; the number of its tokens."""
        self.calls += 1
        output = 1_000 + self.calls
        self.tokens += output
        message = {"id": f"msg_01G{self.calls:019}", "model": "claude-opus-4-8", "usage": {"input_tokens": 0, "output_tokens": output}}
        row = {"type": "assistant", "uuid": f"u{self.calls}", "sessionId": "s", "timestamp": "2026-10-12T12:00:00Z", "cwd": "/home/dev/p",
               "requestId": f"req_g{self.calls}", "message": message}
        (self.folder / name).parent.mkdir(exist_ok=True)
        with open(self.folder / name, "ab") as f:
            f.write(json.dumps(row).encode() + b"\n")
        return output


def write_slowly(root, tree, paths, seed, seconds):
    """Appends its files in small pieces, in random turns; lines are torn nearly always."""
    rng, rest = random.Random(seed), {p: tree.bodies[p] for p in paths}
    pause = seconds / max(1, sum(map(len, rest.values())) / 1200)
    while rest:
        path = rng.choice(list(rest))
        n = rng.randint(1, 2400)
        with open(root / "projects" / path, "ab") as f:
            f.write(rest[path][:n])
        rest[path] = rest[path][n:]
        if not rest[path]:
            del rest[path]
        time.sleep(rng.uniform(0, 2 * pause))
