// Installs what is missing and runs the tests, stage by stage; a failed stage does not stop the later ones.
//   node scripts/test.mjs [--ci] [STAGE [arguments of its runner …]]
// With --ci, or CI in the environment, a skipped test is a failure.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { installBench, unsupported } from "../test/vscode/bench/install.mjs";
import { build } from "./build.mjs";
import { dl4jEnvironment } from "./dl4j-env.mjs";
import { ensure } from "./ensure.mjs";
import { npm, root, run, runBin } from "./process.mjs";
import { pythonEnvironment } from "./python-env.mjs";

const RESULTS = join(root, "test-artifacts/results");

/** One line per stage, in order. `run` resolves with its tests, or nothing where it has none. */
const STAGES = {
  install: { after: [], run: ensure },
  build: { after: ["install"], run: () => build() },
  unit: {
    after: ["build"],
    run: (args) => vitest("unit", ["unit", "engine", "architecture"], args),
  },
  vscode: { after: ["build"], run: suite },
  package: { after: ["build"], run: packageExtension },
  ui: { after: ["package"], run: ui },
  interop: { after: ["build"], run: interop },
};

/** What a stage's runner wrote, as { title, state, reason? } with state passed, failed or skipped. */
function readResults(stage, parse) {
  try {
    return parse(JSON.parse(readFileSync(resultFile(stage), "utf8")));
  } catch {
    return []; // It did not get as far as its first test; its exit code tells.
  }
}

function resultFile(stage) {
  mkdirSync(RESULTS, { recursive: true });
  return join(RESULTS, `${stage}.json`);
}

/** Runs a stage's test runner and collects its results. */
async function collect(stage, start, parse) {
  rmSync(resultFile(stage), { force: true });
  const { code } = await start(resultFile(stage));
  return { failed: code !== 0, tests: readResults(stage, parse) };
}

const vitest = (stage, projects, args, env = {}) =>
  collect(
    stage,
    (file) =>
      runBin(
        "vitest",
        [
          ...["run", "--passWithNoTests", "--reporter=default", "--reporter=json"],
          `--outputFile.json=${file}`,
          ...projects.flatMap((project) => ["--project", project]),
          ...args,
        ],
        { env },
      ),
    ({ testResults }) =>
      testResults.flatMap(({ assertionResults }) =>
        assertionResults.map(({ fullName, status }) => ({
          title: fullName,
          state: status === "passed" || status === "failed" ? status : "skipped",
        })),
      ),
  );

async function interop(args) {
  const { python, reason: noPython } = await pythonEnvironment();
  const { command, reason: noDl4j } = await dl4jEnvironment();
  const reasons = [noPython, noDl4j].filter((reason) => reason !== undefined);
  for (const reason of reasons)
    console.log(`Tests against a real framework are skipped: ${reason}`);
  const env = {
    ...(python ? { GRAFT_PYTHON: python } : { GRAFT_PYTHON_SKIP_REASON: noPython }),
    ...(command
      ? { GRAFT_DL4J: JSON.stringify(command("Dl4j")) }
      : { GRAFT_DL4J_SKIP_REASON: noDl4j }),
  };
  const reason = reasons.length > 0 ? reasons.join("; ") : undefined;
  return { ...(await vitest("interop", ["interop"], args, env)), reason };
}

/** Where the tests inside VS Code run: the bench on Linux, desktop VS Code elsewhere. */
async function prepareVSCode() {
  if (process.env.VSCODE_EXECUTABLE || process.platform !== "linux") return undefined;
  const reason = unsupported();
  if (reason) {
    return `no headless VS Code: ${reason}. VSCODE_EXECUTABLE=/path/to/code uses an installed one.`;
  }
  process.env.GRAFT_BENCH ??= JSON.stringify(await installBench());
  return undefined;
}

async function suite(args) {
  const reason = await prepareVSCode();
  if (reason) return { tests: [], reason };
  const { buildTests } = await import("./build-tests.mjs");
  await buildTests();
  const grep = args[args.findIndex((arg) => /^(-g|--grep)$/.test(arg)) + 1];
  return collect(
    "vscode",
    (file) =>
      run(process.execPath, [join(root, "out-test/suite.js")], {
        env: { GRAFT_TEST_RESULTS: file, ...(args.length > 1 ? { GRAFT_TEST_GREP: grep } : {}) },
      }),
    (tests) => tests,
  );
}

