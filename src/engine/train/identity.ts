// What a run is of. Resumed with other data, or from another checkpoint, it would be neither the one run nor the other.
import { createHash } from "node:crypto";
import { GraftError } from "../../protocol/errors";
import type { Keys } from "../cache/keyTable";
import type { BoundData } from "../data/bind";
import { bytesOf } from "../graph/dtypes";
import type { LiveVariables } from "./live";

export interface RunIdentity {
  /** Hash of all samples, labels and classes. */
  readonly data: string;
  /** Hash of the values that training starts from. */
  readonly start: string;
}

/** `live` holds the values that training starts from. */
export function identify(
  keys: Keys,
  { labels, classes, labelsMask }: Pick<BoundData, "labels" | "classes" | "labelsMask">,
  live: LiveVariables,
): RunIdentity {
  const data = createHash("sha256").update(bytesOf(keys)).update(bytesOf(labels));
  if (labelsMask !== undefined) data.update(labelsMask);
  data.update(JSON.stringify(classes));
  const start = createHash("sha256");
  for (const name of [...live.names()].sort()) start.update(`${name} ${live.hash(name)}\n`);
  return { data: data.digest("hex"), start: start.digest("hex") };
}

/** Throws `run-changed` where a run to resume was of something else. */
export function refuseOther(before: RunIdentity, now: RunIdentity): void {
  const changed = [
    ...(before.data === now.data ? [] : ["the data"]),
    ...(before.start === now.start ? [] : ["the checkpoint"]),
  ].join(" and ");
  if (changed !== "")
    throw new GraftError(
      "run-changed",
      `The run cannot go on: ${changed} changed since it began. Put back what was there, or train again; a save of the run still writes what it has learned.`,
    );
}
