import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { describeNpz, readNpz } from "../../../src/engine/data/npz";
import { errorOf, fixture, mutate, seeded, temporaryFolder } from "./helpers";
import { zipFile } from "./zip";

const temporary = temporaryFolder();
const expected = JSON.parse(readFileSync(fixture("expected.json"), "utf8")) as Record<
  string,
  { values: string[] }
>;

describe.each(["stored.npz", "deflated.npz"])("%s", (file) => {
  it("lists its arrays without reading them", async () => {
    const { arrays, problems } = await describeNpz(fixture(file));
    expect([...arrays]).toEqual([
      ["X", { dtype: "uint8", shape: [12, 8, 8] }],
      ["y", { dtype: "int64", shape: [12] }],
      ["names", { dtype: "string", shape: [3] }],
    ]);
    expect(problems.size).toBe(0);
  });

  it.each(["X", "y", "names"])("has the values of %s", async (name) => {
    const { data } = await readNpz(fixture(file), name);
    expect(Array.from(data as ArrayLike<unknown>, String)).toEqual(
      expected[`${file}:${name}`]!.values,
    );
  });

  it("says what it has when a name is wrong", async () => {
    expect(await errorOf(() => readNpz(fixture(file), "Z"))).toBe(
      `data-missing: ${file} has no array "Z"; it has X, y, names.`,
    );
  });
});

it("reads an array of zeros, which deflates as well as deflate can", async () => {
  const { shape, data } = await readNpz(fixture("zeros.npz"), "X");
  expect(shape).toEqual([1000, 500]);
  expect(data.length).toBe(500_000);
});

const values = readFileSync(fixture("f4_little_C.npy"));

describe("zip files made by hand", () => {
  it("takes a name as a name and not as a path", async () => {
    const path = temporary.write("deep.npz", zipFile([{ name: "a/b.npy", content: values }]));
    expect([...(await describeNpz(path)).arrays.keys()]).toEqual(["a/b"]);
  });

  it("shows the arrays beside one that cannot be read, and ignores other files", async () => {
    const object = readFileSync(fixture("object.npy"));
    const entries = [
      { name: "bad.npy", content: object },
      { name: "good.npy", content: values },
      { name: "readme.txt", content: Buffer.from("hello") },
    ];
    const path = temporary.write("mixed.npz", zipFile(entries));
    const { arrays, problems } = await describeNpz(path);
    expect([...arrays.keys()]).toEqual(["good"]);
    expect(problems.get("bad")).toMatch(/^bad in mixed\.npz: holds Python objects/);
  });

  const one = { name: "X.npy", content: values };
  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ["no zip", Buffer.from("hello"), /^data-format: .* is not a readable \.npz/],
    ["a path out of the archive", zipFile([{ ...one, name: "../X.npy" }]), /^data-format: .*\.\./],
    ["an absolute path", zipFile([{ ...one, name: "/X.npy" }]), /^data-format: .*absolute/],
    ["two arrays of one name", zipFile([one, one]), /two arrays called "X"/],
    ["an encrypted entry", zipFile([{ ...one, flags: 1 }]), /encrypted|mismatch/],
    ["another compression", zipFile([{ ...one, method: 14 }]), /compressed by method 14/],
    [
      "a changed byte",
      zipFile([{ ...one, crc: 1 }]),
      /^checksum-mismatch: X in bad\.npz is damaged/,
    ],
    [
      "a bomb: a few bytes that claim 3 GB",
      zipFile([{ ...one, method: 8, uncompressedSize: 3e9 }]),
      /claims to unpack from \d+ to 3000000000 bytes, which is impossible/,
    ],
    [
      "a deflated entry that holds more than it says",
      zipFile([{ ...one, method: 8, uncompressedSize: values.length - 4 }]),
      /^data-format: /,
    ],
    [
      "a deflated entry that holds less than it says",
      zipFile([{ ...one, method: 8, uncompressedSize: values.length + 4 }]),
      /^data-format: /,
    ],
    [
      "an Excel workbook",
      zipFile([{ name: "xl/workbook.xml", content: Buffer.from("<x/>") }]),
      /Excel workbook/,
    ],
  ];
  it.each(cases)("refuses %s", async (_, content, message) => {
    const path = temporary.write("bad.npz", content);
    expect(await errorOf(() => readNpz(path, "X"))).toMatch(message);
  });
});

describe("seeded mutations throw nothing but a GraftError", () => {
  it.each(["stored.npz", "deflated.npz"])("%s", async (file) => {
    const original = readFileSync(fixture(file));
    const random = seeded(5);
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const path = temporary.write("mutated.npz", mutate(original, random));
      await errorOf(() => describeNpz(path));
      for (const name of ["X", "y"]) {
        if ((await errorOf(() => readNpz(path, name))) !== "no error") refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});
