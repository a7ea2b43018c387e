// What is typed into an input box, checked and read. Knows no VS Code.
import { FEEDS } from "../../protocol/feeds";
import type { ScalarFeed } from "../../protocol/plan";
import { percent } from "../words";

export function checkNumber(
  text: string,
  min: number,
  max: number,
  whole = true,
): string | undefined {
  const value = Number(text.replaceAll(",", ""));
  if (text === "" || !Number.isFinite(value)) return "A number is expected.";
  if (whole && !Number.isInteger(value)) return "A whole number is expected.";
  if (value < min || value > max)
    return max === Number.MAX_SAFE_INTEGER || max === Infinity
      ? `A number of at least ${min} is expected.`
      : `A number from ${min} to ${max} is expected.`;
  return undefined;
}

export function readNumber(text: string): number {
  return Number(text.replaceAll(",", ""));
}

/** More than zero: a learning rate. */
export function checkPositive(text: string): string | undefined {
  const value = Number(text);
  return text !== "" && Number.isFinite(value) && value > 0
    ? undefined
    : "A number greater than 0 is expected.";
}

/** "0-3, 7" */
export const checkUnits = (text: string): string | undefined =>
  /^\s*\d+(\s*-\s*\d+)?(\s*,\s*\d+(\s*-\s*\d+)?)*\s*$/.test(text)
    ? undefined
    : "Unit numbers such as 0-3, 7 are expected.";

/** "5" is a number of classes; "5, 6, 7" are their names. */
export function checkClasses(text: string, least: 1 | 2): string | undefined {
  const classes = readClasses(text);
  const few = `At least ${least === 1 ? "one class is" : "two classes are"} expected: a number, or names with commas between them.`;
  if (typeof classes === "number")
    return classes >= least && classes <= 1_000_000 ? undefined : few;
  if (classes.length < least) return few;
  const twice = classes.find((name, i) => classes.indexOf(name) !== i);
  return twice === undefined ? undefined : `"${twice}" occurs twice.`;
}

export function readClasses(text: string): number | readonly string[] {
  if (/^\d+$/.test(text.trim())) return Number(text);
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

export function feedPrompt({ name, kind }: ScalarFeed): string {
  const { what, range } = FEEDS[kind];
  return `${name}: ${what}, ${range}`;
}

export function checkFeed(kind: ScalarFeed["kind"], text: string): string | undefined {
  const wrong = checkNumber(text, -Infinity, Infinity, false);
  const { range, isPossible } = FEEDS[kind];
  return wrong ?? (isPossible(readNumber(text)) ? undefined : `A number is expected: ${range}.`);
}

/** "keep_prob 0.8: dropout keeps 80 % of the units in every training step" */
export function feedConsequence({ name, kind }: ScalarFeed, value: number): string {
  if (kind === "number") return `${name} is ${value} while training`;
  const keeps = kind === "keep" ? value : 1 - value;
  const share = keeps === 1 ? "every unit" : `${percent(keeps, 1)} of the units`;
  return `${name} ${value}: dropout keeps ${share} in every training step`;
}
