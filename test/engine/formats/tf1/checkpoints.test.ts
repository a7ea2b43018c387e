// Every stored tensor of every TensorFlow 1 fixture: name, type, shape and bytes.
import { describe, expect, test } from "vitest";
import { openTensors } from "../../../../src/engine/formats/tf1/tensors";
import { CASES, hashOf } from "./fixtures";

test("all cases are found", () => {
  expect(CASES.length).toBeGreaterThanOrEqual(28);
  expect(new Set(CASES.map(({ title }) => title)).size).toBe(CASES.length);
});

describe.each(CASES)("$title", ({ prefix, tensors, count }) => {
  test("tensors", async () => {
    const source = await openTensors(prefix);
    expect(source.tensors.size).toBe(count);
    expect([...source.tensors.keys()]).toEqual(expect.arrayContaining(Object.keys(tensors)));
    for (const [name, expected] of Object.entries(tensors)) {
      const found = source.tensors.get(name)!;
      expect(found.problem, name).toBeUndefined();
      expect({ name, dtype: found.dtype, shape: found.shape }).toEqual({
        name,
        dtype: expected.dtype,
        shape: expected.shape,
      });
      if (expected.nbytes !== undefined) expect(found.bytes, name).toBe(expected.nbytes);
      expect(await hashOf(source, name), name).toBe(expected.sha256);
    }
    await source.close();
  });
});
