// CRC-32C, and the masked form in which TensorFlow stores it.
import crc32c from "crc-32/crc32c";

/** The checksum of what was checksummed before, followed by `bytes`. */
export const extendCrc = (crc: number, bytes: Uint8Array): number => crc32c.buf(bytes, crc);

// A checksum over bytes that hold a checksum is weak, so the stored one is rotated and shifted:
// https://github.com/google/leveldb/blob/main/util/crc32c.h
const MASK_DELTA = 0xa282ead8;

export const maskCrc = (crc: number): number => (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;

export const maskedCrc = (bytes: Uint8Array): number => maskCrc(extendCrc(0, bytes));
