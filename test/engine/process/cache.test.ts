// The bottleneck store and runs under processes of their own. Needs `npm run build`, which `npm test` does first.
import { execFile, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RunEvent } from "../../../src/protocol/run";
import { readNpz } from "../../../src/engine/data/npz";
import { readNpy, writeNpy } from "../../../src/engine/data/npy";
import { digits, recipe, type Workplace } from "../train/world";
import { graft, trainProcess } from "./processes";

let place: Workplace;
let cache: string;
beforeAll(() => {
  place = digits();
});
afterAll(() => place.dispose());
beforeEach(() => {
  cache = fs.mkdtempSync(path.join(place.folder, "cache-"));
});

const file = (name: string) => path.join(place.folder, name);
function written(name: string, what: object): string {
  fs.writeFileSync(file(name), JSON.stringify(what));
  return file(name);
}
const parse = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as RunEvent);
const hashes = (events: readonly RunEvent[]) =>
  events.flatMap((event) =>
    event.event === "variables" ? event.variables.map(({ sha256 }) => sha256) : [],
  );
const chunks = (folder = cache) =>
  fs
    .readdirSync(path.join(folder, "bottlenecks"), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".rows"));

test("two processes fill one store at once, and both end with the weights of one alone", async () => {
  const what = written("two.graft.json", recipe({ train: [{ epochs: 2 }] }));
  const alone = parse((await graft(file("alone"), "train", what, "--json")).stdout);
  const both = await Promise.all([1, 2].map(() => graft(cache, "train", what, "--json")));
  for (const { code, stdout } of both) {
    expect(code).toBe(0);
    expect(hashes(parse(stdout))).toEqual(hashes(alone));
  }
  const verified = await graft(cache, "cache", "verify", "--json");
  expect(JSON.parse(verified.stdout)).toMatchObject({ damaged: [] });
  const { stdout } = await graft(cache, "train", what, "--json");
  expect(parse(stdout).at(-1)).toMatchObject({ prefixSamples: 0 });
});

test("list, verify and prune tell what they find; damage is an exit code of 1", async () => {
  const what = written("list.graft.json", recipe({ train: [{ epochs: 1 }] }));
  await graft(cache, "train", what);
  const list = await graft(cache, "cache", "list");
  expect(list.stdout).toMatch(
    /696 +100 .*hidden2\/Relu of .*digits_0_to_4\.ckpt, cpu .*list\.graft\.json/,
  );
  const [chunk] = chunks();
  const damaged = path.join(cache, "bottlenecks", chunk);
  const bytes = fs.readFileSync(damaged);
  bytes[bytes.length >> 1] ^= 1;
  fs.writeFileSync(damaged, bytes);
  const verify = await graft(cache, "cache", "verify");
  expect(verify.code).toBe(1);
  expect(verify.stdout).toContain(`${damaged}: the checksum`);
  expect(verify.stderr).toMatch(/1 of 1 files are damaged/);
  expect((await graft(cache, "cache", "prune")).stderr).toMatch(/--older-than/);
  expect((await graft(cache, "cache", "prune", "--older-than", "1")).stdout).toMatch(/removed 0/);
  expect((await graft(cache, "cache", "prune", "--max-size", "1kB")).stdout).toMatch(/removed 1/);
  expect(chunks()).toEqual([]);
});

test("what trains is not pruned", async () => {
  const what = written("endless.graft.json", recipe({ train: [{ epochs: 1_000_000 }] }));
  const run = trainProcess(cache, what);
  await run.until((event) => event.event === "epoch");
  const pruned = JSON.parse((await graft(cache, "cache", "prune", "--all", "--json")).stdout);
  expect(pruned).toMatchObject({ removed: [], inUse: [{ samples: 696 }] });
  run.child.kill("SIGINT");
  expect(await run.exit).toBe(130);
  const after = JSON.parse((await graft(cache, "cache", "prune", "--all", "--json")).stdout);
  expect(after).toMatchObject({ removed: [{ samples: 696 }] });
});

test("--cache names the folder of bottlenecks and runs", async () => {
  const what = written("elsewhere.graft.json", recipe({ train: [{ epochs: 1 }] }));
  const elsewhere = file("elsewhere");
  await graft(cache, "train", what, "--cache", elsewhere);
  expect(chunks(elsewhere)).toHaveLength(1);
  expect(fs.readdirSync(cache)).toEqual([]);
  const [run] = fs.readdirSync(path.join(elsewhere, "runs"));
  const saved = await graft(
    cache,
    "save",
    run,
    "--as",
    file("elsewhere.ckpt"),
    "--cache",
    elsewhere,
  );
  expect(saved.code).toBe(0);
});

