// Training on bottlenecks yields what training through the frozen part yields.
import type { VerifyCheck } from "../../protocol/verify";
import { apart, difference, TOLERANCE_TEXT } from "./tolerance";
import type { Trial } from "./trial";

export function checkCached(cached: Trial, uncached: Trial): VerifyCheck {
  const names = [...cached.trainer.moved];
  const differences = names.map((name) => ({
    name,
    ...difference(cached.trainer.live.get(name), uncached.trainer.live.get(name)),
  }));
  const worst = differences.reduce((a, b) => (b.largest > a.largest ? b : a));
  const beyond = differences.filter(({ withinTolerance }) => !withinTolerance);
  const numbers = names.reduce((sum, name) => sum + cached.trainer.live.get(name).length, 0);
  return {
    check: "cached",
    state: beyond.length === 0 ? "passed" : "failed",
    text: `cached against uncached, ${cached.steps}: largest difference of ${numbers.toLocaleString("en-US")} trained numbers ${apart(worst.largest)}${worst.largest > 0 ? ` (${worst.name})` : ""}; equal is up to ${TOLERANCE_TEXT}`,
    details: beyond.map(({ name, largest }) => `${name} differs by ${apart(largest)}`),
    figures: { numbers, largestDifference: worst.largest },
  };
}
