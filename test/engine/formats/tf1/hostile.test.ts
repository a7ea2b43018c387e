// Checkpoints whose checksums are right and whose contents were made to mislead.
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RAW } from "../../../../src/engine/formats/tf1/block";
import { openByteFile } from "../../../../src/engine/formats/tf1/bytefile";
import { maskedCrc } from "../../../../src/engine/formats/tf1/crc";
import { sliceKey, type Extent } from "../../../../src/engine/formats/tf1/orderedcode";
import {
  BundleEntryProtoSchema,
  BundleHeaderProtoSchema,
  SavedTensorSlicesSchema,
} from "../../../../src/engine/formats/tf1/proto/tensorflow_pb";
import { MAGIC, openTable } from "../../../../src/engine/formats/tf1/sstable";
import { tableWriter } from "../../../../src/engine/formats/tf1/tablewriter";
import { openTensors } from "../../../../src/engine/formats/tf1/tensors";
import { varint } from "../../../../src/engine/formats/tf1/varint";
import { temporaryFolder } from "./fixtures";

async function writeTable(path: string, entries: [Uint8Array, Uint8Array][]): Promise<void> {
  const parts: Uint8Array[] = [];
  const table = tableWriter({ write: async (bytes) => void parts.push(bytes) });
  for (const [key, value] of entries.sort(([a], [b]) => Buffer.compare(a, b)))
    await table.add(key, value);
  await table.finish();
  writeFileSync(path, Buffer.concat(parts));
}

const NO_KEY = new Uint8Array(0);
const FLOAT = 1;
const INT64 = 9;

const slices = (message: MessageInitShape<typeof SavedTensorSlicesSchema>): Uint8Array =>
  toBinary(SavedTensorSlicesSchema, create(SavedTensorSlicesSchema, message));

const dims = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size: BigInt(size) })) });

const extent = ([start, length]: Extent) => ({
  start,
  hasLength: { case: "length" as const, value: length },
});

interface V1 {
  readonly type?: number;
  readonly shape: readonly number[];
  readonly cuts: readonly Extent[];
  readonly values: MessageInitShape<typeof SavedTensorSlicesSchema>["data"];
}

/** One tensor "w", cut along its only axis; every slice holds the same values. */
async function v1({ type = FLOAT, shape, cuts, values }: V1): Promise<string> {
  const path = join(temporaryFolder(), "x.ckpt");
  const slice = cuts.map((cut) => ({ extent: [extent(cut)] }));
  await writeTable(path, [
    [NO_KEY, slices({ meta: { tensor: [{ name: "w", shape: dims(shape), type, slice }] } })],
    ...cuts.map((cut): [Uint8Array, Uint8Array] => [
      sliceKey("w", [cut]),
      slices({ data: values }),
    ]),
  ]);
  return path;
}

