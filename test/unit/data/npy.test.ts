import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DataArray } from "../../../src/engine/data/array";
import { describeNpy, readNpy, writeNpy } from "../../../src/engine/data/npy";
import {
  doubles,
  errorOf,
  fixture,
  floats,
  longs,
  mutate,
  npyFile,
  seeded,
  temporaryFolder,
  texts,
} from "./helpers";

interface Expected {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly string[];
}

const expected = JSON.parse(readFileSync(fixture("expected.json"), "utf8")) as Record<
  string,
  Expected
>;

/** Python's text of a number as JavaScript reads it. */
const parse = (text: string, dtype: string): number | bigint | string => {
  if (dtype === "string") return text;
  if (dtype.endsWith("int64")) return BigInt(text);
  return Number(text.replace("inf", "Infinity"));
};

const temporary = temporaryFolder();

describe("files written by numpy", () => {
  const cases = Object.entries(expected).filter(([name]) => name.endsWith(".npy"));
  it.each(cases)("%s", async (name, { dtype, shape, values }) => {
    expect(await describeNpy(fixture(name))).toEqual({ dtype, shape });
    const array = await readNpy(fixture(name));
    expect(array.shape).toEqual(shape);
    expect(array.dtype).toBe(dtype === "float16" ? "float32" : dtype);
    expect([...array.data]).toEqual(values.map((text) => parse(text, dtype)));
  });

  it("covers every dtype", () => {
    const dtypes = new Set(cases.map(([, { dtype }]) => dtype));
    expect([...dtypes].sort().join(" ")).toBe(
      "bool float16 float32 float64 int16 int32 int64 int8 string uint16 uint32 uint64 uint8",
    );
  });
});

describe("files that are refused", () => {
  const ok = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
  const eight = new Uint8Array(8);
  const bytes = (header: string): Buffer => npyFile(header, eight);
  const cases: readonly (readonly [title: string, content: Buffer, message: RegExp])[] = [
    ["objects", readFileSync(fixture("object.npy")), /Python objects \(pickled\)/],
    ["records", readFileSync(fixture("records.npy")), /records with named fields/],
    ["complex numbers", readFileSync(fixture("complex.npy")), /'<c8' is neither/],
    ["dates", readFileSync(fixture("datetime.npy")), /is not one that numpy|neither/],
    ["empty file", Buffer.alloc(0), /not a \.npy file/],
    ["other magic", Buffer.from("\x93NUMPX\x01\0\0\0aaaa", "latin1"), /not a \.npy file/],
    ["version 9", npyFile(ok, eight, 9), /version 9/],
    ["version 2 with half a length", Buffer.from("\x93NUMPY\x02\0\0\0", "latin1"), /cut off/],
    ["header longer than the file", bytes(ok).subarray(0, 40), /cut off/],
    [
      "header of 4 GB",
      Buffer.from("\x93NUMPY\x02\0\xff\xff\xff\xff{}", "latin1"),
      /claims 4294967295 characters/,
    ],
    ["one value too few", npyFile(ok, new Uint8Array(4)), /need 8 bytes, the file has 4/],
    ["bytes after the values", npyFile(ok, new Uint8Array(12)), /4 bytes follow/],
    ["size beyond every file", bytes(ok.replace("(2,)", "(9999999999,)")), /cut off/],
    [
      "size that overflows",
      bytes(ok.replace("(2,)", "(999999999999999, 999999999999999)")),
      /damaged/,
    ],
    ["size beyond exact numbers", bytes(ok.replace("(2,)", "(9999999999999999,)")), /Python dict/],
    ["65 dimensions", bytes(ok.replace("(2,)", `(${"1, ".repeat(65)})`)), /65 dimensions/],
    ["strings of no length", npyFile(ok.replace("<f4", "|S0")), /strings of no length/],
    [
      "string that is no code point",
      npyFile(ok.replace("<f4", "<U1"), new Uint8Array(8).fill(255)),
      /string 0 is not text/,
    ],
    [
      "string that is no UTF-8",
      npyFile(ok.replace("<f4", "|S4"), new Uint8Array(8).fill(255)),
      /string 0 is not text/,
    ],
    ...[
      ["negative size", "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}"],
      ["size without a comma", "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}"],
      ["float size", "{'descr': '<f4', 'fortran_order': False, 'shape': (2.0,)}"],
      ["expression as size", "{'descr': '<f4', 'fortran_order': False, 'shape': (1+1,)}"],
      ["call as descr", "{'descr': str('<f4'), 'fortran_order': False, 'shape': (2,)}"],
      ["escape in a string", "{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (2,)}"],
      ["integer as bool", "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}"],
      ["missing key", "{'descr': '<f4', 'shape': (2,)}"],
      ["key twice", "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"],
      ["another key", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), '__proto__': 'x'}"],
      ["text after the dict", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} + {}"],
      ["no dict", "['<f4', False, (2,)]"],
      ["missing comma", "{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}"],
      ["unclosed", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,"],
    ].map(([title, header]) => [title!, bytes(header!), /Python dict/] as const),
  ];
  it.each(cases)("%s", async (_, content, message) => {
    const path = temporary.write("bad.npy", content);
    const found = await errorOf(() => readNpy(path));
    expect(found).toMatch(/^data-format: bad\.npy: /);
    expect(found).toMatch(message);
  });

  it("a file that is not there", async () => {
    expect(await errorOf(() => readNpy(join(temporary.path, "none.npy")))).toBe(
      `file-not-found: none.npy is not in ${temporary.path}. Check the path; a recipe's paths start from the recipe's folder.`,
    );
  });

  it("a folder", async () => {
    expect(await errorOf(() => readNpy(temporary.path))).toMatch(/^data-format: .* is a folder/);
  });
});

