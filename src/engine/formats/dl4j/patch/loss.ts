// The loss function of the output layer after the edits.
import type { OpName } from "../../../graph/catalogue";
import type { Model } from "../../../graph/model";
import { ancestors } from "../../../graph/order";
import { layersOf, thawed, type Configuration } from "../configuration";
import type { Json } from "../json";
import { lossOf } from "../layers/losses";
import { rawOf } from "../typed";
import { plainObject, type Style } from "./fields";
import { notSaid } from "./groups";

export interface OutputLoss {
  /** "lossFn" */
  readonly json: Json;
  /** Whether it is another one than that of the source. */
  readonly isNew: boolean;
  /** The activation function that it takes the output from. */
  readonly activation: "Softmax" | "Sigmoid" | undefined;
}

/** A loss function of DL4J, and the ops that it is. */
export interface LossKind {
  readonly ops: readonly OpName[];
  readonly type: string;
  readonly activation: OutputLoss["activation"];
}

export const SQUARED_ERROR: LossKind = {
  ops: ["SquaredDifference"],
  type: "LossMSE",
  activation: undefined,
};

const KINDS: readonly LossKind[] = [
  {
    ops: ["SoftmaxCrossEntropy", "SparseSoftmaxCrossEntropy"],
    type: "LossMCXENT",
    activation: "Softmax",
  },
  { ops: ["SigmoidCrossEntropy"], type: "LossBinaryXENT", activation: "Sigmoid" },
  SQUARED_ERROR,
];

/** Undefined where the network has no loss. */
export function outputLoss(
  configuration: Configuration,
  style: Style,
  before: Model,
  after: Model,
): OutputLoss | undefined {
  if (after.roles.loss === undefined || after.roles.output === undefined) return undefined;
  const [was, is] = [before, after].map(lossKind);
  const [source] = layersOf(configuration)
    .filter(({ name }) => configuration.outputs.includes(name))
    .flatMap((layer) => lossOf(thawed(layer)) ?? []);
  if (source !== undefined && was === is) {
    const json =
      source.path.at(-1) === "lossFunction"
        ? plainObject(style, "loss", source.type)
        : rawOf(source);
    return { json, isNew: false, activation: is?.activation };
  }
  if (is === undefined)
    throw notSaid(after.roles.loss, "its loss is no function that DL4J has for outputs");
  const json = plainObject(style, "loss", is.type);
  return { json, isNew: true, activation: is.activation };
}

/** By what the output is compared with labels. Undefined: by nothing that DL4J has. */
export function lossKind(model: Model): LossKind | undefined {
  const { loss, output } = model.roles;
  if (loss === undefined || output === undefined) return undefined;
  const computed = ancestors(model, [output]);
  const ops = new Set(
    [...ancestors(model, [loss])]
      .filter((name) => !computed.has(name))
      .map((name) => model.nodes.get(name)!.op),
  );
  return KINDS.find((kind) => kind.ops.some((op) => ops.has(op)));
}