async function ui(args) {
  const reason = await prepareVSCode();
  if (reason) return { tests: [], reason };
  const config = join(root, "test/vscode/ui/playwright.config.ts");
  const STATES = { expected: "passed", skipped: "skipped" };
  const flatten = (suites = []) =>
    suites.flatMap(({ specs, suites: inner }) => [...specs, ...flatten(inner)]);
  return collect(
    "ui",
    (file) =>
      runBin(
        "@playwright/test",
        ["test", "-c", config, ...args],
        {
          env: { GRAFT_TEST_RESULTS: file },
        },
        "playwright",
      ),
    ({ suites }) =>
      flatten(suites).map(({ title, tests }) => ({
        title,
        state: STATES[tests[0].status] ?? "failed",
      })),
  );
}

async function packageExtension() {
  const { code } = await npm(["run", "--silent", "package"]);
  return { failed: code !== 0, tests: [] };
}

const count = (tests, state) => tests.filter((test) => test.state === state).length;

/** Runs one stage and resolves with its line of the summary. */
async function runStage(name, args, done, strict) {
  const missing = STAGES[name].after.find((earlier) => done.get(earlier)?.verdict !== "ok");
  if (missing) return { verdict: "FAILED", seconds: 0, tests: [], reason: `${missing} failed` };
  console.log(`\n── ${name} ${"─".repeat(60 - name.length)}`);
  const start = performance.now();
  let outcome;
  try {
    outcome = (await STAGES[name].run(args)) ?? {};
  } catch (error) {
    if (!error.errors) console.error(error); // esbuild has printed its own
    outcome = { failed: true };
  }
  const { failed = false, tests = [], reason } = outcome;
  const skips = reason !== undefined || count(tests, "skipped") > 0;
  const wentWrong = failed || count(tests, "failed") > 0 || (strict && skips);
  const whole = skips && count(tests, "passed") === 0;
  const verdict = wentWrong ? "FAILED" : whole ? "skipped" : "ok";
  return { verdict, seconds: (performance.now() - start) / 1000, tests, reason };
}

function summarize(done) {
  console.log(`\n── summary ${"─".repeat(53)}`);
  for (const [name, { tests }] of done) {
    for (const { title, state } of tests) {
      if (state !== "passed") console.log(`${name} ${state}: ${title}`);
    }
  }
  for (const [name, { verdict, seconds, tests, reason }] of done) {
    const counts = ["passed", "failed", "skipped"]
      .map((state) => [count(tests, state), state])
      .filter(([number]) => number > 0)
      .map(([number, state]) => `${number} ${state}`);
    const time = `${seconds.toFixed(1)} s`.padStart(9);
    const remarks = [counts.join(", "), reason].filter(Boolean).join(": ");
    console.log(`${name.padEnd(9)}${verdict.padEnd(9)}${time}   ${remarks}`.trimEnd());
  }
}

/** The stages before a stage that it needs, and itself. */
const needed = (name) => [...new Set([...STAGES[name].after.flatMap(needed), name])];

async function main([...args]) {
  const ci = args[0] === "--ci";
  if (ci) args.shift();
  const strict = ci || !["", "0", "false", undefined].includes(process.env.CI);
  const wanted = args.shift();
  if (wanted !== undefined && !(wanted in STAGES)) {
    throw new Error(`${wanted} is not a stage; there are ${Object.keys(STAGES).join(", ")}.`);
  }
  const done = new Map();
  for (const name of wanted ? needed(wanted) : Object.keys(STAGES)) {
    done.set(name, await runStage(name, name === wanted ? args : [], done, strict));
  }
  summarize(done);
  const verdicts = [...done.values()].map(({ verdict }) => verdict);
  const ok = !verdicts.includes("FAILED");
  const skips = verdicts.includes("skipped") ? " Some were skipped." : "";
  console.log(ok ? `\nNo test failed.${skips}` : "\nThere are failures.");
  process.exitCode = ok ? 0 : 1;
}

await main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 2;
});
