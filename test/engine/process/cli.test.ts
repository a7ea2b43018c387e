// The graft command as a person runs it. Needs `npm run build`, which `npm test` does first.
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunEvent } from "../../../src/protocol/run";
import { FIXTURES } from "../fixture";
import { digits, recipe, type Workplace } from "../train/world";
import { graft, spawnGraft, trainProcess } from "./processes";

let place: Workplace;
let cache: string;
beforeAll(() => {
  place = digits();
  cache = path.join(place.folder, "cache");
});
afterAll(() => place.dispose());

const file = (name: string) => path.join(place.folder, name);
function written(name: string, what: object | string): string {
  fs.writeFileSync(file(name), typeof what === "string" ? what : JSON.stringify(what));
  return file(name);
}
const events = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as RunEvent);

test("the sample trains, saves, and says so in a few lines", async () => {
  const { code, stdout, stderr } = await graft(cache, "train", file("digits.graft.json"));
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(stdout).toMatch(/bottlenecks +696 × 100 values, .* computed/);
  expect(stdout).toMatch(/frozen +4 of 4 variables unchanged, bit for bit/);
  expect(stdout).toContain("Training finished.");
  expect(stdout.split("\n").length).toBeLessThan(40);
  for (const end of [".index", ".meta", ".data-00000-of-00001"])
    expect(fs.existsSync(file(`result/digits_5_to_9.ckpt${end}`))).toBe(true);
});

test("inspect prints layers and variables, and hashes them when asked", async () => {
  const plain = await graft(cache, "inspect", file("digits_0_to_4.ckpt.meta"));
  expect(plain.stdout).toMatch(/hidden3 +dense +5,050/);
  const { stdout } = await graft(cache, "inspect", file("digits_0_to_4.ckpt"), "--json", "--hash");
  const summary = JSON.parse(stdout);
  expect(summary.format).toBe("tf1");
  expect(summary.layers.map((layer: { name: string }) => layer.name)).toEqual([
    "hidden1",
    "hidden2",
    "hidden3",
    "outputs",
  ]);
  for (const variable of summary.variables) expect(variable.sha256).toMatch(/^[0-9a-f]{64}$/);
});

test("inspect tells what of a zip is frozen, what moves the rest, and its normalizer", async () => {
  const zip = (name: string) => path.join(FIXTURES, name);
  const frozen = await graft(cache, "inspect", zip("b5_dl4j_transfer_mini/transfer_after_fit.zip"));
  expect(frozen.stdout).toMatch(/hidden2 +dense +310 +frozen\n/);
  expect(frozen.stdout).toMatch(/hidden3 +dense +55 +Sgd, learning rate 0.01\n/);
  const iris = await graft(cache, "inspect", zip("b5_dl4j_mlp_iris/model_with_normalizer.zip"));
  expect(iris.stdout).toContain("\nnormalizer: standardizes 4 features\n");
});

test("plan prints states, sizes and the cut", async () => {
  const { code, stdout } = await graft(cache, "plan", file("digits.graft.json"));
  expect(code).toBe(0);
  expect(stdout).toMatch(/hidden2 +frozen +dense relu +300 → 100/);
  expect(stdout).toMatch(/┄ bottleneck +100 values/);
  expect(stdout).toMatch(/outputs +new +dense +50 → 5/);
});

test("plan prints what each of several phases trains", async () => {
  const phase = { epochs: 3, batch: 50, optimizer: { sgd: { learningRate: 0.1 } } };
  const what = recipe({ train: [phase, { ...phase, unfreeze: "hidden2", epochs: 1 }] });
  const { stdout } = await graft(cache, "plan", written("two.graft.json", what), "--no-measure");
  expect(stdout).toContain(
    [
      "phase 1: 3 epochs, sgd 0.1; hidden3 and outputs train, 5,305 of 54,905 parameters; bottlenecks of 100 values",
      "phase 2: 1 epoch, sgd 0.1; hidden2, hidden3 and outputs train, 35,405 of 54,905 parameters; bottlenecks of 300 values",
    ].join("\n  "),
  );
});

