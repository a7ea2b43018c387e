// The state of a run on disk, so that it can go on after a stop, a crash or a reboot: one file, replaced whole.
// Layout: magic, header length (u32), header (JSON), the tensors as float32, SHA-256 of all before it.
import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import { GraftError } from "../../protocol/errors";
import type { BackendInfo } from "../../protocol/run";
import { writeDurably } from "../cache/durable";
import { bytesOf } from "../graph/dtypes";
import type { RunIdentity } from "./identity";

const MAGIC = "GRAFTST2";
const DIGEST = 32;

export interface RunPosition {
  readonly phase: number;
  readonly epoch: number;
  readonly step: number;
  readonly score: readonly [lossSum: number, samples: number, correct: number, labels?: number];
}

export interface SavedState {
  readonly position: RunPosition;
  /** Backend that computed it: another one would round differently from here on. */
  readonly backend: Pick<BackendInfo, "name" | "version" | "threads">;
  /** What it was computed from. */
  readonly identity: RunIdentity;
  readonly prefixSamples: number;
  /** Live values of the variables that training moves. */
  readonly values: ReadonlyMap<string, Float32Array>;
  /** Optimizer slots, by variable. */
  readonly slots: ReadonlyMap<string, readonly Float32Array[]>;
}

interface Header extends Omit<SavedState, "values" | "slots"> {
  readonly tensors: readonly {
    readonly name: string;
    readonly slot: number;
    readonly length: number;
  }[];
}

/** Replaces the state in `file`. A crash leaves the old one or the new one. */
export async function writeState(file: string, state: SavedState): Promise<void> {
  const parts: { name: string; slot: number; data: Float32Array }[] = [];
  for (const [name, data] of state.values) parts.push({ name, slot: -1, data });
  for (const [name, all] of state.slots)
    all.forEach((data, slot) => parts.push({ name, slot, data }));
  const { position, backend, identity, prefixSamples } = state;
  const tensors = parts.map(({ name, slot, data }) => ({ name, slot, length: data.length }));
  const header: Header = { position, backend, identity, prefixSamples, tensors };
  const text = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(MAGIC.length + 4);
  start.write(MAGIC, "latin1");
  start.writeUInt32LE(text.length, MAGIC.length);
  const bodies = parts.map(({ data }) => bytesOf(data));
  const content = [start, text, ...bodies];
  const digest = createHash("sha256");
  for (const part of content) digest.update(part);
  await writeDurably(file, [...content, digest.digest()]);
}

/** The state in `file`; null where there is none. Throws `corrupt-file` for one that is damaged. */
export async function readState(file: string): Promise<SavedState | null> {
  let content: Buffer;
  try {
    content = await fs.readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const end = content.length - DIGEST;
  const intact =
    end > MAGIC.length + 4 &&
    content.toString("latin1", 0, MAGIC.length) === MAGIC &&
    createHash("sha256").update(content.subarray(0, end)).digest().equals(content.subarray(end));
  if (!intact)
    throw new GraftError(
      "corrupt-file",
      `The saved state ${file} is damaged, so this run cannot go on. Start it again; the bottlenecks are kept.`,
    );
  const length = content.readUInt32LE(MAGIC.length);
  const start = MAGIC.length + 4;
  const header = JSON.parse(content.toString("utf8", start, start + length)) as Header;
  const values = new Map<string, Float32Array>();
  const slots = new Map<string, Float32Array[]>();
  let at = start + length;
  for (const { name, slot, length: count } of header.tensors) {
    const bytes = content.buffer.slice(
      content.byteOffset + at,
      content.byteOffset + at + count * 4,
    );
    at += count * 4;
    if (slot < 0) values.set(name, new Float32Array(bytes));
    else slots.set(name, [...(slots.get(name) ?? []), new Float32Array(bytes)]);
  }
  const { position, backend, identity, prefixSamples } = header;
  return { position, backend, identity, prefixSamples, values, slots };
}
