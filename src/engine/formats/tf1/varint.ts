// Base-128 integers as LevelDB tables and string tensors use them.

export interface Varint {
  readonly value: number;
  /** Where the next byte is. */
  readonly next: number;
}

/**
 * The unsigned integer at `at`, or null when it does not end before `end` or is longer than 64 bits.
 * Above 2^53 it is inexact, which any bounds check still refuses.
 */
export function readVarint(bytes: Uint8Array, at: number, end = bytes.length): Varint | null {
  let value = 0;
  let scale = 1;
  const stop = Math.min(end, at + 10);
  for (let position = at; position < stop; position++) {
    const byte = bytes[position]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: position + 1 };
    scale *= 128;
  }
  return null;
}

/** The bytes of a non-negative safe integer. */
export function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  bytes.push(value);
  return bytes;
}