test("plan says what of the data does not fit, once, and before it is read", async () => {
  const data = { inputs: "digits_5_to_9_X.npy", labels: "digits_5_to_9_X.npy" };
  const { code, stdout, stderr } = await graft(
    cache,
    ...["plan", written("wide.graft.json", recipe({ data })), "--no-measure"],
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(/^graft: \/data\/labels: .* one-hot rows of 64; the output has 5 units/);
  expect(stdout).not.toContain("one-hot");
});

test("plan prints changed variables and what running costs, measured where that is wanted", async () => {
  const { stdout } = await graft(cache, "plan", file("digits.graft.json"), "--backend", "compiled");
  expect(stdout).toContain("outputs/weights 50 × 5, all new");
  expect(stdout).toContain("49,200 multiply-adds a sample below the cut, 5,250 above it, 10,750");
  expect(stdout).toMatch(
    /with bottlenecks training is (no faster|[\d.]+ times as fast), as measured: .* \(compiled\); 5\.3 times as fast, going by multiply-adds/,
  );
  const plain = ["plan", file("digits.graft.json"), "--backend", "compiled", "--no-measure"];
  const quick = await graft(cache, ...plain);
  expect(quick.stdout).toContain(
    "with bottlenecks training is 5.3 times as fast, going by multiply-adds",
  );
  const json = JSON.parse((await graft(cache, ...plain, "--json")).stdout);
  expect(json.cost).toEqual({ prefix: 49_200, tail: 5250, training: 10_750 });
  expect(json.measured).toBeUndefined();
});

test("apply saves the edits, and evaluate scores them as it scores the recipe", async () => {
  const saved = await graft(cache, "apply", file("digits.graft.json"), "--as", file("edited.ckpt"));
  expect([saved.code, saved.stderr]).toEqual([0, ""]);
  expect(saved.stdout).toContain(`saved ${file("edited.ckpt")}`);
  const scored = await graft(
    cache,
    "evaluate",
    file("edited.ckpt"),
    "--data",
    file("digits.graft.json"),
    "--json",
  );
  const own = await graft(cache, "evaluate", file("digits.graft.json"), "--json");
  const { loss, samples, on } = JSON.parse(scored.stdout);
  expect(JSON.parse(own.stdout)).toMatchObject({ loss, samples, on });
  expect([samples, on]).toEqual([139, "validation"]);
  const text = await graft(
    cache,
    "evaluate",
    file("digits.graft.json"),
    "--data",
    file("digits_5_to_9_test_X.npy"),
    "--labels",
    file("digits_5_to_9_test_y.npy"),
  );
  expect(text.stdout).toMatch(/^digits\.graft\.json on 200 samples$/m);
  expect(text.stdout).toMatch(/^ {2}accuracy +[\d.]+ %$/m);
  expect(text.stdout).toMatch(/^ {2}9 +\d+ +of 40$/m);
});

test("verify exits with 1 where a check fails, and writes nothing either way", async () => {
  const what = recipe({ edits: [{ replaceOutput: { classes: 5 } }], save: { as: "other.ckpt" } });
  await graft(cache, "train", written("other.graft.json", what));
  const before = fs.readdirSync(place.folder);
  const verify = ["verify", file("digits.graft.json"), "--steps", "3"];
  const passed = await graft(cache, ...verify);
  expect([passed.code, passed.stderr]).toEqual([0, ""]);
  expect(passed.stdout).toMatch(/^✓ frozen +4 frozen tensors unchanged, bit for bit, after 3/m);
  expect(passed.stdout).toMatch(/^✓ cached /m);
  const failed = await graft(cache, ...verify, "--result", file("other.ckpt"), "--json");
  expect(failed.code).toBe(1);
  const { passed: all, checks } = JSON.parse(failed.stdout);
  expect(all).toBe(false);
  expect(checks[0]).toMatchObject({ check: "frozen", state: "failed" });
  expect(fs.readdirSync(place.folder)).toEqual(before);
});

test("what a run notes is printed", async () => {
  const what = recipe({ edits: [{ replaceOutput: { classes: 5 } }], train: [{ epochs: 1 }] });
  const { stdout } = await graft(cache, "train", written("unfrozen.graft.json", what));
  expect(stdout).toMatch(/^ {2}note +Nothing lies below the cut/m);
});

test("predict writes what a layer computes", async () => {
  const out = file("hidden2.npy");
  const input = file("digits_5_to_9_test_X.npy");
  const { code, stdout } = await graft(
    cache,
    "predict",
    file("digits_0_to_4.ckpt"),
    "--input",
    input,
    "--output",
    out,
    "--layer",
    "hidden2",
  );
  expect(code).toBe(0);
  expect(stdout).toContain("hidden2/Relu");
  expect(fs.statSync(out).size).toBeGreaterThan(100 * 4);
});

test("a run that is killed leaves nothing half-written, and the next one works", async () => {
  const long = written(
    "long.graft.json",
    recipe({ train: [{ epochs: 100000, batch: 10 }], save: { as: "long.ckpt" } }),
  );
  const run = trainProcess(cache, long);
  await run.until((event) => event.event === "epoch" && event.epoch === 3);
  run.child.kill("SIGKILL");
  await run.exit;
  expect(fs.readdirSync(place.folder).filter((name) => name.startsWith("long.ckpt"))).toEqual([]);
  const next = await graft(cache, "train", file("digits.graft.json"), "--json");
  const ended = events(next.stdout).at(-1)!;
  expect(ended).toMatchObject({ event: "ended", state: "finished", prefixSamples: 0 });
});

test("Ctrl+C stops at the next step, keeps the state, and --resume goes on", async () => {
  const what = recipe({ train: [{ epochs: 60, batch: 50 }], save: { as: "resumed.ckpt" } });
  const stopped = trainProcess(cache, written("stop.graft.json", what));
  const started = await stopped.until((event) => event.event === "started");
  await stopped.until((event) => event.event === "epoch" && event.epoch === 2);
  stopped.child.kill("SIGINT");
  expect(await stopped.exit).toBe(130);
  expect(stopped.events.at(-1)).toMatchObject({ event: "ended", state: "stopped" });
  const reached = stopped.events.filter((event) => event.event === "epoch").length;
  expect(reached).toBeLessThan(60);
  const run = started.event === "started" ? started.run : "";
  const early = await graft(cache, "save", run, "--as", file("early.ckpt"));
  expect(early.stdout).toContain(file("early.ckpt"));
  expect(fs.existsSync(file("early.ckpt.index"))).toBe(true);
  const other = await graft(cache, "train", file("digits.graft.json"), "--resume", run);
  expect(other.code).toBe(1);
  expect(other.stderr).toMatch(/is a run of .*stop\.graft\.json/);
  const resumed = await graft(cache, "train", file("stop.graft.json"), "--json", "--resume", run);
  const all = events(resumed.stdout);
  expect(all.find((event) => event.event === "epoch")).toMatchObject({ epoch: reached + 1 });
  expect(all.at(-1)).toMatchObject({ state: "finished" });
  expect(fs.existsSync(file("resumed.ckpt.index"))).toBe(true);
  const again = await graft(cache, "train", file("stop.graft.json"), "--resume", run);
  expect(again.stderr).toMatch(/has finished/);
});

test("a reader that has enough ends the command, without a stack trace", async () => {
  const child = spawnGraft(cache, "train", file("digits.graft.json"), "--json");
  child.stdout.once("data", () => child.stdout.destroy());
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect([code, stderr]).toEqual([141, ""]);
});

describe("a damaged checkpoint is told by variable and file, and nothing is written", () => {
  const DATA = "digits_0_to_4.ckpt.data-00000-of-00001";
  const damages: [string, () => void, string, RegExp][] = [
    [
      "a flipped bit",
      () => {
        const bytes = fs.readFileSync(file(DATA));
        bytes[1000] ^= 1;
        fs.writeFileSync(file(DATA), bytes);
      },
      "checksum-mismatch",
      /checksum of tensor "hidden1\/biases"|checksum of tensor "hidden1\/weights"/,
    ],
    [
      "a truncated .data",
      () => fs.truncateSync(file(DATA), 5000),
      "corrupt-file",
      /which has 5000/,
    ],
    ["a missing shard", () => fs.rmSync(file(DATA)), "missing-shard", /is missing.*Copy it/],
    [
      "an .index that is none",
      () => fs.writeFileSync(file("digits_0_to_4.ckpt.index"), "not a table"),
      "corrupt-file",
      /digits_0_to_4\.ckpt\.index/,
    ],
  ];
  test.each(damages)("%s", async (_, damage, code, message) => {
    const whole = fs.readFileSync(file(DATA));
    const index = fs.readFileSync(file("digits_0_to_4.ckpt.index"));
    damage();
    const what = written("damaged.graft.json", recipe({ save: { as: "damaged.ckpt" } }));
    const { code: exit, stdout, stderr } = await graft(cache, "train", what, "--json");
    fs.writeFileSync(file(DATA), whole);
    fs.writeFileSync(file("digits_0_to_4.ckpt.index"), index);
    expect(exit).toBe(1);
    expect(stderr).toMatch(message);
    expect(JSON.parse(stdout.trim().split("\n").at(-1)!).error).toMatchObject({ code });
    expect(fs.readdirSync(place.folder).filter((name) => name.startsWith("damaged.ckpt"))).toEqual(
      [],
    );
  });
});

describe("a mistake exits with 1, a message and no stack trace", () => {
  const cases: [string, () => string[], string, RegExp][] = [
    [
      "a file that is not there",
      () => ["inspect", file("nothing.ckpt")],
      "file-not-found",
      /nothing\.ckpt/,
    ],
    [
      "a file that is no checkpoint",
      () => ["inspect", file("digits_5_to_9_X.npy")],
      "not-a-checkpoint",
      /NumPy/i,
    ],
    [
      "a recipe that is not there",
      () => ["train", file("no.graft.json")],
      "file-not-found",
      /no\.graft\.json/,
    ],
    [
      "a recipe that is not JSON",
      () => ["train", written("bad.graft.json", "{")],
      "recipe-syntax",
      /bad\.graft\.json:1:2/,
    ],
    [
      "an unknown key",
      () => ["train", written("key.graft.json", recipe({ epochs: 3 }))],
      "recipe-schema",
      /epochs/,
    ],
    [
      "a layer that does not exist",
      () => ["plan", written("layer.graft.json", recipe({ edits: [{ freeze: "hidden9" }] }))],
      "invalid-edit",
      /edit 1 \(freeze\): .*hidden9/,
    ],
    [
      "a checkpoint without data to score it on",
      () => ["evaluate", file("digits_0_to_4.ckpt")],
      "data-missing",
      /--data FILE --labels FILE/,
    ],
    [
      "labels beside a recipe that has its own",
      () => ["evaluate", file("digits.graft.json"), "--labels", file("digits_5_to_9_y.npy")],
      "invalid-option",
      /--labels, --classes and .* go with --data FILE/,
    ],
    [
      "an edit that does not fit, applied",
      () => [
        "apply",
        written("apply.graft.json", recipe({ edits: [{ freeze: "hidden9" }] })),
        "--as",
        file("never.ckpt"),
      ],
      "invalid-edit",
      /hidden9/,
    ],
    [
      "a layer that does not exist, predicted",
      () => [
        "predict",
        file("digits_0_to_4.ckpt"),
        "--input",
        file("digits_5_to_9_X.npy"),
        "--output",
        file("o.npy"),
        "--layer",
        "none",
      ],
      "unknown-node",
      /hidden1, hidden2, hidden3 and outputs/,
    ],
  ];
  test.each(cases)("%s", async (_, args, code, message) => {
    const plain = await graft(cache, ...args());
    expect(plain.code).toBe(1);
    expect(plain.stderr).toMatch(message);
    expect(plain.stderr).not.toMatch(/\n {4}at /);
    const json = await graft(cache, ...args(), "--json");
    expect(json.code).toBe(1);
    const last = json.stdout.trim().split("\n").at(-1)!;
    expect(JSON.parse(last).error).toMatchObject({ code });
    expect(JSON.parse(last).error.message).toMatch(message);
  });
});
