// What is told of a variable of which only a part trains.
import { expect, test } from "vitest";
import type { Model, Region } from "../../../src/engine/graph/model";
import { LiveVariables, outcomes } from "../../../src/engine/train/live";
import { handmade } from "../../engine/handmade";

const START = [1, 2, 3, 4];
const part = (start: number, size: number): Region => ({ start: [start], size: [size] });

/** A phase in which these parts of the four numbers of w train. */
function phase(...trainable: readonly Region[]): Model {
  const model = handmade({ weights: { w: [4] }, nodes: [] });
  return { ...model, variables: new Map([["w", { ...model.variables.get("w")!, trainable }]]) };
}

function outcome(phases: readonly Model[], now: readonly number[]) {
  const live = new LiveVariables();
  live.add("w", [4], Float32Array.from(now));
  const start = new Map([["w", new Uint8Array(Float32Array.from(START).buffer)]]);
  return outcomes(phases, live, start, new Set(["w"]))[0]!.keptUnchanged;
}

test.each([
  ["what no phase trains stayed", [phase(part(3, 1))], [1, 2, 3, 9], true],
  ["a number that no phase trains moved", [phase(part(3, 1))], [1, 2, 3.5, 9], false],
  ["an earlier phase trained it", [phase(part(2, 1)), phase(part(3, 1))], [1, 2, 9, 9], true],
  [
    "an earlier phase trained another one",
    [phase(part(2, 1)), phase(part(3, 1))],
    [0, 2, 9, 9],
    false,
  ],
  ["all of it trains", [phase(part(0, 4))], [9, 9, 9, 9], undefined],
  [
    "all of it trains, phase by phase",
    [phase(part(0, 2)), phase(part(2, 2))],
    [9, 9, 9, 9],
    undefined,
  ],
  ["none of it trains", [phase()], START, undefined],
])("%s", (_, phases, now, kept) => expect(outcome(phases, now)).toBe(kept));
