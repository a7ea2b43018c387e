// Damaged and hostile checkpoints: each must fail in a stated way, and leave the rest readable.
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { GraftError, type ErrorCode } from "../../../../src/protocol/errors";
import { readMetaGraph } from "../../../../src/engine/formats/tf1/meta";
import { openTensors } from "../../../../src/engine/formats/tf1/tensors";
import { fixture, hashOf, json, type ExpectedTensors } from "./fixtures";

interface Malformed {
  readonly must: string;
  readonly why: string;
  readonly tensors?: ExpectedTensors;
}

const EXPECTED = json(fixture("b7_malformed", "expected.json")) as Record<string, Malformed>;

/** What opening must throw. */
const NOT_OPENED: Readonly<Record<string, { code: ErrorCode; says: RegExp }>> = {
  ckpt_index_bitflip: { code: "checksum-mismatch", says: /block at byte 0/ },
  ckpt_index_bad_magic: { code: "corrupt-file", says: /magic number/ },
  ckpt_index_truncated: { code: "corrupt-file", says: /magic number/ },
  ckpt_index_empty: { code: "corrupt-file", says: /0 bytes/ },
  ckpt_index_garbage: { code: "corrupt-file", says: /magic number/ },
  ckpt_index_handle_past_end: { code: "corrupt-file", says: /a block is said to lie at bytes/ },
  ckpt_unknown_compression: { code: "unsupported-format", says: /compression 9/ },
  ckpt_big_endian_header: { code: "unsupported-format", says: /big-endian/ },
  ckpt_min_consumer_99: { code: "unsupported-format", says: /version 99/ },
  ckpt_num_shards_2e31: { code: "corrupt-file", says: /2147483647 data files/ },
  ckpt_header_garbage: { code: "corrupt-file", says: /header/ },
  ckptv1_truncated: { code: "corrupt-file", says: /its end is missing/ },
  ckptv1_bitflip: { code: "checksum-mismatch", says: /block at byte 0/ },
};

interface Damage {
  readonly names: readonly string[];
  readonly code: ErrorCode;
  readonly says: RegExp;
  /** Only reading the values shows it. */
  readonly onRead?: true;
}

const MINI = ["biases", "weights"].flatMap((name) =>
  ["hidden1", "hidden2", "hidden3", "outputs"].map((layer) => `${layer}/${name}`),
);
const without = (name: string) => MINI.filter((each) => each !== name);

/** Which tensors must be listed with a problem; the others must be read. */
const DAMAGED: Readonly<Record<string, Damage>> = {
  ckpt_data_truncated: {
    names: without("hidden1/biases"),
    code: "corrupt-file",
    says: /said to lie at bytes \d+ to \d+ of .*data-00000-of-00001, which has 3850/,
  },
  ckpt_data_bitflip: {
    names: ["hidden1/biases"],
    code: "checksum-mismatch",
    says: /data-00000-of-00001: the checksum of tensor "hidden1\/biases" at byte 0/,
    onRead: true,
  },
  ckpt_data_empty: { names: MINI, code: "corrupt-file", says: /which has 0/ },
  ckpt_data_missing: { names: MINI, code: "missing-shard", says: /data-00000-of-00001 is missing/ },
  ckpt_entry_past_end: { names: ["outputs/weights"], code: "corrupt-file", says: /said to lie/ },
  ckpt_entry_offset_2e62: {
    names: ["outputs/weights"],
    code: "corrupt-file",
    says: /bytes 4611686018427387904 to/,
  },
  ckpt_entry_negative_offset: {
    names: ["outputs/weights"],
    code: "corrupt-file",
    says: /bytes -8/,
  },
  ckpt_huge_shape: {
    names: ["hidden1/weights"],
    code: "corrupt-file",
    says: /more elements than can be counted/,
  },
  ckpt_big_shape_small_size: {
    names: ["hidden1/weights"],
    code: "corrupt-file",
    says: /needs 4294967296 bytes, and the index says 96/,
  },
  ckpt_negative_dim: {
    names: ["hidden1/weights"],
    code: "corrupt-file",
    says: /negative dimension/,
  },
  ckpt_size_mismatch: { names: ["hidden1/weights"], code: "corrupt-file", says: /needs 96 bytes/ },
  ckpt_bad_dtype: { names: ["hidden1/weights"], code: "unsupported-format", says: /type 77/ },
  ckpt_shard_id_7: { names: ["hidden1/weights"], code: "corrupt-file", says: /data file 7 of 1/ },
};

