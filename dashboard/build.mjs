// Builds the page into the daemon's assets, or (--out FOLDER) elsewhere; --tests builds the tests into build/test.
// The same sources and lock file give the same bytes: no time, no path and no name of this machine goes in.
import * as esbuild from "esbuild";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const argument = (name) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};

/** Fails where the script's beginning needs such a module: then nothing is painted before it has begun too. */
function refuseAtOnce({ inputs }, what) {
  const reached = new Set(["src/main.ts"]);
  for (const path of reached) {
    for (const { path: next, kind } of inputs[path].imports) if (kind !== "dynamic-import") reached.add(next);
    if (what.test(path)) throw new Error(`${path} is needed before the first paint; views/all.ts is where it may be`);
  }
}

if (process.argv.includes("--tests")) {
  rmSync(join(here, "build/test"), { recursive: true, force: true });
  const tests = readdirSync(join(here, "test")).filter((name) => name.endsWith(".test.ts"));
  await esbuild.build({
    absWorkingDir: here,
    entryPoints: tests.map((name) => join("test", name)),
    outdir: "build/test",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    sourcemap: "inline",
    logLevel: "warning",
  });
} else {
  const out = resolve(argument("--out") ?? join(here, "../crates/daemon/assets"));
  mkdirSync(out, { recursive: true });
  // uPlot's licence wants its text beside every copy.
  const licence = readFileSync(join(here, "node_modules/uplot/LICENSE"), "utf8").trim();
  const { metafile } = await esbuild.build({
    absWorkingDir: here,
    metafile: true,
    entryPoints: { app: "src/main.ts" },
    outfile: join(out, "app.js"),
    bundle: true,
    minify: true,
    format: "iife",
    target: ["es2022", "firefox128", "safari17.4", "chrome120"],
    charset: "utf8",
    banner: { js: `/*! With uPlot:\n${licence}\n*/` },
    logLevel: "warning",
  });
  refuseAtOnce(metafile, /uplot/);
  await esbuild.build({
    absWorkingDir: here,
    entryPoints: ["src/styles/app.css"],
    outfile: join(out, "app.css"),
    bundle: true,
    minify: true,
    charset: "utf8",
    target: ["firefox128", "safari17.4", "chrome120"],
    logLevel: "warning",
  });
  for (const name of ["index.html", "favicon.svg"]) {
    copyFileSync(join(here, "src", name), join(out, name));
  }
}
