// `graft apply`: what the edits make of a checkpoint, saved without training.
import * as fs from "node:fs";
import * as path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openCheckpoint } from "../../src/engine/formats/table";
import { inspect } from "../../src/engine/inspect";
import { parseRecipe } from "../../src/engine/recipe/parse";
import { saveEdited } from "../../src/engine/train/saveEdited";
import { digits, recipe, train, type Workplace } from "./train/world";

let place: Workplace;
beforeEach(() => {
  place = digits();
});
afterEach(() => place.dispose());

const file = (name: string) => path.join(place.folder, name);
const apply = (what: object, as?: string) =>
  saveEdited(
    parseRecipe(file("test.graft.json"), JSON.stringify(what)),
    as === undefined ? undefined : file(as),
  );
const hashes = async (name: string) =>
  new Map((await inspect(file(name), true)).variables.map((each) => [each.name, each.sha256]));
const contents = () =>
  fs
    .readdirSync(place.folder)
    .filter((name) => fs.statSync(file(name)).isFile())
    .map((name) => [name, fs.readFileSync(file(name), "base64")] as const);

const EDITS = {
  checkpoint: "digits_0_to_4.ckpt",
  edits: [
    { freeze: "hidden[12]" },
    { addUnits: { layer: "hidden3", units: 8, init: "zero" } },
    { replaceOutput: { classes: ["a", "b", "c"] } },
  ],
};

test("edits alone are enough; what they do not touch is the source's, byte for byte", async () => {
  const before = contents().filter(([name]) => name.startsWith("digits"));
  const { path: saved, files } = await apply(EDITS, "edited.ckpt");
  expect(saved).toBe(file("edited.ckpt"));
  expect(files.map((each) => path.basename(each))).toContain("edited.ckpt.meta");
  expect(contents().filter(([name]) => name.startsWith("digits"))).toEqual(before);
  const [source, edited] = [await hashes("digits_0_to_4.ckpt"), await hashes("edited.ckpt")];
  for (const layer of ["hidden1", "hidden2"])
    for (const name of [`${layer}/weights`, `${layer}/biases`])
      expect(edited.get(name), name).toBe(source.get(name));
  const checkpoint = await openCheckpoint(file("edited.ckpt"));
  const { variables } = await checkpoint.model();
  expect(variables.get("hidden3/weights")!.shape).toEqual([100, 58]);
  expect(variables.get("outputs/weights")!.shape).toEqual([58, 3]);
  await checkpoint.close();
});

test("fresh numbers are those that training starts from: the recipe's seed decides", async () => {
  await apply({ ...EDITS, seed: 1 }, "one.ckpt");
  await apply({ ...EDITS, seed: 1 }, "again.ckpt");
  await apply({ ...EDITS, seed: 2 }, "two.ckpt");
  const [one, again, two] = await Promise.all(["one.ckpt", "again.ckpt", "two.ckpt"].map(hashes));
  expect(again).toEqual(one);
  expect(two.get("outputs/weights")).not.toBe(one.get("outputs/weights"));
  const what = recipe({ edits: [{ replaceOutput: { classes: 5 } }], train: [{ epochs: 1 }] });
  await apply(what, "start.ckpt");
  const stopped = await train(place, what, { stopAfter: 1 });
  const first = stopped.states[0].values.get("outputs/weights")!;
  const bytes = new Uint8Array(first.buffer, first.byteOffset, first.byteLength);
  const checkpoint = await openCheckpoint(file("start.ckpt"));
  expect(Buffer.compare(await checkpoint.read("outputs/weights"), bytes)).toBe(0);
  await checkpoint.close();
});

test("without a name it goes where the recipe saves, and never over what is there", async () => {
  const what = { ...EDITS, save: { as: "result/edited.ckpt" } };
  expect((await apply(what)).path).toBe(file("result/edited.ckpt"));
  const there = await hashes("result/edited.ckpt");
  await expect(apply({ ...what, seed: 9 })).rejects.toMatchObject({ code: "write-failed" });
  expect(await hashes("result/edited.ckpt")).toEqual(there);
  await apply({ ...what, seed: 9 }, "result/edited.ckpt");
  expect(await hashes("result/edited.ckpt")).not.toEqual(there);
});

test.each<[string, object, string | undefined, string]>([
  [
    "an edit that does not fit",
    { ...EDITS, edits: [{ freeze: "hidden9" }] },
    "x.ckpt",
    "invalid-edit",
  ],
  ["the source as its target", EDITS, "digits_0_to_4.ckpt", "write-failed"],
  ["no name", EDITS, undefined, "invalid-option"],
])("%s is refused, and nothing is written", async (_, what, as, code) => {
  const before = contents();
  await expect(apply(what, as)).rejects.toMatchObject({ code });
  expect(contents()).toEqual(before);
});

test("an edit that does not fit is told by its number and kind", async () => {
  const what = { ...EDITS, edits: [...EDITS.edits, { freeze: "hidden9" }] };
  const place = `edit ${EDITS.edits.length + 1} (freeze): `;
  await expect(apply(what, "x.ckpt")).rejects.toThrow(place);
});