it("reads headers of Python 2 and in another order", async () => {
  const header = `{"shape": (2L, 1L), 'fortran_order': True , "descr": "<f4"}`;
  const path = temporary.write("old.npy", npyFile(header, new Uint8Array(8)));
  expect(await describeNpy(path)).toEqual({ dtype: "float32", shape: [2, 1] });
});

describe("writing", () => {
  const cases: readonly (readonly [string, DataArray])[] = [
    ["float32, 2 × 3", floats([2, 3], [1, 2, 3, 4, 5.5, -6])],
    ["float64, one dimension", doubles([0.1, 1e300])],
    ["int64", longs([-5, 7])],
    ["scalar", floats([], [2])],
    ["no rows", floats([0, 3])],
    ["strings, some beyond 16 bits", texts(["cat", "", "\u732b\u{1f408}"])],
    ["bool", { shape: [2], dtype: "bool", data: Uint8Array.of(1, 0) }],
  ];
  it.each(cases)("%s is read back, aligned as numpy aligns it", async (_, array) => {
    const path = join(temporary.path, "written.npy");
    await writeNpy(path, array);
    expect(await readNpy(path)).toEqual(array);
    const header = readFileSync(path);
    expect((10 + header.readUInt16LE(8)) % 64).toBe(0);
  });

  it("writes the bytes that numpy writes", async () => {
    const path = join(temporary.path, "same.npy");
    await writeNpy(path, await readNpy(fixture("f4_big_F.npy")));
    expect(readFileSync(path).equals(readFileSync(fixture("f4_little_C.npy")))).toBe(true);
  });

  it("only writes the view, not the buffer behind it", async () => {
    const path = join(temporary.path, "view.npy");
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    await writeNpy(path, { shape: [2], dtype: "float32", data });
    expect([...(await readNpy(path)).data]).toEqual([2, 3]);
  });

  it("leaves nothing behind when it fails", async () => {
    const folder = temporaryFolder();
    const found = await errorOf(() => writeNpy(join(folder.path, "no", "X.npy"), floats([1])));
    expect(found).toMatch(/^write-failed: .*X\.npy was not written/);
    mkdirSync(join(folder.path, "taken.npy"));
    await errorOf(() => writeNpy(join(folder.path, "taken.npy"), floats([1])));
    expect(readdirSync(folder.path)).toEqual(["taken.npy"]);
  });
});

describe("seeded mutations throw nothing but a GraftError", () => {
  it.each(["f8_big_F.npy", "U_little.npy", "S.npy", "version2.npy", "f2_special.npy"])(
    "%s",
    async (name) => {
      const original = readFileSync(fixture(name));
      const random = seeded(11);
      let refused = 0;
      for (let round = 0; round < 400; round++) {
        const path = temporary.write("mutated.npy", mutate(original, random));
        if ((await errorOf(() => readNpy(path))) !== "no error") refused++;
      }
      expect(refused).toBeGreaterThan(100);
    },
  );
});
