"""Runs `cco` in a sealed surrounding: its own home, transcripts, zone and clock. Used by oracle, bench and torture."""
import contextlib, decimal, json, os, pathlib, shutil, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "target"
CORPUS = ROOT.parent / "shared" / "corpus"
RELEASE = TARGET / "release" / "cco"
# Behind every row of the made trees, those with a clock that ran ahead included.
NOW = "2028-06-01T00:00:00Z"


def build(*features, profile="release"):
    """Builds the binary and returns its path; the compiler's words go to stderr."""
    chosen = ["--features", ",".join(features)] if features else []
    command = ["cargo", "build", "--profile", profile, "--locked", "-p", "cco", "--target-dir", str(TARGET), *chosen]
    if subprocess.run(command, cwd=ROOT, stdout=sys.stderr).returncode:
        sys.exit("error: cco does not build")
    return TARGET / ("debug" if profile == "dev" else profile) / "cco"


def surrounding(tree, home, **more):
    """The whole environment of a cco that reads the config root `tree` and keeps its ledger in `home`."""
    base = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1"}
    return {**base, "CLAUDE_CONFIG_DIR": str(tree), "CCO_HOME": str(home), "CCO_NOW": NOW, **more}


@contextlib.contextmanager
def scratch(prefix):
    """A folder under target/ (a real disk, unlike many /tmp) that goes when the block ends."""
    TARGET.mkdir(exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f"{prefix}-", dir=TARGET)
    try:
        yield pathlib.Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Failed(Exception):
    """cco ended badly or printed what cannot be right."""


def ask(binary, environment, *arguments, timeout=120):
    """The JSON that cco prints, with money as exact decimals."""
    done = subprocess.run([binary, *arguments, "--json"], env=environment, capture_output=True, timeout=timeout)
    if done.returncode:
        raise Failed(f"cco {' '.join(arguments)} ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()[-400:]}")
    return decoded(done.stdout)


def decoded(text):
    try:
        return json.loads(text, parse_float=decimal.Decimal)
    except ValueError as e:
        raise Failed(f"no JSON: {e}: {text[:200]!r}") from e


def nanos(usd):
    """Whole nano-dollars of a decimal amount; an amount that is not whole is wrong."""
    amount = decimal.Decimal(usd) * 10**9
    if amount != amount.to_integral_value():
        raise Failed(f"{usd} is no whole number of nano-dollars")
    return int(amount)


def tokens(row):
    """Token counts of a report's row; model breakdowns do not split the cache writes."""
    counts = {"input": row["inputTokens"], "output": row["outputTokens"],
              "cache_write": row["cacheCreationTokens"], "cache_read": row["cacheReadTokens"]}
    if "cacheCreation5mTokens" in row:
        counts |= {"cache_write_5m": row["cacheCreation5mTokens"], "cache_write_1h": row["cacheCreation1hTokens"]}
    return counts


def counted(row):
    """What must be equal of a report's row, in integers."""
    return {"calls": row["calls"], **tokens(row), "nano_usd": nanos(row["totalCost"]), "unpriced": row["unpricedCalls"]}


def first_difference(want, got):
    """The first key whose values differ, in words; None when all are equal."""
    for key in sorted({*want, *got}, key=str):
        if want.get(key) != got.get(key):
            return f"{key}: expected {want.get(key)}, cco says {got.get(key)}"
    return None
