"""What came of trials: counted, told at once, swept on two cores, and of lanes that go on at the same time. Used by torture."""
import concurrent.futures, json, os, random, sqlite3, subprocess, sys, tempfile, threading, time, traceback

from daemons import Silent
from sealed import Failed

WORKERS = 2


class Tally:
    """Counts trials; says at once what failed and how to see it again."""

    def __init__(self, options, binary):
        self.options, self.binary, self.passed, self.failed, self.skipped = options, binary, 0, 0, 0

    def add(self, what, wrong, replay):
        if wrong is None:
            self.passed += 1
            return
        self.failed += 1
        print(f"FAILED {what}: {wrong}\n  again: scripts/torture {replay}", flush=True)

    def skip(self, what, why):
        """What cannot be tried here is no success: the last line counts it."""
        self.skipped += 1
        print(f"SKIPPED {what}: {why}", flush=True)

    def reach(self, what, made, goal, replay):
        """Too few trials prove too little, however well they went."""
        self.add(f"{what}: trials", None if made >= goal else f"only {made} trials were made, {goal} are the goal", replay)

    def sweep(self, scene, seed, points, trial, seconds, goal, workers=WORKERS, waits=lambda *_: False):
        """Runs trial(point) by so many at once; says how many it made. `seconds`: those after which it ends when its goal
        is reached, and those after which it gives up. Points that mostly wait come first: none of them is to begin as all
        others have ended."""
        started, todo, begun, counting, (usual, most) = time.monotonic(), list(points), 0, threading.Lock(), seconds
        random.Random(seed).shuffle(todo)
        todo.sort(key=lambda point: not waits(*point))

        def begins():
            nonlocal begun
            with counting:
                is_time = time.monotonic() - started <= (usual if begun >= goal else most)
                begun += is_time
                return is_time

        def one(point):
            if not begins():
                return "late", None
            try:
                return point, trial(*point)
            except (Failed, Silent, OSError, sqlite3.Error, subprocess.TimeoutExpired) as e:
                return point, f"{type(e).__name__}: {e}"

        made = 0
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for point, wrong in pool.map(one, todo):
                if point != "late":
                    made += 1
                    at = ":".join(map(str, point))
                    self.add(f"{scene} at {at}", wrong, f"--only {scene} --seed {seed} --at {at}")
        print(f"{scene}: seed {seed}, {made} of {len(todo)} points, {time.monotonic() - started:.0f} s", flush=True)
        return made

    def side_by_side(self, *lanes):
        """Runs lanes that mostly wait at the same time, each with a tally of its own in a process of its own; what one
        says comes in one piece, when all before it have ended."""
        if len(lanes) == 1:
            return lanes[0](self)
        begun = [self._begun(lane) for lane in lanes]
        for pid, said in begun:
            _, status = os.waitpid(pid, 0)
            with said:
                said.seek(0)
                *words, last = said.read().splitlines() or [""]
            try:
                passed, failed, skipped = json.loads(last)
            except ValueError:
                words, passed, failed, skipped = [*words, last, f"FAILED a lane ended with status {status}"], 0, 1, 0
            print(*(word for word in words if word), sep="\n", flush=True)
            self.passed, self.failed, self.skipped = self.passed + passed, self.failed + failed, self.skipped + skipped
        return None

    def _begun(self, lane):
        said = tempfile.TemporaryFile("w+")
        sys.stdout.flush()
        if pid := os.fork():
            return pid, said
        try:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            tally = Tally(self.options, self.binary)
            lane(tally)
            print(json.dumps((tally.passed, tally.failed, tally.skipped)), flush=True)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(0)
