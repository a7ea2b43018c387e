// Writes V1 checkpoints: one table with the list of tensors first and every tensor as one slice.
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { numberOf } from "./dtypes";
import { writeFailed } from "./errors";
import { sliceKey, WHOLE } from "./orderedcode";
import { SavedSliceSchema, SavedTensorSlicesSchema } from "./proto/tensorflow_pb";
import { SLICES_VERSION } from "./slices";
import { encodeValues, isV1Type } from "./slicevalues";
import { staged, type Staging } from "./staging";
import { tableWriter } from "./tablewriter";
import { readChecked, sortedByName, type WritableTensor } from "./writable";

/** Complete or not at all. Returns the file. */
export const writeSlices = (
  path: string,
  tensors: readonly WritableTensor[],
): Promise<readonly string[]> => staged(path, (staging) => stageSlices(staging, path, tensors));

/** TensorFlow reads no longer message. */
const MAX_MESSAGE = 2 ** 31 - 1;

export async function stageSlices(
  staging: Staging,
  path: string,
  tensors: readonly WritableTensor[],
): Promise<void> {
  for (const { name, dtype } of tensors)
    if (!isV1Type(dtype))
      throw writeFailed(
        path,
        `TensorFlow's V1 format cannot hold "${name}" of ${dtype}; save from a V2 checkpoint instead`,
      );
  const sorted = sortedByName(path, tensors);
  const keyed = sorted
    .map((tensor) => ({ tensor, key: sliceKey(tensor.name, whole(tensor)) }))
    .sort((a, b) => Buffer.compare(a.key, b.key));
  await staging.create(path, async (sink) => {
    const table = tableWriter(sink);
    await table.add(new Uint8Array(0), list(sorted));
    for (const { tensor, key } of keyed) {
      const value = savedSlice(tensor, encodeValues(tensor.dtype, await readChecked(path, tensor)));
      if (value.length > MAX_MESSAGE)
        throw writeFailed(path, `"${tensor.name}" is too large for TensorFlow's V1 format`);
      await table.add(key, value);
    }
    await table.finish();
  });
}

const whole = ({ shape }: WritableTensor) => shape.map(() => WHOLE);

/** An extent without a length is the whole axis. */
const wholeProto = ({ shape }: WritableTensor) => ({ extent: shape.map(() => ({})) });

function list(tensors: readonly WritableTensor[]): Uint8Array {
  const tensor = tensors.map((each) => ({
    name: each.name,
    shape: { dim: each.shape.map((size) => ({ size: BigInt(size) })) },
    type: numberOf(each.dtype),
    slice: [wholeProto(each)],
  }));
  const message = create(SavedTensorSlicesSchema, {
    meta: { tensor, versions: { producer: SLICES_VERSION } },
  });
  return toBinary(SavedTensorSlicesSchema, message);
}

/** SavedTensorSlices.data: name and slice through the generated class, the values as the bytes they are. */
function savedSlice(tensor: WritableTensor, values: Uint8Array): Uint8Array {
  const name = { name: tensor.name, slice: wholeProto(tensor) };
  return new BinaryWriter()
    .tag(2, WireType.LengthDelimited)
    .fork()
    .raw(toBinary(SavedSliceSchema, create(SavedSliceSchema, name)))
    .tag(3, WireType.LengthDelimited)
    .bytes(values)
    .join()
    .finish();
}
