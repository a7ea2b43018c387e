import { describe, expect, it } from "vitest";
import {
  append,
  axisEnd,
  column,
  hasValues,
  noCurves,
  pointAt,
  type Curves,
  type Point,
} from "../../../src/webview/curves";

const point = (phase: number, epoch: number, change: Partial<Point> = {}): Point => ({
  phase,
  epoch,
  x: (phase - 1) * 10 + epoch,
  loss: epoch,
  accuracy: null,
  validationLoss: null,
  validationAccuracy: null,
  ...change,
});

const of = (...points: Point[]): Curves => points.reduce(append, noCurves());

describe("append", () => {
  it("leaves an older value as it was", () => {
    const two = of(point(1, 1), point(1, 2));
    const three = append(two, point(1, 3));
    expect(column(two, "epoch")).toEqual([1, 2]);
    expect(column(three, "epoch")).toEqual([1, 2, 3]);
    expect(pointAt(three, 2)).toEqual(point(1, 3));
  });

  it("does not let two continuations of one value mix", () => {
    const one = of(point(1, 1));
    const left = append(one, point(1, 2, { loss: 20 }));
    const right = append(one, point(1, 2, { loss: 30 }));
    expect(column(left, "loss")).toEqual([1, 20]);
    expect(column(right, "loss")).toEqual([1, 30]);
  });

  it("replaces the epochs that a resumed run repeats, across phases", () => {
    const before = of(point(1, 1), point(1, 2), point(2, 1), point(2, 2));
    const after = append(before, point(1, 2, { loss: 7 }));
    expect(column(after, "loss")).toEqual([1, 7]);
    expect(column(before, "x")).toEqual([1, 2, 11, 12]);
  });

  it("takes 100,000 epochs in well under a second", () => {
    const from = performance.now();
    let curves = noCurves();
    for (let epoch = 1; epoch <= 100_000; epoch++) curves = append(curves, point(1, epoch));
    expect(curves.length).toBe(100_000);
    expect(performance.now() - from).toBeLessThan(1000);
  });
});

it("knows which series have values", () => {
  const curves = of(point(1, 1), point(1, 2, { accuracy: 0.5 }));
  expect(hasValues(curves, "accuracy")).toBe(true);
  expect(hasValues(curves, "validationLoss")).toBe(false);
  expect(hasValues(noCurves(), "loss")).toBe(false);
});

describe("axisEnd", () => {
  it.each([
    [0, 20, 20],
    [12, 20, 20],
    [25, 20, 25],
    [0, 0, 1],
    [10, 10_000, 50],
    [100, 10_000, 200],
    [1000, 10_000, 2000],
    [2500, 10_000, 10_000],
  ])("%i of %i epochs: axis to %i", (done, planned, end) =>
    expect(axisEnd(done, planned)).toBe(end),
  );
});
