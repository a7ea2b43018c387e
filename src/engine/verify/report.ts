// A verification as a person reads it: a line for each check, and under it what else there is to say.
import * as path from "node:path";
import type { Verification, VerifyCheck } from "../../protocol/verify";

const MARKS: Readonly<Record<VerifyCheck["state"], string>> = {
  passed: "✓",
  failed: "✗",
  skipped: "–",
};

export function reportText({ recipe, backend, checks, passed }: Verification): string {
  const width = Math.max(...checks.map(({ check }) => check.length));
  const failed = checks.filter(({ state }) => state === "failed").length;
  return [
    `${path.basename(recipe)}, by ${backend}`,
    ...checks.flatMap(({ check, state, text, details }) => [
      `${MARKS[state]} ${check.padEnd(width)}  ${text}`,
      ...details.map((line) => `    ${line}`),
    ]),
    passed ? "No check failed." : `${failed} of ${checks.length} checks failed.`,
  ].join("\n");
}
