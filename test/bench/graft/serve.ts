// The protocol of a peer in Node, see README.md: one JSON line per request on stdin, one per answer on stdout.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** An entry of works.mjs, as work.json in its folder holds it. */
export interface Work {
  readonly folder: string;
  readonly kind: "train" | "featurize" | "retrain";
  readonly input: readonly number[];
  readonly layers: readonly { readonly name: string; readonly units: number }[];
  readonly batch: number;
  readonly epochs: number;
  readonly learningRate: number;
}

export interface Request {
  readonly folder: string;
  /** Graft only: which backend, and whether to keep bottlenecks. */
  readonly backend?: string;
  readonly cache?: boolean;
}

export interface Answer {
  readonly seconds: number;
  /** Final loss, or mean absolute feature: equal among all who did the same work. */
  readonly check: number;
  /** What else there is to say, by name. */
  readonly notes?: Readonly<Record<string, string>>;
}

export async function serve(
  version: string,
  measure: (work: Work, request: Request) => Promise<Answer>,
): Promise<void> {
  // Whatever a library prints must not look like an answer.
  console.log = console.error;
  const tell = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  tell({ version });
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      const request = JSON.parse(line) as Request;
      const work = JSON.parse(readFileSync(join(request.folder, "work.json"), "utf8")) as Work;
      tell(await measure({ ...work, folder: request.folder }, request));
    } catch (error) {
      tell({ error: (error as Error).message });
    }
  }
}

/** Seconds of one epoch, from when each ended. The first (it warms up) and the last (some fetch losses in it) do not count. */
export const epochSeconds = (ends: readonly number[]): number =>
  (ends.at(-2)! - ends[0]) / (ends.length - 2) / 1000;
