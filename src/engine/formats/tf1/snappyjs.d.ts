// snappyjs has no types of its own. Only what Graft calls.
declare module "snappyjs" {
  /** Throws when the result would be longer than `maxLength`, before allocating it. */
  export function uncompress(compressed: Uint8Array, maxLength?: number): Uint8Array;
  export function compress(uncompressed: Uint8Array): Uint8Array;
}
