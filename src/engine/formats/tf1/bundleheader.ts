// The header of a V2 index: how many data files there are, and whether Graft can read them.
import { corrupt, unsupported } from "./errors";
import { decode } from "./decode";
import { BundleHeaderProto_Endianness, BundleHeaderProtoSchema } from "./proto/tensorflow_pb";

/** The version of the format that this code reads and writes. */
export const BUNDLE_VERSION = 1;

/** File names have five digits for it. */
const MAX_SHARDS = 99_999;

/** The number of data files. */
export function bundleHeader(bytes: Uint8Array, path: string): number {
  const { numShards, endianness, version } = decode(
    BundleHeaderProtoSchema,
    bytes,
    path,
    "its header",
  );
  if ((version?.minConsumer ?? 0) > BUNDLE_VERSION)
    throw unsupported(
      path,
      `it needs a reader of version ${version?.minConsumer} of the format, and Graft's is ${BUNDLE_VERSION}; save it with an older TensorFlow`,
    );
  if (version?.badConsumers.includes(BUNDLE_VERSION))
    throw unsupported(
      path,
      `its writer says that version ${BUNDLE_VERSION} of the format cannot read it`,
    );
  if (endianness !== BundleHeaderProto_Endianness.LITTLE)
    throw unsupported(
      path,
      "it was written on a big-endian machine, which Graft does not read; save it again on a little-endian one",
    );
  if (numShards < 1 || numShards > MAX_SHARDS)
    throw corrupt(path, `its header says that there are ${numShards} data files`);
  return numShards;
}
