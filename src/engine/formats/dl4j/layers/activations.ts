// DL4J's activation functions: a table from class to nodes. Those that are no op of the catalogue are a few of them.
import { real, text, typedField, type Typed } from "../typed";
import { classOfShort } from "../names";
import { add, constant, opaqueFunction, shapeAt, type Place } from "./lifting";

/** What a layer says its activation function is; `field` is "activationFn" or "gateActivationFn". */
export function activationOf(layer: Typed, field = "activationFn"): Typed {
  const found = typedField("activation", layer, field);
  if (found !== undefined) return found;
  // Up to 0.7.1 a name: "softmax".
  const name = text(layer, "activationFunction") ?? "identity";
  const type = classOfShort("activation", name);
  return { type, fields: new Map(), path: [...layer.path, field] };
}

/** `x` behind an activation function. */
export function activated(place: Place, x: string, activation: Typed): string {
  const apply = Object.hasOwn(ACTIVATIONS, activation.type)
    ? ACTIVATIONS[activation.type]
    : undefined;
  return apply === undefined
    ? opaqueFunction(place, activation.type, x)
    : apply(place, x, activation);
}

type Activate = (place: Place, x: string, activation: Typed) => string;

const simple =
  (op: "Relu" | "Relu6" | "Elu" | "Selu" | "Sigmoid" | "Tanh" | "Softplus"): Activate =>
  (place, x) =>
    add(place, op, [x], {});

/** Over the classes: the channels of an image, the last axis of everything else. */
const softmax: Activate = (place, x) => {
  if (shapeAt(place, x).length === 4) return opaqueFunction(place, "ActivationSoftmax", x);
  return add(place, "Softmax", [x], {});
};

const ACTIVATIONS: Readonly<Record<string, Activate>> = {
  ActivationIdentity: (_, x) => x,
  ActivationReLU: relu,
  ActivationReLU6: simple("Relu6"),
  ActivationLReLU: (place, x, activation) =>
    add(place, "LeakyRelu", [x], { alpha: real(activation, "alpha", 0.01) }),
  ActivationELU: (place, x, activation) =>
    real(activation, "alpha", 1) === 1
      ? add(place, "Elu", [x], {})
      : opaqueFunction(place, activation.type, x),
  ActivationSELU: simple("Selu"),
  ActivationSigmoid: simple("Sigmoid"),
  ActivationTanH: simple("Tanh"),
  ActivationSoftPlus: simple("Softplus"),
  ActivationSoftmax: softmax,
  ActivationCube: (place, x) => add(place, "Mul", [add(place, "Square", [x], {}), x], {}),
  ActivationSoftSign: (place, x) => {
    const divisor = add(place, "Add", [add(place, "Abs", [x], {}), constant(place, 1)], {});
    return add(place, "Div", [x, divisor], {});
  },
  ActivationSwish: (place, x) => add(place, "Mul", [x, add(place, "Sigmoid", [x], {})], {}),
  ActivationGELU: gelu,
  ActivationMish: (place, x) =>
    add(place, "Mul", [x, add(place, "Tanh", [add(place, "Softplus", [x], {})], {})], {}),
  // min(1, max(0, x/5 + 1/2))
  ActivationHardSigmoid: (place, x) => {
    const line = add(place, "Mul", [x, constant(place, 0.2)], {});
    return clipped(place, add(place, "Add", [line, constant(place, 0.5)], {}), 0, 1);
  },
  ActivationHardTanH: (place, x) => clipped(place, x, -1, 1),
  ActivationRectifiedTanh: (place, x) => add(place, "Relu", [add(place, "Tanh", [x], {})], {}),
};

function relu(place: Place, x: string, activation: Typed): string {
  const [max, slope, threshold] = ["max", "negativeSlope", "threshold"].map((key) =>
    real(activation, key, 0),
  );
  if (threshold !== 0 || (max !== 0 && slope !== 0))
    return opaqueFunction(place, activation.type, x);
  if (slope !== 0) return add(place, "LeakyRelu", [x], { alpha: slope });
  const positive = add(place, "Relu", [x], {});
  return max === 0 ? positive : add(place, "Minimum", [positive, constant(place, max)], {});
}

/** x · σ(1.702·x), ND4J's; the one that is called precise is another. */
function gelu(place: Place, x: string, activation: Typed): string {
  if (activation.fields.get("precise") === true) return opaqueFunction(place, activation.type, x);
  const scaled = add(place, "Mul", [x, constant(place, 1.702)], {});
  return add(place, "Mul", [x, add(place, "Sigmoid", [scaled], {})], {});
}

const clipped = (place: Place, x: string, least: number, most: number): string =>
  add(
    place,
    "Maximum",
    [add(place, "Minimum", [x, constant(place, most)], {}), constant(place, least)],
    {},
  );