async function problems(prefix: string): Promise<{ listed?: string; read: string }> {
  const source = await openTensors(prefix);
  const listed = source.tensors.get("w")!.problem;
  const read = await source.read("w").then(
    () => "",
    (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
  );
  await source.close();
  return { ...(listed !== undefined && { listed }), read };
}

const floats = (count: number) => ({ data: { floatVal: new Array<number>(count).fill(1) } });

test("the same in earnest", async () => {
  const prefix = await v1({
    shape: [4],
    cuts: [
      [0n, 2n],
      [2n, 2n],
    ],
    values: floats(2),
  });
  expect(await problems(prefix)).toEqual({ read: "" });
});

test.each<[string, V1, RegExp, RegExp | undefined]>([
  [
    "slices that overlap",
    {
      shape: [4],
      cuts: [
        [0n, 2n],
        [1n, 2n],
      ],
      values: floats(2),
    },
    /corrupt-file: .*slices of tensor "w" overlap/,
    undefined,
  ],
  [
    "slices that leave elements out",
    { shape: [4], cuts: [[0n, 2n]], values: floats(2) },
    /corrupt-file: .*its slices hold 2 elements and its shape has 4/,
    /its slices hold 2/,
  ],
  [
    "a shape that no file of this size can hold",
    { shape: [1e9], cuts: [[0n, 1_000_000_000n]], values: floats(2) },
    /corrupt-file: .*more elements than \d+ bytes can hold/,
    /more elements/,
  ],
  [
    "too few floats",
    { shape: [4], cuts: [[0n, 4n]], values: floats(3) },
    /corrupt-file: .*should hold 4 elements of float32 and holds 12 bytes/,
    undefined,
  ],
  [
    "too few integers",
    { type: INT64, shape: [4], cuts: [[0n, 4n]], values: { data: { int64Val: [1n, 2n, 3n] } } },
    /corrupt-file: .*should hold 4 elements of int64 and holds 3 bytes/,
    undefined,
  ],
  [
    "too few integers of many bytes",
    { type: INT64, shape: [4], cuts: [[0n, 4n]], values: { data: { int64Val: [-1n, 2n] } } },
    /corrupt-file: .*should hold 4 elements of int64 and holds 2\./,
    undefined,
  ],
  [
    "too many integers",
    { type: INT64, shape: [2], cuts: [[0n, 2n]], values: { data: { int64Val: [1n, 2n, 3n] } } },
    /corrupt-file: .*should hold 2 elements of int64 and holds more/,
    undefined,
  ],
])("V1: %s", async (_, made, read, listed) => {
  const found = await problems(await v1(made));
  expect(found.read).toMatch(read);
  if (listed) expect(found.listed).toMatch(listed);
  else expect(found.listed).toBeUndefined();
});

test("V1: values in tensor_content", async () => {
  const tensorContent = Uint8Array.from({ length: 16 }, (_, index) => index);
  const prefix = await v1({ shape: [4], cuts: [[0n, 4n]], values: { data: { tensorContent } } });
  const source = await openTensors(prefix);
  expect(await source.read("w")).toEqual(tensorContent);
  await source.close();
});

interface V2 {
  readonly extents: readonly Extent[];
  /** Shape of the entry of each slice. */
  readonly sizes: readonly number[];
  readonly type?: number;
}

async function v2({ extents, sizes, type = FLOAT }: V2): Promise<string> {
  const prefix = join(temporaryFolder(), "x.ckpt");
  writeFileSync(`${prefix}.data-00000-of-00001`, new Uint8Array(64));
  const entry = (message: MessageInitShape<typeof BundleEntryProtoSchema>) =>
    toBinary(BundleEntryProtoSchema, create(BundleEntryProtoSchema, message));
  const header = create(BundleHeaderProtoSchema, { numShards: 1 });
  await writeTable(`${prefix}.index`, [
    [NO_KEY, toBinary(BundleHeaderProtoSchema, header)],
    [
      Buffer.from("w"),
      entry({
        dtype: FLOAT,
        shape: dims([4]),
        slices: extents.map((cut) => ({ extent: [extent(cut)] })),
      }),
    ],
    ...sizes.map((size, index): [Uint8Array, Uint8Array] => [
      sliceKey("w", [extents[index]!]),
      entry({
        dtype: type,
        shape: dims([size]),
        size: BigInt(4 * size),
        crc32c: maskedCrc(new Uint8Array(4 * size)),
      }),
    ]),
  ]);
  return prefix;
}

test.each<[string, V2, RegExp | ""]>([
  [
    "right",
    {
      extents: [
        [0n, 2n],
        [2n, 2n],
      ],
      sizes: [2, 2],
    },
    "",
  ],
  [
    "overlapping",
    {
      extents: [
        [0n, 2n],
        [1n, 2n],
      ],
      sizes: [2, 2],
    },
    /"w" overlap/,
  ],
  [
    "outside",
    {
      extents: [
        [0n, 2n],
        [3n, 2n],
      ],
      sizes: [2, 2],
    },
    /slice 1 does not lie in/,
  ],
  ["too few", { extents: [[0n, 2n]], sizes: [2] }, /hold 2 elements and its shape has 4/],
  [
    "without an entry",
    {
      extents: [
        [0n, 2n],
        [2n, 2n],
      ],
      sizes: [2],
    },
    /no entry for slice 1/,
  ],
  [
    "of another size",
    {
      extents: [
        [0n, 2n],
        [2n, 2n],
      ],
      sizes: [2, 1],
    },
    /another type or shape/,
  ],
  ["of another type", { extents: [[0n, 4n]], sizes: [4], type: 3 }, /another type or shape/],
])("V2: slices that are %s", async (_, made, read) => {
  const found = await problems(await v2(made));
  expect(found.read).toMatch(read);
  if (read === "") expect(found).toEqual({ read: "" });
});

test("an index that names one block many times", async () => {
  const block = (contents: number[]) => {
    const bytes = Buffer.from([...contents, 0, 0, 0, 0, 1, 0, 0, 0, RAW]);
    const crc = Buffer.alloc(4);
    crc.writeUInt32LE(maskedCrc(bytes));
    return Buffer.concat([bytes, crc]);
  };
  const data = block([0, 1, 1, 0x61, 0x62]);
  const handle = [...varint(0), ...varint(data.length - 5)];
  const entry = (key: number) => [0, 1, handle.length, key, ...handle];
  const index = block([...entry(0x61), ...entry(0x62)]);
  const footer = Buffer.alloc(48);
  footer.set([0, 0, ...varint(data.length), ...varint(index.length - 5)]);
  footer.set(MAGIC, 40);
  const path = join(temporaryFolder(), "x.index");
  writeFileSync(path, Buffer.concat([data, index, footer]));
  const file = await openByteFile(path);
  await expect(openTable(file)).rejects.toMatchObject({
    code: "corrupt-file",
    message: expect.stringMatching(/block 1 overlaps/) as string,
  });
  await file.close();
});
