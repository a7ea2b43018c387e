import { describe, expect, it } from "vitest";
import {
  baseName,
  formatBytes,
  formatCount,
  formatNumber,
  formatOf,
  formatPercent,
  formatSeconds,
  formatShape,
  formatTicks,
  recipeName,
} from "../../../src/webview/format";

describe("formatNumber", () => {
  it.each([
    [0, "0"],
    [0.312_49, "0.312"],
    [0.099_96, "0.100"],
    [0.077_5, "0.0775"],
    [0.008_612, "0.00861"],
    [0.000_042_1, "4.21e-5"],
    [1, "1.00"],
    [9.996, "10.0"],
    [12.34, "12.3"],
    [99.96, "100"],
    [1419.6, "1,420"],
    [-0.312_49, "-0.312"],
    [1_234_567, "1.23e6"],
    [Number.NaN, "not a number"],
    [Number.POSITIVE_INFINITY, "infinite"],
    [null, "–"],
  ])("%s is %s", (value, text) => expect(formatNumber(value)).toBe(text));
});

describe("formatPercent", () => {
  it.each([
    [0, "0 %"],
    [1, "100 %"],
    [0.9462, "94.6 %"],
    [0.081, "8.1 %"],
    [0.9999, "99.9 %"],
    [0.0001, "0.1 %"],
    [null, "–"],
    [Number.NaN, "–"],
  ])("%s is %s", (value, text) => expect(formatPercent(value)).toBe(text));
});

describe("formatSeconds", () => {
  it.each([
    [0.42, "0.4 s"],
    [9.96, "10 s"],
    [59.4, "59 s"],
    [59.6, "1 min 00 s"],
    [130, "2 min 10 s"],
    [3900, "1 h 05 min"],
    [-1, "–"],
    [Number.POSITIVE_INFINITY, "–"],
  ])("%s is %s", (value, text) => expect(formatSeconds(value)).toBe(text));
});

describe("formatBytes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [358_400, "358 kB"],
    [999_900, "1.00 MB"],
    [12_340_000, "12.3 MB"],
    [5e15, "5,000 TB"],
  ])("%s is %s", (value, text) => expect(formatBytes(value)).toBe(text));
});

describe("formatTicks", () => {
  it.each<[number[], number, boolean, string[]]>([
    [[0, 0.25, 0.5], 0.25, false, ["0.00", "0.25", "0.50"]],
    [[0, 0.5, 1], 0.5, false, ["0.0", "0.5", "1.0"]],
    [[0, 0.25, 1], 0.25, true, ["0 %", "25 %", "100 %"]],
    [[0.95, 0.975], 0.025, true, ["95.0 %", "97.5 %"]],
    [[0, 5000, 10_000], 5000, false, ["0", "5,000", "10,000"]],
    [[0, 1e-6], 1e-6, false, ["0.0e0", "1.0e-6"]],
  ])("%j every %s", (ticks, step, percent, texts) =>
    expect(formatTicks(ticks, step, percent)).toEqual(texts),
  );
});

describe("names and counts", () => {
  it.each([
    ["/home/ada/digits.graft.json", "digits"],
    ["C:\\Users\\ada\\digits.graft.json", "digits"],
    ["other.json", "other.json"],
  ])("recipe %s is known as %s", (path, name) => expect(recipeName(path)).toBe(name));

  it("takes the last part of a path, and leaves what has none", () => {
    expect(baseName("/a/b/c.ckpt")).toBe("c.ckpt");
    expect(baseName("/a/b/")).toBe("b");
    expect(baseName("")).toBe("");
  });

  it("counts with the right noun", () => {
    expect(formatOf(1, "class", "classes")).toBe("1 class");
    expect(formatOf(1200, "epoch")).toBe("1,200 epochs");
    expect(formatCount(Number.NaN)).toBe("–");
    expect(formatShape([])).toBe("scalar");
    expect(formatShape([300, 100])).toBe("300 × 100");
  });
});
