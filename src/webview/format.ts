// Numbers as a person reads them. One place, so that the header, the charts and the tables never disagree.

/** Shown where there is no value. */
const NONE = "–";

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function formatCount(value: number): string {
  return Number.isFinite(value) ? grouped.format(value) : NONE;
}

/** Events count phases from 0, a person from 1. */
export const formatPhase = (index: number): string => formatCount(index + 1);

/** "1 class", "5 classes"; the plural is spelled out where it is not the singular with an s. */
export function formatOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Three significant digits, so that a moving number keeps its width: 0.312, 12.3, 1,420, 4.21e-5. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : "infinite";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.000_999_5 || size >= 999_999.5) return value.toExponential(2).replace("e+", "e");
  if (size >= 99.95) return grouped.format(Math.round(value));
  return value.toFixed(
    size >= 9.995 ? 1 : size >= 0.9995 ? 2 : size >= 0.0995 ? 3 : size >= 0.00995 ? 4 : 5,
  );
}

/** A share as "94.6 %". Only 0 and 1 themselves read as "0 %" and "100 %": one wrong sample in 10,000 stays visible. */
export function formatPercent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return NONE;
  if (share === 0 || share === 1) return `${share * 100} %`;
  const rounded = Math.round(share * 1000) / 10;
  return `${Math.min(99.9, Math.max(0.1, rounded)).toFixed(1)} %`;
}

/** Decimal units, as file managers count. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return NONE;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${digits === 0 ? formatCount(Math.round(value)) : value.toFixed(digits)} ${units[unit]}`;
}

/** "0.4 s", "42 s", "2 min 10 s", "1 h 05 min": fewer details the longer it is. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return NONE;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  const hours = Math.floor(minutes / 60);
  return `${formatCount(hours)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** A scalar variable has no dimensions; an empty cell would look like a fault. */
export function formatShape(shape: readonly number[]): string {
  return shape.length === 0 ? "scalar" : shape.join(" × ");
}

/** What an axis writes at `ticks`, `step` apart: as many decimals as tell neighbours apart. */
export function formatTicks(ticks: readonly number[], step: number, percent: boolean): string[] {
  const scale = percent ? 100 : 1;
  const decimals = decimalsOf(step * scale);
  return ticks.map((tick) => {
    const value = tick * scale;
    if (percent) return `${value.toFixed(decimals)} %`;
    if (decimals > 4 || Math.abs(value) >= 1e6) return value.toExponential(1).replace("e+", "e");
    return decimals > 0 ? value.toFixed(decimals) : formatCount(value);
  });
}

/** How many decimals write `step` exactly: two for 0.25, though it is larger than 0.1. */
function decimalsOf(step: number): number {
  const isWhole = (value: number) =>
    value > 0.5 && Math.abs(value - Math.round(value)) < 1e-6 * value;
  let decimals = 0;
  while (decimals < 9 && !isWhole(step * 10 ** decimals)) decimals++;
  return decimals;
}

/** The last part of a path of either platform. */
export function baseName(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
}

/** "digits.graft.json" is known as "digits". */
export function recipeName(recipe: string): string {
  return baseName(recipe).replace(/\.graft\.jsonc?$/, "");
}