test("an export holds what predict computes, with labels, classes and the validation samples", async () => {
  const what = written("export.graft.json", recipe({ train: [{ epochs: 1 }] }));
  const [out, layer] = [file("out.npz"), file("layer.npy")];
  const { code } = await graft(cache, "cache", "export", what, "--output", out);
  expect(code).toBe(0);
  await graft(
    cache,
    "predict",
    file("digits_0_to_4.ckpt"),
    "--input",
    file("digits_5_to_9_X.npy"),
    "--output",
    layer,
    "--layer",
    "hidden2",
  );
  expect(await readNpz(out, "hidden2/Relu")).toEqual(await readNpy(layer));
  expect(await readNpz(out, "classes")).toMatchObject({ data: ["5", "6", "7", "8", "9"] });
  const labels = await readNpz(out, "labels");
  const original = await readNpy(file("digits_5_to_9_y.npy"));
  expect([...labels.data]).toEqual([...original.data].map((label) => Number(label) - 5));
  expect(await readNpz(out, "validation")).toMatchObject({ shape: [139] });
  const nothing = written(
    "nothing.graft.json",
    recipe({ edits: [{ replaceOutput: { classes: 5 } }] }),
  );
  expect((await graft(cache, "cache", "export", nothing, "--output", out)).stderr).toMatch(
    /freezes nothing/,
  );
});

describe("a run is resumed only with what it began with", () => {
  async function stopped(name: string) {
    fs.copyFileSync(file("digits_5_to_9_X.npy"), file("X.npy"));
    const { data } = recipe() as { data: object };
    const what = written(
      name,
      recipe({ data: { ...data, inputs: "X.npy" }, train: [{ epochs: 100_000 }] }),
    );
    const run = trainProcess(cache, what);
    const started = await run.until((event) => event.event === "started");
    await run.until((event) => event.event === "epoch");
    run.child.kill("SIGINT");
    await run.exit;
    return { what, run: started.event === "started" ? started.run : "" };
  }

  test("other data are refused", async () => {
    const { what, run } = await stopped("data.graft.json");
    const array = await readNpy(file("X.npy"));
    (array.data as Float32Array)[5] += 1;
    await writeNpy(file("X.npy"), array);
    const { code, stderr } = await graft(cache, "train", what, "--resume", run);
    expect(code).toBe(1);
    expect(stderr).toMatch(/the data changed since it began/);
  });

  test("another checkpoint is refused", async () => {
    const { what, run } = await stopped("checkpoint.graft.json");
    const names = [".index", ".meta", ".data-00000-of-00001"].map(
      (end) => `digits_0_to_4.ckpt${end}`,
    );
    const contents = names.map((name) => fs.readFileSync(file(name)));
    const other = written(
      "other.graft.json",
      recipe({
        edits: [],
        data: { ...(recipe() as { data: object }).data, classes: ["5", "6", "7", "8", "9"] },
        train: [{ epochs: 1 }],
        save: { as: "other.ckpt" },
      }),
    );
    expect((await graft(cache, "train", other)).code).toBe(0);
    for (const name of names)
      fs.copyFileSync(file(name.replace("digits_0_to_4", "other")), file(name));
    const { code, stderr } = await graft(cache, "train", what, "--resume", run);
    names.forEach((name, index) => fs.writeFileSync(file(name), contents[index]));
    expect(code).toBe(1);
    expect(stderr).toMatch(/the checkpoint changed since it began/);
  });
});

/** A file system of our own needs a namespace of our own; not every machine gives one. */
const canMount = spawnSync("unshare", ["-rm", "true"]).status === 0;

describe.skipIf(!canMount)(
  "a disk that takes nothing more is told, and nothing is half-written",
  () => {
    const mounted = (options: string, what: string) =>
      new Promise<{ stdout: string; stderr: string }>((resolve) => {
        const cli = path.join(__dirname, "../../../dist/cli.js");
        const script = `mount -t tmpfs -o ${options} tmpfs "${cache}" && "${process.execPath}" "${cli}" train "${what}" --cache "${cache}"; find "${cache}" -name '*.rows*' -o -name '*.tmp'`;
        const env = { ...process.env, GRAFT_BACKEND: "cpu" };
        execFile("unshare", ["-rm", "sh", "-c", script], { env }, (_, stdout, stderr) =>
          resolve({ stdout, stderr }),
        );
      });

    test("too small for the bottlenecks: refused before", async () => {
      const what = written("small.graft.json", recipe());
      const { stdout, stderr } = await mounted("size=200k", what);
      expect(stderr).toMatch(/bottlenecks of 696 samples take .* free/);
      expect(stdout).not.toMatch(/\.rows|\.tmp/);
    });

    test("full", async () => {
      const what = written("full.graft.json", recipe());
      // Inodes run out, which nobody can know before.
      const { stdout, stderr } = await mounted("size=10m,nr_inodes=11", what);
      expect(stderr).toMatch(/disk is full/);
      expect(stdout).not.toMatch(/\.rows|\.tmp/);
    });

    test("read-only", async () => {
      const what = written("read-only.graft.json", recipe());
      const { stderr } = await mounted("ro", what);
      expect(stderr).toMatch(/read-only/i);
    });
  },
);
