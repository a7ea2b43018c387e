// The key of one slice of a tensor: name and extents, coded so that keys sort as their parts do.
// https://github.com/google/orderedcode describes the code; TensorFlow's EncodeTensorNameSlice the parts.

/** Start and length per axis; the length of an axis that is not cut is -1. */
export type Extent = readonly [start: bigint, length: bigint];

export const WHOLE: Extent = [0n, -1n];

/** Slice keys start with this byte; names of tensors do not. */
export const SLICE_KEY = 0;

export function sliceKey(name: string, extents: readonly Extent[]): Uint8Array {
  const bytes: number[] = [SLICE_KEY];
  pushString(bytes, new TextEncoder().encode(name));
  pushUnsigned(bytes, extents.length);
  for (const [start, length] of extents) {
    pushSigned(bytes, start);
    pushSigned(bytes, length);
  }
  return Uint8Array.from(bytes);
}

/** Bytes 00 and ff are escaped so that the terminator 00 01 sorts before any longer string. */
function pushString(into: number[], text: Uint8Array): void {
  for (const byte of text) {
    into.push(byte);
    if (byte === 0x00) into.push(0xff);
    if (byte === 0xff) into.push(0x00);
  }
  into.push(0x00, 0x01);
}

/** The number of bytes, then the bytes, most significant first. */
function pushUnsigned(into: number[], value: number): void {
  const bytes: number[] = [];
  for (; value > 0; value = Math.floor(value / 256)) bytes.unshift(value % 256);
  into.push(bytes.length, ...bytes);
}

/**
 * Two's complement in n bytes, of which the first n bits tell n: inverted sign bits, then a sign bit.
 * Each byte more adds 7 bits of value.
 */
function pushSigned(into: number[], value: bigint): void {
  const magnitude = value < 0n ? ~value : value;
  let length = 1;
  while (magnitude >> BigInt(7 * length - 1) > 0n) length++;
  const header = ((1n << BigInt(length)) - 1n) << BigInt(7 * length);
  const coded = BigInt.asUintN(8 * length, value) ^ header;
  for (let index = length - 1; index >= 0; index--)
    into.push(Number((coded >> BigInt(8 * index)) & 0xffn));
}
