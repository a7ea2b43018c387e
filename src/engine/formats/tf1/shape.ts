// Shapes as files state them, checked before anything is computed from them.
import type { TensorShapeProto } from "./proto/tensorflow_pb";

export interface StatedShape {
  readonly shape: readonly number[];
  /** 0 where there is a problem. */
  readonly elements: number;
  readonly problem?: string;
}

/** TensorFlow's own limit. */
const MAX_RANK = 254;

export function statedShape(proto: TensorShapeProto | undefined): StatedShape {
  const shape = proto?.dim.map(({ size }) => Number(size)) ?? [];
  const wrong = (problem: string): StatedShape => ({ shape, elements: 0, problem });
  if (proto?.unknownRank) return wrong("its shape is unknown");
  if (shape.length > MAX_RANK)
    return { shape: [], elements: 0, problem: `its shape has ${shape.length} dimensions` };
  if (shape.some((size) => size < 0))
    return wrong(`its shape [${shape.join(", ")}] has a negative dimension`);
  const elements = shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
  return Number.isSafeInteger(elements)
    ? { shape, elements }
    : wrong(`its shape [${shape.join(", ")}] has more elements than can be counted`);
}
