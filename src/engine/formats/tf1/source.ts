// A TensorSource over tensors that are stored in one or several pieces. What a piece is, V1 and V2 decide.
import type { DType } from "../../../protocol/checkpoint";
import { GraftError } from "../../../protocol/errors";
import type { StoredTensor, TensorSource } from "../format";
import { boxElements, eachRun, type Box } from "./box";
import { allocate } from "./bytefile";
import { elementBytes } from "./dtypes";
import { corrupt, unknownTensor, type Problem } from "./errors";
import { packStrings } from "./strings";

export interface Stored<Piece> {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly elements: number;
  readonly bytes: number;
  readonly problem?: Problem;
  /** A piece without a box is the whole tensor. */
  readonly pieces: readonly { readonly piece: Piece; readonly box?: Box }[];
}

/** How to read the pieces of a kind of file. Both check that they return exactly `elements` elements. */
export interface PieceReader<Piece> {
  bytes(tensor: Stored<Piece>, piece: Piece, elements: number): Promise<Uint8Array>;
  strings(tensor: Stored<Piece>, piece: Piece, elements: number): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}

export function tensorSource<Piece>(
  path: string,
  stored: ReadonlyMap<string, Stored<Piece>>,
  reader: PieceReader<Piece>,
): TensorSource {
  const readable = (name: string): Stored<Piece> => {
    const tensor = stored.get(name);
    if (!tensor) throw unknownTensor(path, name);
    if (tensor.problem) throw new GraftError(tensor.problem.code, tensor.problem.message);
    return tensor;
  };
  const readStrings = async (name: string): Promise<readonly Uint8Array[]> => {
    const tensor = readable(name);
    if (tensor.dtype !== "string") throw new Error(`${name} is not a string tensor`);
    const items = new Array<Uint8Array>(tensor.elements);
    await assemble(path, tensor, async (piece, box) => {
      const part = await reader.strings(tensor, piece, elementsOf(tensor, box));
      return (from, to, count) => {
        for (let index = 0; index < count; index++) items[to + index] = part[from + index]!;
      };
    });
    return items;
  };
  return {
    tensors: new Map([...stored].map(([name, tensor]) => [name, describe(tensor)])),
    readStrings,
    async read(name) {
      const tensor = readable(name);
      if (tensor.dtype === "string") return packStrings(await readStrings(name));
      const [first, ...others] = tensor.pieces;
      if (first && !first.box && others.length === 0)
        return reader.bytes(tensor, first.piece, tensor.elements);
      const size = elementBytes(tensor.dtype);
      const whole = allocate(tensor.elements * size, path);
      await assemble(path, tensor, async (piece, box) => {
        const part = await reader.bytes(tensor, piece, elementsOf(tensor, box));
        return (from, to, count) =>
          whole.set(part.subarray(from * size, (from + count) * size), to * size);
      });
      return whole;
    },
    close: () => reader.close(),
  };
}

/** What is wrong with how the boxes cover the tensor, as far as their sizes tell. */
export function coverageProblem(boxes: readonly (Box | undefined)[], elements: number) {
  const covered = boxes.reduce((sum, box) => sum + (box ? boxElements(box) : elements), 0);
  return covered === elements
    ? undefined
    : `its slices hold ${covered} elements and its shape has ${elements}`;
}

const elementsOf = (tensor: Stored<unknown>, box: Box | undefined): number =>
  box ? boxElements(box) : tensor.elements;

const describe = ({ name, dtype, shape, bytes, problem }: Stored<unknown>): StoredTensor => ({
  name,
  dtype,
  shape,
  bytes,
  ...(problem && { problem: problem.message }),
});

type Copy = (inPiece: number, inWhole: number, count: number) => void;

async function assemble<Piece>(
  path: string,
  tensor: Stored<Piece>,
  load: (piece: Piece, box: Box | undefined) => Promise<Copy>,
): Promise<void> {
  // The sizes add up (checked on opening), so slices that overlap leave a hole somewhere.
  const covered = tensor.pieces.length > 1 ? allocate(tensor.elements, path) : undefined;
  for (const { piece, box } of tensor.pieces) {
    const copy = await load(piece, box);
    if (!box) {
      copy(0, 0, tensor.elements);
      continue;
    }
    eachRun(box, tensor.shape, (from, to, count) => {
      copy(from, to, count);
      covered?.fill(1, to, to + count);
    });
  }
  if (covered?.includes(0))
    throw corrupt(path, `slices of tensor "${tensor.name}" overlap and leave elements out`);
}
