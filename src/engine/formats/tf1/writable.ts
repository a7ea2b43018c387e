// What the writers take: tensors whose values are read one at a time, when their turn comes.
import type { DType } from "../../../protocol/checkpoint";
import { elements } from "../../graph/model";
import { elementBytes } from "./dtypes";
import { writeFailed } from "./errors";

export interface WritableTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Little-endian bytes in C order; of a string tensor, its items. */
  read(): Promise<Uint8Array | readonly Uint8Array[]>;
}

/** The value, once it has been found to fit the shape. */
export async function readChecked(
  path: string,
  tensor: WritableTensor,
): Promise<Uint8Array | readonly Uint8Array[]> {
  const value = await tensor.read();
  const isBytes = value instanceof Uint8Array;
  const count = elements(tensor.shape);
  const expected = isBytes ? count * elementBytes(tensor.dtype) : count;
  if (isBytes === (tensor.dtype === "string") || value.length !== expected)
    throw writeFailed(
      path,
      `"${tensor.name}" of ${tensor.dtype} [${tensor.shape.join(", ")}] takes ${expected} ${isBytes ? "bytes" : "strings"}, and its value has ${value.length}`,
    );
  return value;
}

/** In the order of the UTF-8 bytes of their names, which is that of the table's keys. */
export function sortedByName(
  path: string,
  tensors: readonly WritableTensor[],
): readonly WritableTensor[] {
  const keyed = tensors.map((tensor) => ({ tensor, key: Buffer.from(tensor.name, "utf8") }));
  keyed.sort((a, b) => Buffer.compare(a.key, b.key));
  keyed.forEach(({ tensor: { name } }, index) => {
    if (name === "" || name.startsWith("\0"))
      throw writeFailed(path, `"${name}" cannot be the name of a tensor`);
    if (name === keyed[index - 1]?.tensor.name)
      throw writeFailed(path, `two tensors are named "${name}"`);
  });
  return keyed.map(({ tensor }) => tensor);
}
