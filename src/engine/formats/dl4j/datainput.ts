// Bytes as java.io.DataInputStream reads and DataOutputStream writes them: big-endian numbers, strings with their length.
// Nothing here knows Java's object serialization, and nothing may.
import { corrupt } from "../tf1/errors";

/** A cursor over bytes of an entry of a file. Every read past the end is a `corrupt-file`. */
export interface DataInput {
  /** "coefficients.bin in model.zip" */
  readonly title: string;
  position(): number;
  flag(): boolean;
  int(): number;
  /** Throws `corrupt-file` beyond 2^53. */
  long(): number;
  double(): number;
  utf(): string;
  /** The next `length` bytes, where they lie. */
  bytes(length: number): Uint8Array;
}

export function dataInput(title: string, all: Uint8Array): DataInput {
  const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
  let at = 0;
  const next = (length: number): number => {
    if (length > all.length - at)
      throw corrupt(title, `it ends at byte ${all.length}, and ${at + length} are needed`);
    at += length;
    return at - length;
  };
  const bytes = (length: number): Uint8Array => {
    const start = next(length);
    return all.subarray(start, start + length);
  };
  return {
    title,
    position: () => at,
    flag: () => view.getUint8(next(1)) !== 0,
    int: () => view.getInt32(next(4)),
    long() {
      const value = Number(view.getBigInt64(next(8)));
      if (Number.isSafeInteger(value)) return value;
      throw corrupt(title, `it has the number ${value} at byte ${at - 8}`);
    },
    double: () => view.getFloat64(next(8)),
    // Java's own encoding of the characters that are not ASCII is in no name that matters here.
    utf: () => Buffer.from(bytes(view.getUint16(next(2)))).toString("latin1"),
    bytes,
  };
}

export function utf(text: string): Uint8Array {
  const bytes = Buffer.alloc(2 + text.length);
  bytes.writeUInt16BE(text.length);
  bytes.write(text, 2, "latin1");
  return bytes;
}

export function int(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function long(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}
