// GRU cells, as TensorFlow's GRUCell computes a step.
import type { GRUGate, GRUInput } from "../../../../graph/catalogue";
import { GRU_BLOCKS, gruUnits, portOf } from "../../../../graph/recurrent";
import * as attribute from "../attributes";
import { notWritable, typeOf, type Attributes, type Emit } from "../emission";
import { activation } from "./activation";
import { emitRecurrence } from "./recurrence";
import { affine } from "./lstm";

export const gru: Emit<"GRU"> = (to, attributes) => {
  const { takes, gates, timeMajor, masked } = attributes;
  const portFor = (input: GRUInput): number => portOf<"GRU">(takes, input) ?? -1;
  const given = (input: GRUInput): string | undefined => to.inputs[portFor(input)];
  const shapes = to.inputShapes.map((shape) => shape ?? []);
  const [units, features] = [gruUnits(attributes, shapes), shapes[0]![2] ?? -1];
  if (units < 0 || features < 0) throw notWritable(to, "its sizes are not known");
  const T: Attributes = { T: typeOf(to, to.inputs[0]!) };
  const initial = given("initialH");
  return emitRecurrence(to, {
    x: to.inputs[0]!,
    features,
    timeMajor,
    masked,
    mask: given("mask"),
    width: units,
    states: [{ initial, rows: shapes[portFor("initialH")]?.[0] ?? -1, width: units }],
    step: (body) => {
      const { x } = body;
      const [h] = body.states as [string];
      const op = (name: string, kind: string, inputs: readonly string[]): string =>
        body.op(name, kind, inputs, T);
      const sum = (scope: "gate" | "candidate", state: string): string => {
        const [kernel, bias] = [given(`${scope}Kernel`)!, given(`${scope}Bias`)];
        return affine(body, T, `${scope}/`, {
          x,
          h: state,
          kernel: body.outside(kernel),
          bias: bias && body.outside(bias),
        });
      };
      const both = op("gates", activation(to, attributes.gateActivation), [sum("gate", h)]);
      const blocks = body.op("split", "Split", [body.integer("split/split_dim", 1), both], {
        ...T,
        num_split: attribute.integer(GRU_BLOCKS),
      });
      const gate = (name: GRUGate): string => (gates.indexOf(name) === 0 ? blocks : `${blocks}:1`);
      const candidate = op("activated", activation(to, attributes.activation), [
        sum("candidate", op("reset", "Mul", [gate("r"), h])),
      ]);
      const rest = op("sub", "Sub", [body.number("sub/x", 1), gate("u")]);
      return [
        op("state", "Add", [
          op("kept", "Mul", [gate("u"), h]),
          op("written", "Mul", [rest, candidate]),
        ]),
      ];
    },
  });
};
