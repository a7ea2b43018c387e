// String tensors as one run of bytes: per item a little-endian u32 length and the bytes. What `read` gives and hashes are taken of.
import { GraftError } from "../../../protocol/errors";

export function packStrings(items: readonly Uint8Array[]): Uint8Array {
  const packed = new Uint8Array(items.reduce((sum, item) => sum + 4 + item.length, 0));
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const item of items) {
    view.setUint32(at, item.length, true);
    packed.set(item, at + 4);
    at += 4 + item.length;
  }
  return packed;
}

export function unpackStrings(packed: Uint8Array): Uint8Array[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const items: Uint8Array[] = [];
  for (let at = 0; at < packed.length;) {
    const end = at + 4 <= packed.length ? at + 4 + view.getUint32(at, true) : Infinity;
    if (end > packed.length)
      throw new GraftError(
        "data-format",
        `A packed string tensor ends inside item ${items.length}.`,
      );
    items.push(packed.subarray(at + 4, end));
    at = end;
  }
  return items;
}
