// Convolutions in ONNX Runtime's blocked layout against those of TensorFlow.js' cpu backend.
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ModelProtoSchema } from "../../../src/engine/compile/onnx/onnx_pb";
import { channelBlock } from "../../../src/engine/compile/probe";
import { traceForward } from "../../../src/engine/compile/program";
import { chooseExecutor } from "../../../src/engine/train/backend";
import { CONVOLUTIONS, convolutions, nameOf, type Case } from "../gradients/cases";
import { expectResult } from "../gradients/compare";
import { x } from "../gradients/inputs";
import { compiledGradients, gradients, valueAndGradients } from "../gradients/run";
import { handmade } from "../handmade";

/** Sums of up to a thousand terms. */
const TOLERANCE = 5e-5;

/** Multiples of every block that there is. */
const FILLING = [
  ...convolutions("Conv2D", CONVOLUTIONS, 16, 32),
  ...convolutions("Conv2D", [[[6, 5], 3, 1, 1]], 32, 16),
];

const withImages = (each: Case, images: number): Case => ({
  ...each,
  inputs: [x([images, ...each.inputs[0].shape.slice(1)]), each.inputs[1]],
});

const [first] = FILLING;
const named = (each: Case, what = ""): [string, Case] => [`${nameOf(each)}${what}`, each];
const CASES = [
  ...FILLING.map((each) => named(each)),
  named(withImages(first, 16), ", as many images as a block"),
  named(withImages(first, 17), ", one image more"),
];
const block = await channelBlock();
await chooseExecutor("cpu", handmade({ nodes: [] }), { trained: new Set(), note: () => {} });

function operators(each: Case): string[] {
  const types = new Map(
    each.inputs.map(({ shape, dtype }, index) => [`${index}`, { shape, dtype }] as const),
  );
  const { model } = traceForward(
    types,
    (fed) =>
      new Map(
        valueAndGradients(each, [...fed.values()]).map((tensor, index) => [`${index}`, tensor]),
      ),
    { block },
  );
  return fromBinary(ModelProtoSchema, model).graph!.node.flatMap(({ domain, opType }) =>
    /Conv/.test(opType) ? [`${domain}::${opType}`] : [],
  );
}

test.runIf(process.arch === "x64")("this processor has blocked operators", () => {
  expect([8, 16]).toContain(block);
});

describe.runIf(block !== undefined)("blocked", () => {
  test.each(CASES)("value and gradients of %s", async (_, each) => {
    expectResult(await compiledGradients(each, { block }), await gradients(each, "cpu"), TOLERANCE);
  });

  test("another block yields other numbers, so that the probe tells them apart", async () => {
    const [wide] = convolutions("Conv2D", [[[6, 5], 3, 1, 1]], 32, 32);
    const each = withImages(wide, 16);
    const other = await compiledGradients(each, { block: block === 16 ? 8 : 16 });
    const right = await gradients(each, "cpu");
    expectResult(await compiledGradients(each, { block }), right, TOLERANCE);
    expect(() => expectResult(other, right, TOLERANCE)).toThrow();
  });

  test("forward, by image and by kernel are all blocked where channels fill blocks", () => {
    const conv = "com.microsoft.nchwc::Conv";
    expect(operators(first)).toEqual([conv, conv, conv]);
  });

  test("other channels are not", () => {
    const [other] = convolutions("Conv2D", CONVOLUTIONS, 16, 12);
    expect(operators(other)).toEqual(["::Conv", "::ConvTranspose", "::Conv"]);
  });
});
