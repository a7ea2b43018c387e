// Recurrent layers and what wraps them. Sequences are [batch, time, features], whatever their layout in DL4J.
import type { LSTMGate, LSTMInput, RecurrentActivation } from "../../../graph/catalogue";
import { inner } from "../parameters";
import { text, whole, type Typed } from "../typed";
import { activationOf } from "./activations";
import { dropped } from "./dropout";
import { add, constant, opaqueLayer, parameter, type LiftLayer, type Site } from "./lifting";

/** Blocks of columns: the candidate, which has the layer's activation, forget gate, output gate, input gate. */
const GATES: readonly LSTMGate[] = ["c", "f", "o", "i"];

/** By DL4J's class. */
export const RECURRENT_ACTIVATIONS: Readonly<Record<string, RecurrentActivation>> = {
  ActivationTanH: "tanh",
  ActivationSigmoid: "sigmoid",
  ActivationHardSigmoid: "hardSigmoid",
  ActivationReLU: "relu",
  ActivationReLU6: "relu6",
  ActivationSELU: "selu",
  ActivationSoftPlus: "softplus",
  ActivationSoftSign: "softsign",
  ActivationIdentity: "identity",
};

const recurrentActivation = ({ type, fields }: Typed): RecurrentActivation | undefined => {
  const isPlain = ["max", "negativeSlope", "threshold"].every((key) => !fields.get(key));
  return Object.hasOwn(RECURRENT_ACTIVATIONS, type) && isPlain
    ? RECURRENT_ACTIVATIONS[type]
    : undefined;
};

/** An LSTM over parameters with these keys. */
function lstmOf(
  site: Site,
  x: string,
  keys: readonly [kernel: string, recurrent: string, bias: string],
  peepholeColumns: readonly LSTMGate[],
  mask: string | undefined,
): string | undefined {
  const { layer } = site;
  const activation = recurrentActivation(activationOf(layer));
  const gates = layer.fields.has("gateActivationFn")
    ? recurrentActivation(activationOf(layer, "gateActivationFn"))
    : "sigmoid";
  if (activation === undefined || gates === undefined) return undefined;
  const takes: readonly LSTMInput[] = ["kernel", "recurrentKernel", "bias"];
  return add(
    site,
    "LSTM",
    [x, ...keys.map((key) => parameter(site, key)), ...(mask === undefined ? [] : [mask])],
    {
      takes: mask === undefined ? takes : [...takes, "mask"],
      gates: GATES,
      peepholeColumns,
      forgetBias: 0,
      activation,
      gateActivation: gates,
      cellClip: null,
      projectionClip: null,
      masked: "reset",
      timeMajor: false,
    },
  );
}

/** DL4J masks what follows a layer that goes one way, and the layer itself only within `LastTimeStep`. */
const lstmWith =
  (peepholeColumns: readonly LSTMGate[]): LiftLayer =>
  (site, x) =>
    lstmOf(site, dropped(site, x), ["W", "RW", "b"], peepholeColumns, site.stateMask) ??
    opaqueLayer(site, x);

const PEEPHOLES: readonly LSTMGate[] = ["f", "o", "i"];
export const lstm = lstmWith([]);
export const gravesLstm = lstmWith(PEEPHOLES);

/** Along time: padding comes first then, and resets what it meets. */
const reversed = (site: Site, x: string): string =>
  add(site, "Reverse", [x], { axis: 1, batchAxis: 0 });

/** Both ways with peepholes; their outputs are added. */
export const gravesBidirectionalLstm: LiftLayer = (site, x) => {
  const from = dropped(site, x);
  const mask = site.mask && reversed(site, site.mask);
  const forward = lstmOf(site, from, ["WF", "RWF", "bF"], PEEPHOLES, site.mask);
  const turned = reversed(site, from);
  const backward = lstmOf(site, turned, ["WB", "RWB", "bB"], PEEPHOLES, mask);
  if (forward === undefined || backward === undefined) return opaqueLayer(site, x);
  return add(site, "Add", [forward, reversed(site, backward)], {});
};

/** A layer that lifts what it wraps. */
export type Wrapping = (lift: LiftLayer) => LiftLayer;

/**
 * A layer one way, its twin the other, and both together. As in DL4J, padding is read as what it is, unless within
 * `LastTimeStep`.
 */
export const bidirectional: Wrapping = (lift) => (site, x) => {
  const { layer } = site;
  const at = (field: string, prefix: string): Site => ({
    ...site,
    layer: { ...inner(layer, field), variables: [] },
    prefix: site.prefix + prefix,
  });
  const forward = lift(at("fwd", "f"), x);
  const back = at("bwd", "b");
  const stateMask = site.stateMask && reversed(site, site.stateMask);
  const there = lift(stateMask ? { ...back, stateMask } : back, reversed(site, x));
  // The last step of the way back is a row already.
  const isSequence = site.lifting.shapes.get(there)!.length === 3;
  const backward = isSequence ? reversed(site, there) : there;
  const axis = isSequence ? 2 : 1;
  switch (text(layer, "mode")) {
    case "ADD":
      return add(site, "Add", [forward, backward], {});
    case "MUL":
      return add(site, "Mul", [forward, backward], {});
    case "AVERAGE": {
      const sum = add(site, "Add", [forward, backward], {});
      return add(site, "Mul", [sum, constant(site, 0.5)], {});
    }
    default:
      return add(site, "Concat", [forward, backward], { axis });
  }
};

/** The layer in `field`, as if it stood there alone. */
export const wrapped =
  (field: string): Wrapping =>
  (lift) =>
  (site, x) =>
    lift(within(site, field), x);

export const lastTimeStep: Wrapping = (lift) => (site, x) => {
  const { mask } = site;
  const own = within(site, "underlying");
  const sequence = lift(mask === undefined ? own : { ...own, stateMask: mask }, x);
  return lastStep(site, sequence, mask);
};

export const lastStep = (
  place: Parameters<typeof add>[0],
  sequence: string,
  mask: string | undefined,
): string =>
  add(place, "LastStep", [sequence, ...(mask === undefined ? [] : [mask])], { timeMajor: false });

const within = (site: Site, field: string): Site => ({
  ...site,
  layer: { ...inner(site.layer, field), variables: site.layer.variables },
});

/** Not computed, but what it hands on is known: as many steps as it reads. */
export const simpleRnn: LiftLayer = (site, x) => {
  const [batch, time] = site.lifting.shapes.get(x)!;
  return opaqueLayer(site, x, [batch, time ?? -1, whole(site.layer, "nout", 1)]);
};

/** The same row at every of `n` steps. */
export const repeatVector: LiftLayer = (site, x) => {
  const n = whole(site.layer, "n", 1, 1);
  return add(site, "Tile", [add(site, "ExpandDims", [x], { axis: 1 })], { multiples: [1, n, 1] });
};
