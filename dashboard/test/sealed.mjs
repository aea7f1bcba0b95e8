// A home of its own for the program: transcripts that are made up, and the daemon over them.
// Must not: touch anything of the user's, or the page.
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const CORPUS = join(ROOT, "../shared/corpus");
const PROGRAM = process.env.CCO ?? join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug/cco");
/** Nano-dollars a token of claude-sonnet-4-5: 3 and 15 USD a million. */
const SONNET = { name: "claude-sonnet-4-5-20250929", input: 3_000, output: 15_000 };
const HOUR = 3_600_000;
/** The account of the home's only login, which is not on this machine: nobody is asked for its limits. */
export const ACCOUNT = "<img src=x onerror=window.__ran=1>@example.com";

/** A small generator of numbers that are the same each time (mulberry32). */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What a command prints; what it says when it fails is the error. */
function printed(program, words, options = {}) {
  const done = spawnSync(program, words, { encoding: "utf8", maxBuffer: 1 << 28, ...options });
  if (done.status !== 0) throw new Error(`${program} ${words[0]}: ${done.error?.message ?? done.stderr}`);
  return done.stdout;
}

export class Home {
  folder = mkdtempSync(join(tmpdir(), "real-"));
  /** A root whose own name would run something, were it taken for markup. */
  root = join(this.folder, "<img src=x onerror=window.__ran=1>");
  /** What the calls that were written here cost, and how many there are. */
  wrote = { calls: 0, nano: 0n };
  daemon = null;
  base = "";
  #chance = dice(6);
  #ids = 0;
  #program;
  #zone;

  constructor({ program = PROGRAM, zone = "UTC" } = {}) {
    [this.#program, this.#zone] = [program, zone];
    mkdirSync(join(this.root, "projects"), { recursive: true });
    mkdirSync(this.#state());
    mkdirSync(join(this.folder, "no-programs"));
    this.listen("127.0.0.1:0");
  }

  #state() {
    return join(this.folder, "cco");
  }

  #environment() {
    return { HOME: this.folder, CCO_HOME: this.#state(), CLAUDE_CONFIG_DIR: this.root, PATH: join(this.folder, "no-programs"), TZ: this.#zone, LC_ALL: "C.UTF-8" };
  }

  /** Where the next daemon listens, and what else its settings say. */
  listen(address, more = "") {
    writeFileSync(join(this.#state(), "config.toml"), `[daemon]\nlisten = "${address}"\n${more}`);
  }

  /** What the program prints. */
  cco(...words) {
    return printed(this.#program, words, { env: this.#environment() }).trim();
  }

  /** Runs a daemon until `end`; gives its address once it serves. */
  async serve() {
    const daemon = spawn(this.#program, ["daemon", "run"], { env: this.#environment(), stdio: ["ignore", "ignore", "pipe"] });
    this.daemon = daemon;
    const said = [];
    for await (const line of createInterface({ input: daemon.stderr })) {
      const address = /serves (http:\/\/[\d.:]+)/.exec(line)?.[1];
      said.push(line);
      if (!address) continue;
      daemon.stderr.resume();
      this.base = `${address}/`;
      return this.base;
    }
    throw new Error(`the daemon ended, and said:\n${said.join("\n")}`);
  }

  /** Ends the daemon, and waits until it is gone. */
  async end(signal = "SIGKILL") {
    const daemon = this.daemon;
    this.daemon = null;
    if (!daemon || daemon.exitCode !== null) return;
    const gone = new Promise((done) => daemon.once("exit", done));
    daemon.kill(signal);
    await gone;
  }

  async remove() {
    await this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Appends a call to the transcript of a session; `of` overrides what its row says. */
  call(file, of = {}) {
    const id = String(++this.#ids).padStart(20, "0");
    const [input, output] = [1 + Math.floor(this.#chance() * 5_000), 1 + Math.floor(this.#chance() * 900)];
    const { model = SONNET.name, tool = "Read", at = Date.now(), ...row } = of;
    const told = {
      type: "assistant", sessionId: file, cwd: "/home/ann/shop", gitBranch: "main", version: "2.1.0", isSidechain: false, parentUuid: null, userType: "external",
      uuid: `uuid-${id}`, requestId: `req_${id}`, timestamp: new Date(at).toISOString(), ...row,
      message: {
        id: `msg_${id}`, type: "message", role: "assistant", model, stop_reason: "tool_use", usage: { input_tokens: input, output_tokens: output },
        content: [{ type: "tool_use", id: `toolu_${id}`, name: tool, input: {} }],
      },
    };
    const folder = join(this.root, "projects/-home-ann-shop");
    mkdirSync(folder, { recursive: true });
    appendFileSync(join(folder, `${file}.jsonl`), `${JSON.stringify(told)}\n`);
    this.wrote.calls += 1;
    if (model === SONNET.name) this.wrote.nano += BigInt(input * SONNET.input + output * SONNET.output);
  }

  /** Some weeks of ordinary work, an account, and a session for each hostile name, which is in every field that has a name. */
  work(hostile) {
    for (let at = 0; at < 300; at++) {
      this.call(`plain-${at % 12}`, { at: Date.now() - 60_000 - at * 5 * HOUR, cwd: `/home/ann/${["shop", "till", "stock"][at % 3]}`, gitBranch: at % 2 ? "main" : "fix/rounding" });
    }
    const account = { accountUuid: "11111111-2222-4333-8444-555555555555", organizationUuid: "99999999-2222-4333-8444-555555555555", emailAddress: ACCOUNT, organizationName: ACCOUNT };
    writeFileSync(join(this.root, ".claude.json"), JSON.stringify({ oauthAccount: account }));
    hostile.forEach((name, at) => {
      this.call(`hostile-${at}`, { at: Date.now() - 60_000 - at * 60_000, sessionId: name, cwd: `/home/ann/${name}`, gitBranch: name, model: name, tool: name, attributionAgent: name, attributionSkill: name, attributionMcpServer: name });
    });
  }

  /** A tree of another hand, with every nasty it knows and calls up to yesterday, where its maker lies beside the project. */
  corpus(megabytes) {
    if (!existsSync(join(CORPUS, "gen_corpus.py")) || !existsSync(join(CORPUS, "oracle.py"))) return false;
    const made = join(this.folder, "made");
    const yesterday = new Date(Date.now() - 24 * HOUR).toISOString().slice(0, 10);
    printed("python3", [join(CORPUS, "gen_corpus.py"), "--out", made, "--seed", "6", "--size-mb", String(megabytes), "--end-date", yesterday]);
    rmSync(this.root, { recursive: true, force: true });
    renameSync(join(made, ".claude"), this.root);
    return true;
  }

  /** Sums of a slow, independent reader by UTC day: `{"2026-11-26": {calls, nano_usd, …}}`. */
  oracle() {
    return JSON.parse(printed("python3", [join(CORPUS, "oracle.py"), this.root, "--by", "day"]));
  }
}
