// Vertices of a ComputationGraph that are no layers.
import { typedField, text, real, whole, wholes, type Typed } from "../typed";
import { add, constant, opaque, shapeAt, type Place } from "./lifting";
import { preprocessed } from "./preprocessors";
import { lastStep } from "./recurrent";

export interface VertexSite extends Place {
  readonly typed: Typed;
  /** Which steps are there, of the first input or of the network's input that the vertex names. */
  readonly mask: (input?: string) => string | undefined;
  /** The node of an input of the network. */
  readonly input: (name: string) => string | undefined;
}

/** The node that a vertex hands on, from those that it reads. */
export function liftVertex(site: VertexSite, inputs: readonly string[]): string {
  const { type } = site.typed;
  const rule = Object.hasOwn(VERTICES, type) ? VERTICES[type] : undefined;
  return rule?.(site, inputs) ?? opaque(site, type, inputs);
}

/** Undefined where the vertex is not known well enough. */
type Rule = (site: VertexSite, inputs: readonly string[]) => string | undefined;

/** DL4J counts the features of a sequence as axis 1. */
const featureAxis = (site: VertexSite, x: string): number =>
  shapeAt(site, x).length === 3 ? 2 : 1;

const ELEMENTWISE: Readonly<
  Record<string, (site: VertexSite, inputs: readonly string[]) => string>
> = {
  Add: (site, inputs) => add(site, "Add", inputs, {}),
  Subtract: (site, inputs) => add(site, "Sub", inputs, {}),
  Product: (site, inputs) =>
    inputs.reduce((product, each) => add(site, "Mul", [product, each], {})),
  Max: (site, inputs) => inputs.reduce((most, each) => add(site, "Maximum", [most, each], {})),
  Average: (site, inputs) => {
    const sum = add(site, "Add", inputs, {});
    return add(site, "Mul", [sum, constant(site, 1 / inputs.length)], {});
  },
};

const VERTICES: Readonly<Record<string, Rule>> = {
  MergeVertex: (site, inputs) => {
    if (inputs.length === 1) return inputs[0];
    const axis = whole(site.typed, "mergeAxis", 0, 1);
    const isSequence = shapeAt(site, inputs[0]).length === 3;
    return add(site, "Concat", inputs, { axis: isSequence ? 2 : axis });
  },
  ElementWiseVertex: (site, inputs) => {
    if (inputs.length === 1) return inputs[0];
    const op = text(site.typed, "op") ?? "";
    return Object.hasOwn(ELEMENTWISE, op) ? ELEMENTWISE[op](site, inputs) : undefined;
  },
  SubsetVertex: (site, [x]) => {
    const rank = shapeAt(site, x).length;
    const [from, to] = [whole(site.typed, "from", 0), whole(site.typed, "to", 0)];
    const along = featureAxis(site, x);
    const at = <Value>(value: Value) =>
      Array.from({ length: rank }, (_, axis) => (axis === along ? value : null));
    return add(site, "Slice", [x], {
      begin: at(from),
      end: at(to + 1),
      strides: new Array<number>(rank).fill(1),
    });
  },
  ScaleVertex: (site, [x]) =>
    add(site, "Mul", [x, constant(site, real(site.typed, "scaleFactor", 1))], {}),
  ShiftVertex: (site, [x]) =>
    add(site, "Add", [x, constant(site, real(site.typed, "shiftFactor", 0))], {}),
  ReshapeVertex: (site, [x]) => {
    const { typed } = site;
    const sizes = typed.fields.get("newShape");
    const order = text(typed, "reshapeOrder") ?? "c";
    if (!Array.isArray(sizes) || order !== "c" || shapeAt(site, x).length === 3) return undefined;
    const shape = wholes(typed, "newShape", sizes.length, -1);
    // To a sequence, whose axes are in another order here.
    return shape.length === 3 ? undefined : add(site, "Reshape", [x], { shape });
  },
  PreprocessorVertex: (site, [x]) => {
    const preprocessor = typedField("preprocessor", site.typed, "preProcessor");
    return preprocessor && preprocessed(site, x, preprocessor);
  },
  ReverseTimeSeriesVertex: (site, [x]) => {
    const mask = site.mask(text(site.typed, "maskArrayInputName"));
    const lengths = mask && add(site, "Sum", [mask], { axes: [1], keepDims: false });
    return add(site, "Reverse", [x, ...(lengths ? [lengths] : [])], { axis: 1, batchAxis: 0 });
  },
  // The same row at every step of an input: a sum with nothing of that.
  DuplicateToTimeSeriesVertex: (site, [x]) => {
    const sequence = site.input(text(site.typed, "inputName") ?? "");
    if (sequence === undefined || shapeAt(site, sequence).length !== 3) return undefined;
    const steps = add(site, "Sum", [sequence], { axes: [2], keepDims: true });
    const nothing = add(site, "Mul", [steps, constant(site, 0)], {});
    return add(site, "Add", [add(site, "ExpandDims", [x], { axis: 1 }), nothing], {});
  },
  LastTimeStepVertex: (site, [x]) =>
    lastStep(site, x, site.mask(text(site.typed, "maskArrayInputName"))),
};
