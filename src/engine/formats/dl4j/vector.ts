// An entry that holds one flat vector of numbers: coefficients.bin and updaterState.bin. Opening reads its header only;
// the values are unpacked when the first of them is wanted.
import { elements, type Shape } from "../../graph/model";
import { corrupt } from "../tf1/errors";
import { dataInput } from "./datainput";
import {
  type ArrayHeader,
  bytesOfValues,
  ELEMENT_BYTES,
  encodeArrayHeader,
  MAX_HEADER_BYTES,
  readArrayHeader,
  reordered,
  swapped,
} from "./nd4j";
import type { Archive } from "./zip";

export interface Vector {
  readonly header: ArrayHeader;
  /** In numbers. */
  readonly length: number;
  /** Little-endian bytes of `count` numbers from `offset` on. */
  read(offset: number, count: number): Promise<Uint8Array>;
}

/** The vector in the entry called `name`. Throws `corrupt-file`, `unsupported-format`. */
export async function openVector(archive: Archive, name: string): Promise<Vector> {
  const title = `${name} in ${archive.path}`;
  const input = dataInput(title, await archive.readStart(name, MAX_HEADER_BYTES));
  const header = readArrayHeader(input);
  const { shape, dtype } = header;
  const start = input.position();
  const size = start + bytesOfValues(header);
  const found = archive.sizes.get(name)!;
  if (found !== size)
    throw corrupt(
      title,
      `for its ${shape.join(" × ")} numbers it needs ${size} bytes, and it has ${found}`,
    );
  if (shape.filter((each) => each !== 1).length > 1)
    throw corrupt(title, `it holds an array of shape [${shape.join(", ")}], not a flat vector`);
  const element = ELEMENT_BYTES[dtype];
  let bytes: Promise<Uint8Array> | undefined;
  return {
    header,
    length: bytesOfValues(header) / element,
    async read(offset, count) {
      const from = start + offset * element;
      const all = await (bytes ??= archive.read(name, size));
      return swapped(all.subarray(from, from + count * element), dtype);
    },
  };
}

/** A tensor to write into a vector. */
export interface Part {
  readonly shape: Shape;
  readonly order: "c" | "f";
  /** Little-endian, in C order. */
  read(): Promise<Uint8Array>;
}

/** The bytes of a vector of `parts`, in the number format of another one. */
export async function* encodeVector(
  { header }: Pick<Vector, "header">,
  parts: readonly Part[],
): AsyncGenerator<Uint8Array> {
  const { dtype, shape } = header;
  const length = parts.reduce((sum, part) => sum + elements(part.shape), 0);
  yield encodeArrayHeader({ ...header, shape: shape.length === 2 ? [1, length] : [length] });
  for (const part of parts) {
    const bytes = await part.read();
    if (bytes.length !== elements(part.shape) * ELEMENT_BYTES[dtype])
      throw new Error(`${bytes.length} bytes are no ${dtype} of shape [${part.shape.join(", ")}]`);
    yield swapped(part.order === "c" ? bytes : reordered(bytes, part.shape, dtype, "f"), dtype);
  }
}
