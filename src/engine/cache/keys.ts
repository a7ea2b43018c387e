// Names of what is in the bottleneck store: content only, never file names or paths. So editing the head reuses
// everything, touching the frozen part invalidates exactly what it must, and a sample is the same sample anywhere.
import { createHash } from "node:crypto";
import { refName, type Model } from "../graph/model";
import { pathTo } from "../ops/run";

/** Raised when the meaning of stored bytes changes. */
const STORE_VERSION = 1;

/** Who computes: bottlenecks of different backends differ in the last bits. */
export interface Computer {
  readonly name: string;
  readonly version: string;
}

/**
 * The key of a space: the canonical frozen part (ops, attributes and edges without their names, hashes of the values
 * that its variables have now, the scalars fed to it), the cut, and the backend.
 */
export function spaceKey(
  model: Model,
  bottlenecks: readonly string[],
  variableHash: (name: string) => string,
  { name, version }: Computer,
  scalars: ReadonlyMap<string, number>,
): string {
  const { nodes } = pathTo(model, bottlenecks);
  const place = new Map(nodes.map((node, index) => [node.name, index]));
  const canonical = nodes.map((node) => ({
    op: node.op,
    attributes: node.attributes,
    inputs: node.inputs.map((input) =>
      "variable" in input ? variableHash(input.variable) : place.get(refName(input)),
    ),
    // Which input a placeholder is matters: two of them feed different data.
    ...(node.op === "Placeholder" && {
      input: model.roles.inputs.indexOf(node.name),
      fed: scalars.get(node.name),
    }),
  }));
  const cut = bottlenecks.map((each) => place.get(each));
  const text = JSON.stringify({
    version: STORE_VERSION,
    canonical,
    cut,
    computer: { name, version },
    dtype: "float32",
  });
  return createHash("sha256").update(text).digest("hex");
}

/** The key of a sample: type, shape and raw bytes of everything that is fed for it. */
export function sampleKey(
  parts: readonly { shape: readonly number[]; bytes: Uint8Array; dtype: string }[],
): string {
  const hash = createHash("sha256");
  for (const { shape, bytes, dtype } of parts)
    hash.update(`${dtype} ${shape.join(",")}\u0000`).update(bytes);
  return hash.digest("hex");
}
