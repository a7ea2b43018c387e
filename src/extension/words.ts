// How numbers read in rows, lenses and messages. Knows no VS Code.

/** 19500 → "19,500" */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** 56_295 → "56 k"; three significant digits at most. */
export function short(value: number): string {
  if (value < 1000) return String(value);
  if (value < 999_500) return `${significant(value / 1000)} k`;
  if (value < 999_500_000) return `${significant(value / 1e6)} M`;
  return `${significant(value / 1e9)} G`;
}

/** Decimal units, as disks are sold. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  if (value < 100_000) return `${significant(value / 1000)} kB`;
  if (value < 1e9) return `${tenths(value / 1e6)} MB`;
  return `${tenths(value / 1e9)} GB`;
}

/** "1 value", "100 values" */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** A loss or an accuracy while it moves: three significant digits. A diverged one comes as NaN, or null out of JSON. */
export function moving(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "not a number";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.001 || size >= 100_000) return value.toExponential(1);
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 5 });
}

/** Of the whole: "11 %"; never 0 % or 100 % for what is not nothing or all. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return "0 %";
  const value = (100 * part) / whole;
  if (part > 0 && value < 1) return "< 1 %";
  if (part < whole && value > 99) return "> 99 %";
  return `${Math.round(value)} %`;
}

/** "4.3 times as fast" */
export function faster(factor: number): string {
  return factor < 1.05 ? "no faster" : `${significant(factor)} times as fast`;
}

/** [300, 100] → "300 × 100"; a scalar has no sizes. */
export function shape(sizes: readonly (number | null)[]): string {
  return sizes.length === 0 ? "scalar" : sizes.map((size) => size ?? "any").join(" × ");
}

function significant(value: number): string {
  return value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value));
}

function tenths(value: number): string {
  if (value > 0 && value < 0.1) return "< 0.1";
  return value < 100 ? String(Math.round(value * 10) / 10) : count(Math.round(value));
}
