// Thousands of damaged copies of real zips: each opens and reads, or fails with a GraftError.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dl4j } from "../../../../src/engine/formats/dl4j/index";
import { GraftError } from "../../../../src/protocol/errors";
import { fixture, seeded, temporaryFolder } from "../tf1/fixtures";
import { bytesOf, entriesOf, zipped } from "./zips";

const ROUNDS = 150;

const CASES = [
  "b5_dl4j_mlp_iris/model_with_normalizer.zip",
  "b5_dl4j_graph_merge/model.zip",
  "b5_dl4j_graves_lstm/added_layer_frozen0.zip",
  "dl4j_old/0.7.2/conv.zip",
  "dl4j_old/1.0.0-beta3/normalizer.zip",
];

type Random = () => number;

const below = (limit: number, random: Random): number => Math.floor(random() * limit);

/** Bytes that are often where a length, a sign or a word is decided. */
const TELLING = [0x00, 0x01, 0x20, 0x22, 0x2d, 0x30, 0x39, 0x7f, 0x80, 0xff];

function flip(bytes: Uint8Array, end: number, random: Random): void {
  for (let count = 1 + below(3, random); count > 0; count--) {
    const at = below(Math.min(end, bytes.length), random);
    bytes[at] = random() < 0.5 ? bytes[at] ^ (1 << below(8, random)) : TELLING[below(10, random)];
  }
}

/** "" when all went well, else the code that was thrown. Anything but a GraftError is passed on. */
async function outcome(path: string): Promise<string> {
  try {
    const opened = await dl4j.open(path);
    try {
      for (const name of opened.tensors.keys()) await opened.read(name);
      await opened.model();
    } finally {
      await opened.close();
    }
    return "";
  } catch (error) {
    if (error instanceof GraftError) return error.code;
    throw error;
  }
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What a careless or hostile program may write in place of a value. */
const VALUES: readonly Json[] = [
  null,
  true,
  -1,
  0,
  1,
  2,
  7,
  0.5,
  1e9,
  1e300,
  "",
  "x",
  [],
  [1],
  [-1, 2],
  {},
];

/** `root` with one value replaced, or taken away. */
function spoiled(root: Json, random: Random): Json {
  const places: (() => void)[] = [];
  const value = () => structuredClone(VALUES[below(VALUES.length, random)]);
  const visit = (each: Json): void => {
    if (each === null || typeof each !== "object") return;
    if (Array.isArray(each)) {
      for (const at of each.keys()) places.push(() => void (each[at] = value()));
      each.forEach(visit);
      return;
    }
    for (const key of Object.keys(each)) {
      places.push(
        () => void (each[key] = value()),
        () => void delete each[key],
      );
      visit(each[key]);
    }
  };
  visit(root);
  places[below(places.length, random)]();
  return root;
}

describe.each(CASES)("%s", (zip) => {
  const path = join(temporaryFolder(), "model.zip");

  /** What came of all of them. */
  async function rounds(mutated: (random: Random) => Promise<Uint8Array>): Promise<Set<string>> {
    const random = seeded(7);
    const seen = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      writeFileSync(path, await mutated(random));
      seen.add(await outcome(path));
    }
    return seen;
  }

  test("flipped bytes of the zip", async () => {
    const seen = await rounds(async (random) => {
      const bytes = bytesOf(zip);
      flip(bytes, bytes.length, random);
      return bytes;
    });
    expect(seen.size).toBeGreaterThan(1);
  });

  test("cut off", async () => {
    const whole = bytesOf(zip);
    const seen = await rounds(async (random) => whole.subarray(0, below(whole.length, random)));
    expect([...seen]).toEqual(["corrupt-file"]);
  });

  test("flipped bytes of an entry, under a right checksum", async () => {
    const entries = await entriesOf(fixture(zip));
    const names = [...entries.keys()];
    const seen = await rounds(async (random) => {
      const name = names[below(names.length, random)];
      const bytes = Uint8Array.from(entries.get(name)!);
      // Behind the headers of arrays there are only numbers.
      flip(bytes, name.endsWith(".bin") ? 130 : bytes.length, random);
      return zipped(new Map(entries).set(name, bytes), { compress: false });
    });
    expect(seen.size).toBeGreaterThan(1);
  });

  test("a value of the configuration replaced", async () => {
    const entries = await entriesOf(fixture(zip));
    const text = Buffer.from(entries.get("configuration.json")!).toString();
    const seen = await rounds(async (random) => {
      const changed = JSON.stringify(spoiled(JSON.parse(text) as Json, random));
      return zipped(new Map(entries).set("configuration.json", Buffer.from(changed)), {
        compress: false,
      });
    });
    expect(seen.size).toBeGreaterThan(1);
  });
});
