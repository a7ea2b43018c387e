// Writes V2 checkpoints: one data file and its index.
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { dataPath, indexPath } from "./bundle";
import { BUNDLE_VERSION } from "./bundleheader";
import { extendCrc, maskCrc } from "./crc";
import { numberOf } from "./dtypes";
import { BundleEntryProtoSchema, BundleHeaderProtoSchema } from "./proto/tensorflow_pb";
import { fixed32 } from "./shards";
import { staged, type Staging } from "./staging";
import { tableWriter, type Sink } from "./tablewriter";
import { varint } from "./varint";
import { readChecked, sortedByName, type WritableTensor } from "./writable";

/** Complete or not at all. Returns the files, the index last. */
export const writeBundle = (
  prefix: string,
  tensors: readonly WritableTensor[],
): Promise<readonly string[]> => staged(prefix, (staging) => stageBundle(staging, prefix, tensors));

/** Stages the data file, calls `between`, then stages the index: the file that makes the checkpoint valid. */
export async function stageBundle(
  staging: Staging,
  prefix: string,
  tensors: readonly WritableTensor[],
  between?: () => Promise<void>,
): Promise<void> {
  const entries: { key: Uint8Array; value: Uint8Array }[] = [];
  await staging.create(dataPath(prefix, 0, 1), async (sink) => {
    let offset = 0;
    for (const tensor of sortedByName(prefix, tensors)) {
      const { size, crc } = await writeValue(sink, await readChecked(prefix, tensor));
      entries.push({
        key: Buffer.from(tensor.name, "utf8"),
        value: entry(tensor, offset, size, crc),
      });
      offset += size;
    }
  });
  await between?.();
  await staging.create(indexPath(prefix), async (sink) => {
    const table = tableWriter(sink);
    await table.add(new Uint8Array(0), header());
    for (const { key, value } of entries) await table.add(key, value);
    await table.finish();
  });
}

const header = (): Uint8Array =>
  toBinary(
    BundleHeaderProtoSchema,
    create(BundleHeaderProtoSchema, { numShards: 1, version: { producer: BUNDLE_VERSION } }),
  );

function entry(tensor: WritableTensor, offset: number, size: number, crc: number): Uint8Array {
  const message: MessageInitShape<typeof BundleEntryProtoSchema> = {
    dtype: numberOf(tensor.dtype),
    shape: { dim: tensor.shape.map((length) => ({ size: BigInt(length) })) },
    offset: BigInt(offset),
    size: BigInt(size),
    crc32c: maskCrc(crc),
  };
  return toBinary(BundleEntryProtoSchema, create(BundleEntryProtoSchema, message));
}

/** Strings as `splitStrings` in shards.ts reads them. */
async function writeValue(
  sink: Sink,
  value: Uint8Array | readonly Uint8Array[],
): Promise<{ size: number; crc: number }> {
  let size = 0;
  let crc = 0;
  const put = async (bytes: Uint8Array) => {
    await sink.write(bytes);
    size += bytes.length;
  };
  if (value instanceof Uint8Array) {
    await put(value);
    return { size, crc: extendCrc(0, value) };
  }
  for (const { length } of value) {
    await put(Uint8Array.from(varint(length)));
    crc = extendCrc(crc, fixed32(length));
  }
  for (const part of [fixed32(maskCrc(crc)), ...value]) {
    await put(part);
    crc = extendCrc(crc, part);
  }
  return { size, crc };
}
