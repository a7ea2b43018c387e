// Thousands of damaged copies of real files: each opens and reads, or fails with a GraftError, in bounded time.
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import snappy from "snappyjs";
import { describe, expect, test } from "vitest";
import { GraftError } from "../../../../src/protocol/errors";
import { blockEntries } from "../../../../src/engine/formats/tf1/block";
import { maskedCrc } from "../../../../src/engine/formats/tf1/crc";
import { readMetaGraph } from "../../../../src/engine/formats/tf1/meta";
import { openTensors } from "../../../../src/engine/formats/tf1/tensors";
import { readVarint } from "../../../../src/engine/formats/tf1/varint";
import { fixture, seeded, temporaryFolder } from "./fixtures";

const ROUNDS = 600;
/** Of one opening with all its reads. The slowest seen takes 30 ms. */
const PATIENCE = 2000;

const CASES = [
  { prefix: "b1_dtypes_v2/dtypes.ckpt", table: ".index" },
  { prefix: "b1_mini_partitioned/my_model_final.ckpt", table: ".index" },
  { prefix: "b1_mini_v2_sharded/my_model_final.ckpt", table: ".index" },
  { prefix: "b7_malformed/ckpt_index_snappy_ok/m.ckpt", table: ".index" },
  { prefix: "b1_dtypes_v1/dtypes.ckpt", table: "" },
  { prefix: "b1_mini_partitioned_v1/my_model_final.ckpt", table: "" },
  { prefix: "b7_malformed/ckptv1_snappy_ok/my_model_final.ckpt", table: "" },
];

type Random = () => number;

interface Mutation {
  readonly title: string;
  mutate(bytes: Buffer, random: Random): Buffer;
}

const below = (limit: number, random: Random): number => Math.floor(random() * limit);

/** Bytes that are often where a length or a sign is decided. */
const TELLING = [0x00, 0x01, 0x7f, 0x80, 0xff];

function flip(bytes: Buffer, random: Random, end = bytes.length): Buffer {
  for (let count = 1 + below(3, random); count > 0; count--) {
    const at = below(end, random);
    bytes[at] = random() < 0.5 ? bytes[at]! ^ (1 << below(8, random)) : TELLING[below(5, random)]!;
  }
  return bytes;
}

/** Offset and size of every block, the index of blocks last. */
function blocksOf(bytes: Buffer): [number, number][] {
  const handle = (from: Uint8Array, at: number): [number, number, number] => {
    const offset = readVarint(from, at)!;
    const size = readVarint(from, offset.next)!;
    return [offset.value, size.value, size.next];
  };
  const footer = bytes.subarray(-48);
  const [offset, size] = handle(footer, handle(footer, 0)[2]);
  const stored = Uint8Array.from(bytes.subarray(offset, offset + size));
  const index = bytes[offset + size] === 1 ? snappy.uncompress(stored) : stored;
  const entries = blockEntries(index, (what) => new Error(what));
  return [
    ...entries.map(({ value }): [number, number] => {
      const [from, length] = handle(value, 0);
      return [from, length];
    }),
    [offset, size],
  ];
}

const MUTATIONS: readonly Mutation[] = [
  { title: "flipped bytes", mutate: (bytes, random) => flip(bytes, random) },
  { title: "cut off", mutate: (bytes, random) => bytes.subarray(0, below(bytes.length, random)) },
  {
    title: "flipped bytes under a right checksum",
    mutate(bytes, random) {
      const blocks = blocksOf(bytes);
      const [offset, size] = blocks[below(blocks.length, random)]!;
      // The type byte of the block is left alone: whatever it says, the contents are to be parsed.
      flip(bytes.subarray(offset, offset + size), random);
      bytes.writeUInt32LE(maskedCrc(bytes.subarray(offset, offset + size + 1)), offset + size + 1);
      return bytes;
    },
  },
];

const handles = (): number =>
  existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;

/** "" when all went well, else the codes that were thrown. Anything but a GraftError is passed on. */
async function outcome(prefix: string): Promise<string> {
  const codes = new Set<string>();
  const note = (error: unknown) => {
    if (!(error instanceof GraftError)) throw error;
    codes.add(error.code);
  };
  try {
    const source = await openTensors(prefix);
    try {
      for (const name of source.tensors.keys()) await source.read(name).catch(note);
    } finally {
      await source.close();
    }
  } catch (error) {
    note(error);
  }
  return [...codes].join();
}

describe.each(CASES)("$prefix", ({ prefix, table }) => {
  const original = readFileSync(fixture(prefix + table));
  const folder = temporaryFolder();
  for (const name of readdirSync(dirname(fixture(prefix))))
    if (name.startsWith(`${basename(prefix)}.data`))
      copyFileSync(join(dirname(fixture(prefix)), name), join(folder, name));
  const copy = join(folder, basename(prefix));

  test.each(MUTATIONS)("$title", async ({ mutate }) => {
    const before = handles();
    const seen = new Map<string, number>();
    let slowest = 0;
    for (let round = 0; round < ROUNDS; round++) {
      writeFileSync(copy + table, mutate(Buffer.from(original), seeded(round * 7919 + 1)));
      const start = performance.now();
      const result = await outcome(copy).catch((error: unknown) => {
        throw new Error(`round ${round}`, { cause: error });
      });
      slowest = Math.max(slowest, performance.now() - start);
      seen.set(result, (seen.get(result) ?? 0) + 1);
    }
    expect(slowest).toBeLessThan(PATIENCE);
    expect(handles()).toBe(before);
    // The damage was real, and not always the same.
    expect(seen.get("") ?? 0).toBeLessThan(ROUNDS * 0.9);
    expect([...seen.keys()].filter((codes) => codes !== "").length).toBeGreaterThan(0);
  });
});

test("a graph", async () => {
  const original = readFileSync(fixture("b1_mini_v2/my_model_final.ckpt.meta"));
  const copy = join(temporaryFolder(), "x.ckpt");
  let refused = 0;
  for (let round = 0; round < ROUNDS / 3; round++) {
    const random = seeded(round + 1);
    const bytes = Buffer.from(original);
    writeFileSync(
      `${copy}.meta`,
      round % 3 === 0 ? bytes.subarray(0, below(bytes.length, random)) : flip(bytes, random),
    );
    await readMetaGraph(`${copy}.meta`).catch((error: unknown) => {
      if (!(error instanceof GraftError)) throw error;
      refused++;
    });
  }
  expect(refused).toBeGreaterThan(50);
});
