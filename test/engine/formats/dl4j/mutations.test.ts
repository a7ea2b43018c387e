// Thousands of damaged copies of real zips: each opens and reads, or fails with a GraftError.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openZip } from "../../../../src/engine/formats/dl4j/tensors";
import { GraftError } from "../../../../src/protocol/errors";
import { fixture, seeded, temporaryFolder } from "../tf1/fixtures";
import { bytesOf, entriesOf, zipped } from "./zips";

const ROUNDS = 300;

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
    const opened = await openZip(path);
    try {
      for (const name of opened.tensors.keys()) await opened.read(name);
    } finally {
      await opened.close();
    }
    return "";
  } catch (error) {
    if (error instanceof GraftError) return error.code;
    throw error;
  }
}

describe.each(CASES)("%s", (zip) => {
  const path = join(temporaryFolder(), "model.zip");

  /** What came of all of them. */
  async function rounds(mutated: (random: Random) => Promise<Uint8Array>): Promise<Set<string>> {
    const seen = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      writeFileSync(path, await mutated(seeded(round)));
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
});
