// Writes a sorted string table as TensorFlow does: uncompressed blocks, byte for byte the same.
import { RAW, TRAILER } from "./block";
import { extendCrc, maskCrc } from "./crc";
import { FOOTER, MAGIC } from "./sstable";
import { varint } from "./varint";

export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
}

export interface TableWriter {
  /** Keys must come in strictly increasing order of their bytes. */
  add(key: Uint8Array, value: Uint8Array): Promise<void>;
  finish(): Promise<void>;
}

/** TensorFlow's. */
const BLOCK_SIZE = 256 << 10;
const RESTART_INTERVAL = 16;
/** An entry of this many blocks gets a block of its own. */
const OVERLY_LARGE = 2;

export function tableWriter(sink: Sink, blockSize = BLOCK_SIZE): TableWriter {
  let written = 0;
  let block = newBlock(RESTART_INTERVAL);
  const index = newBlock(1);
  let last: Uint8Array | undefined;
  // The index key of a block is chosen when the next block's first key is known: a short one between the two.
  let pending: { readonly handle: Uint8Array; readonly last: Uint8Array } | undefined;

  const flush = async (contents: Block): Promise<Uint8Array> => {
    const parts = contents.finish();
    const crc = maskCrc(parts.reduce(extendCrc, 0));
    const offset = written;
    let size = -1; // the type byte does not count
    for (const part of parts) {
      await sink.write(part);
      size += part.length;
    }
    await sink.write(u32(crc));
    written += size + TRAILER;
    return Uint8Array.from([offset, size].flatMap(varint));
  };
  const closeBlock = async () => {
    if (block.isEmpty() || !last) return;
    pending = { handle: await flush(block), last };
    block = newBlock(RESTART_INTERVAL);
  };

  return {
    async add(key, value) {
      if (last && Buffer.compare(last, key) >= 0) throw new Error("table keys must increase");
      if (key.length + value.length >= OVERLY_LARGE * blockSize) await closeBlock();
      if (pending) index.add(separator(pending.last, key), pending.handle);
      pending = undefined;
      block.add(key, value);
      last = key;
      if (block.size() >= blockSize) await closeBlock();
    },
    async finish() {
      await closeBlock();
      const metaindex = await flush(newBlock(RESTART_INTERVAL));
      if (pending) index.add(successor(pending.last), pending.handle);
      const footer = new Uint8Array(FOOTER);
      footer.set(metaindex);
      footer.set(await flush(index), metaindex.length);
      footer.set(MAGIC, FOOTER - MAGIC.length);
      await sink.write(footer);
    },
  };
}

type Block = ReturnType<typeof newBlock>;

function newBlock(restartInterval: number) {
  const parts: Uint8Array[] = [];
  const restarts = [0];
  let bytes = 0;
  let sinceRestart = 0;
  let last = new Uint8Array(0);
  const push = (part: Uint8Array) => {
    parts.push(part);
    bytes += part.length;
  };
  return {
    isEmpty: () => parts.length === 0,
    size: () => bytes + 4 * (restarts.length + 1),
    add(key: Uint8Array, value: Uint8Array) {
      if (sinceRestart === restartInterval) {
        restarts.push(bytes);
        sinceRestart = 0;
      }
      const shared = sinceRestart === 0 ? 0 : sharedLength(last, key);
      const head = [shared, key.length - shared, value.length].flatMap(varint);
      push(Buffer.concat([Uint8Array.from(head), key.subarray(shared)]));
      push(value);
      last = Uint8Array.from(key);
      sinceRestart++;
    },
    /** Contents and the type byte. */
    finish: () => [...parts, ...restarts.map(u32), u32(restarts.length), Uint8Array.of(RAW)],
  };
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function sharedLength(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}

/** A short key that is at least `from` and less than `to`. */
function separator(from: Uint8Array, to: Uint8Array): Uint8Array {
  const at = sharedLength(from, to);
  if (at === Math.min(from.length, to.length)) return from;
  const raised = from[at]! + 1;
  return raised < to[at]! ? Uint8Array.of(...from.subarray(0, at), raised) : from;
}

/** A short key that is at least `from`. */
function successor(from: Uint8Array): Uint8Array {
  const at = from.findIndex((byte) => byte !== 0xff);
  return at < 0 ? from : Uint8Array.of(...from.subarray(0, at), from[at]! + 1);
}
