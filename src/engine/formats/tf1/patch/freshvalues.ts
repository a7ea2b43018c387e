// What a new variable starts from in the graph's own init op: ops with the formula of the model's initializer.
import type { Value, Variable } from "../../../graph/model";
import * as attribute from "../emit/attributes";
import { numberOf } from "../dtypes";
import type { PatchedGraph } from "./graph";
import { numbers, zeros } from "./tensors";

export interface InitialValue {
  readonly tensor: string;
  /** Whether the op computes what the model says: zeros stand in where it cannot. */
  readonly isExact: boolean;
}

/** Truncated at two standard deviations, a normal has this one: TensorFlow's variance scaling divides by it. */
const TRUNCATED_DEVIATION = 0.87962566103423978;

export function initialValue(graph: PatchedGraph, variable: Variable): InitialValue {
  const { value, dtype, shape, name } = variable;
  const scope = `${name}/Initializer`;
  const initializer = initializerOf(value);
  const isFloat = dtype === "float32" || dtype === "float64";
  const random = (op: string, from: number, width: number): InitialValue => {
    const below = `${scope}/${op === "RandomUniform" ? "random_uniform" : "truncated_normal"}`;
    const constant = (suffix: string, number: number) =>
      graph.addConstant(`${below}/${suffix}`, numbers(dtype, [], [number]));
    const step = (suffix: string, kind: string, inputs: readonly string[]) =>
      graph.add({
        name: `${below}${suffix}`,
        op: kind,
        inputs,
        attributes: { T: attribute.ofType(dtype) },
      });
    const drawn = graph.add({
      name: `${below}/${op}`,
      op,
      inputs: [graph.addConstant(`${below}/shape`, numbers("int32", [shape.length], shape))],
      attributes: {
        T: attribute.ofType("int32"),
        dtype: attribute.ofType(dtype),
        seed: attribute.integer(0),
        seed2: attribute.integer(0),
      },
    });
    const scaled = step("/mul", "Mul", [drawn, constant("scale", width)]);
    return { tensor: step("", "Add", [scaled, constant("offset", from)]), isExact: true };
  };
  const vector = isFloat && initializer === undefined ? vectorOf(value) : undefined;
  if (vector !== undefined)
    return {
      tensor: graph.addConstant(`${scope}/Const`, numbers(dtype, shape, vector)),
      isExact: true,
    };
  switch (isFloat ? initializer?.initializer : undefined) {
    case "glorotUniform": {
      const limit = Math.sqrt(6 / (initializer!.fanIn + initializer!.fanOut));
      return random("RandomUniform", -limit, 2 * limit);
    }
    case "heNormal": {
      const deviation = Math.sqrt(2 / initializer!.fanIn) / TRUNCATED_DEVIATION;
      return random("TruncatedNormal", 0, deviation);
    }
    case "ones":
      return {
        tensor: graph.addConstant(`${scope}/ones`, numbers(dtype, shape, [1])),
        isExact: true,
      };
    default:
      return {
        tensor: graph.addConstant(`${scope}/zeros`, zeros(numberOf(dtype), shape)),
        isExact: initializer?.initializer === "zeros",
      };
  }
}

/** The numbers of a vector that is put together from zeros and ones, such as a batch norm's scale. */
function vectorOf(value: Value): readonly number[] | undefined {
  switch (value.from) {
    case "initializer": {
      const { initializer, shape } = value;
      const isConstant = initializer === "zeros" || initializer === "ones";
      if (!isConstant || shape.length !== 1) return undefined;
      return Array<number>(shape[0]).fill(initializer === "ones" ? 1 : 0);
    }
    case "concat": {
      const parts = value.parts.map(vectorOf);
      return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
    }
    case "take": {
      const part = vectorOf(value.part);
      return part && value.indices.map((index) => part[index]);
    }
    case "scale":
      return vectorOf(value.part)?.map((number, index) => number * value.factors[index]);
    case "stored":
    case "sum":
    case "power":
    case "transpose":
      return undefined;
  }
}

type Fresh = Extract<Value, { from: "initializer" }>;

/** Undefined where the value is put together from others. */
const initializerOf = (value: Value): Fresh | undefined =>
  value.from === "initializer" ? value : undefined;
