// Something to learn for any network: samples, and labels in the form that its loss compares.
import { elements, type Model } from "../../../src/engine/graph/model";
import { uniforms } from "../../../src/engine/graph/random";
import { labelTarget } from "../../../src/engine/graph/target";
import { labelArray } from "../../../src/engine/train/prepare";
import type { Lesson } from "../compile/network";

/** `model` has a loss. */
export function lessonOf(
  model: Model,
  { samples, ...how }: Pick<Lesson, "samples" | "batch" | "optimizer" | "epochs">,
): Lesson {
  const shape = model.shapes.get("x")!.slice(1);
  const data = uniforms(9, ["x"], samples * elements(shape)).map((value) => 2 * value - 1);
  const target = labelTarget(model);
  const units = elements(model.shapes.get(model.roles.output!)!.slice(1));
  const labels =
    target.kind === "classes"
      ? Int32Array.from({ length: samples }, (_, sample) => sample % units)
      : Float32Array.from({ length: samples * units }, (_, index) => index % 2);
  const arrays = [{ node: "x", shape, data }, labelArray(model, { labels, samples }, target)];
  return { model, samples, arrays, ...how };
}