const META: Readonly<Record<string, RegExp | "listed">> = {
  meta_truncated: /not a valid MetaGraphDef/,
  meta_empty: /is empty/,
  meta_deep_nesting: /no nodes/,
  meta_garbage: /not a valid MetaGraphDef/,
  meta_len_past_end: /not a valid MetaGraphDef/,
  meta_varint_overlong: /not a valid MetaGraphDef/,
  // What is wrong with these graphs, the graph import says.
  meta_cycle: "listed",
  meta_self_cycle: "listed",
  meta_dangling_input: "listed",
  meta_duplicate_names: "listed",
  meta_unknown_op: "listed",
};

const isState = (name: string) => name.startsWith("state_"); // in match.test.ts

test("every case is in one table", () => {
  const listed = [
    ...Object.keys({ ...NOT_OPENED, ...DAMAGED, ...META }),
    ...Object.keys(EXPECTED).filter((name) => EXPECTED[name]!.tensors || isState(name)),
  ];
  expect([...new Set(listed)].sort()).toEqual(Object.keys(EXPECTED).sort());
});

const prefixOf = (name: string): string =>
  ["m.ckpt", "my_model_final.ckpt"]
    .map((base) => fixture("b7_malformed", name, base))
    .find((prefix) => existsSync(`${prefix}.index`) || existsSync(prefix))!;

const failure = async (work: Promise<unknown>): Promise<GraftError> => {
  const error = await work.then(
    () => new Error("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(GraftError);
  return error as GraftError;
};

describe.each(Object.entries(NOT_OPENED))("%s", (name, { code, says }) => {
  test(EXPECTED[name]!.must, async () => {
    const error = await failure(openTensors(prefixOf(name)));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(says);
    expect(error.message).toContain(prefixOf(name));
  });
});

/** What the damaged files held, by the name of their prefix. */
const WHOLE: Readonly<Record<string, ExpectedTensors>> = {
  "m.ckpt": EXPECTED["ckpt_handmade_ok"]!.tensors!,
  "my_model_final.ckpt": (
    json(fixture("b1_mini_v2", "expected.json")) as { variables: ExpectedTensors }
  ).variables,
};

describe.each(Object.entries(DAMAGED))("%s", (name, { names, code, says, onRead }) => {
  const prefix = prefixOf(name);
  const whole = WHOLE[basename(prefix)]!;

  test(EXPECTED[name]!.must, async () => {
    const source = await openTensors(prefix);
    expect([...source.tensors.keys()].sort()).toEqual(Object.keys(whole).sort());
    for (const [tensor, expected] of Object.entries(whole)) {
      const { problem } = source.tensors.get(tensor)!;
      if (!names.includes(tensor)) {
        expect(problem, tensor).toBeUndefined();
        expect(await hashOf(source, tensor), tensor).toBe(expected.sha256);
        continue;
      }
      const error = await failure(source.read(tensor));
      expect(error.code).toBe(code);
      expect(error.message).toMatch(says);
      expect(error.message).toContain(tensor);
      expect(problem).toBe(onRead ? undefined : error.message);
    }
    await source.close();
  });
});

const FINE = Object.entries(EXPECTED).flatMap(([name, { must, tensors }]) =>
  tensors ? [{ name, must, tensors }] : [],
);

test.each(FINE)("$name: $must", async ({ name, tensors }) => {
  const source = await openTensors(prefixOf(name));
  expect([...source.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
  for (const [tensor, expected] of Object.entries(tensors)) {
    expect(source.tensors.get(tensor)).toMatchObject({
      dtype: expected.dtype,
      shape: expected.shape,
    });
    expect(await hashOf(source, tensor), tensor).toBe(expected.sha256);
  }
  await source.close();
});

test.each(Object.entries(META))("%s", async (name, outcome) => {
  const reading = readMetaGraph(fixture("b7_malformed", name, "m.ckpt.meta"));
  if (outcome === "listed") {
    expect((await reading)!.graphDef!.node.length).toBeGreaterThan(0);
    return;
  }
  const error = await failure(reading);
  expect(error.code).toBe("corrupt-file");
  expect(error.message).toMatch(outcome);
});
