// Graphs of ONNX operators made by hand, and what ONNX Runtime computes from them.
import { elements } from "../../../src/engine/graph/model";
import { nodesOf, type Graph, type Numbers, type Value } from "../../../src/engine/compile/graph";
import { forwardModel } from "../../../src/engine/compile/model";
import { Session } from "../../../src/engine/compile/session";

export const opsOf = (outputs: readonly Value[]): string[] => nodesOf(outputs).map(({ op }) => op);

export const float = (...shape: number[]) => ({ dtype: "float32", shape }) as const;
export const integer = (...shape: number[]) => ({ dtype: "int32", shape }) as const;
export const bool = (...shape: number[]) => ({ dtype: "bool", shape }) as const;

/** Numbers of both signs, no two alike. */
export function numbers({ dtype, shape }: Pick<Value, "dtype" | "shape">, seed: number): Numbers {
  const data = Array.from({ length: elements(shape) }, (_, index) => Math.sin(1.3 * index + seed));
  switch (dtype) {
    case "float32":
      return Float32Array.from(data);
    case "int32":
      return Int32Array.from(data, (value) => Math.round(5 * value));
    case "int64":
      return BigInt64Array.from(data, (value) => BigInt(Math.round(5 * value)));
    case "bool":
      return Uint8Array.from(data, (value) => Number(value > 0));
  }
}

/** The numbers of `outputs`, in order, for numbers of both signs in every input. */
export async function compute(
  { inputs }: Pick<Graph, "inputs">,
  outputs: readonly Value[],
): Promise<{ shape: readonly number[]; data: number[] }[]> {
  const model = forwardModel(
    inputs,
    new Map(outputs.map((value, index) => [`result ${index}`, value])),
  );
  const session = await Session.create(model, { threads: 1 });
  const results = await session.run(
    new Map(inputs.map((input, index) => [input.name, { ...input, data: numbers(input, index) }])),
  );
  await session.release();
  return outputs.map(({ shape }, index) => ({
    shape,
    data: Array.from(results.get(`result ${index}`)!, Number),
  }));
}
