// Edited networks: what structural surgery makes of the fixtures, by hand.
import type { Model, Node, Variable } from "../../../src/engine/graph/model";
import { node, PRODUCT } from "../handmade";
import {
  altered,
  batchNorm,
  between,
  denseLayer,
  movedTo,
  plus,
  renamed,
  variable,
  without,
  type Parts,
} from "./edits";

/** For the digits' CNN with batch norms in conds: an op in front of a cond, dropout and batch norm written anew, another head. */
export const digits = (model: Model): Model => {
  const probed = between(model, "add", { nodes: [node("bounded", "Tanh", ["add"], {})] });
  const dropped = altered(probed, "dropout/SelectV2", "Dropout", { rate: 0.25 });
  const { attributes } = dropped.nodes.get("bn2/cond/Merge") as Node<"BatchNorm">;
  const normed = altered(dropped, "bn2/cond/Merge", "BatchNorm", { ...attributes, epsilon: 0.01 });
  const grown = plus(normed, denseLayer("head", "dropout/SelectV2", 64, 10));
  return movedTo(without(grown, "add_3", "head/BiasAdd"), "net");
};

/** For the recurrent networks: a while loop under other names, and an op behind it. */
export const recurrent = (model: Model): Model =>
  movedTo(
    between(model, model.roles.output!, {
      nodes: [node("scaled", "Softplus", [model.roles.output!], {})],
    }),
    "net",
  );

const together = (...parts: readonly Parts[]): Parts => ({
  nodes: parts.flatMap((each) => each.nodes),
  variables: parts.flatMap((each) => each.variables ?? []),
});

/** dense → batch norm → relu → dropout between hidden2 and hidden3. */
const inserted = (model: Model): Model =>
  between(
    model,
    "hidden2/Relu",
    together(
      denseLayer("new", "hidden2/Relu", 10, 10),
      batchNorm("new/bn", "new/BiasAdd", 10, false),
      {
        nodes: [
          node("new/Relu", "Relu", ["new/bn/norm"], {}),
          node("new/dropout", "Dropout", ["new/Relu"], { rate: 0.3 }),
        ],
      },
    ),
  );

/** hidden3 is gone; outputs reads hidden2, by as many rows. */
function removed(model: Model): Model {
  const variables = new Map(model.variables);
  for (const old of model.variables.values())
    if (old.name === "outputs/weights" || old.of === "outputs/weights")
      variables.set(old.name, { ...variable(old.name, [10, 5], "glorotUniform"), ...kept(old) });
  return without({ ...model, variables }, "hidden3/Relu", "hidden2/Relu");
}

const kept = ({ role, of }: Variable) => ({
  role,
  ...(of !== undefined && { of }),
  ...(role !== "weight" && { trainable: [] }),
});

/** Three new classes behind hidden3; loss and accuracy read them, the old output is gone. */
const newHead = (model: Model): Model => {
  const grown = plus(model, denseLayer("head", "hidden3/Relu", 5, 3));
  return without(grown, "outputs/BiasAdd", "head/BiasAdd");
};

/** Another layer behind the output, which stays. */
const longer = (model: Model): Model =>
  between(
    model,
    "outputs/BiasAdd",
    together(
      { nodes: [node("more/Relu", "Relu", ["outputs/BiasAdd"], {})] },
      denseLayer("more", "more/Relu", 5, 5),
    ),
  );

const activations = (model: Model): Model =>
  altered(altered(model, "hidden1/Relu", "Tanh", {}), "hidden2/Relu", "LeakyRelu", { alpha: 0.1 });

/** A residual sum around hidden2, an op that is read by two, and a join. */
const residual = (model: Model): Model =>
  between(model, "hidden2/Relu", {
    nodes: [
      node("skip", "MatMul", ["hidden1/Relu", "[skip/weights]"], PRODUCT),
      node("sum", "Add", ["hidden2/Relu", "skip"], {}),
    ],
    variables: [variable("skip/weights", [30, 10], "heNormal")],
  });

/** The old and a new output, and a placeholder that chooses. */
function switched(model: Model): Model {
  const grown = plus(model, denseLayer("branch", "hidden3/Relu", 5, 5));
  return between(
    plus(grown, {
      nodes: [node("use_new", "Placeholder", [], { dtype: "bool", value: 1 })],
      fed: { use_new: [] },
    }),
    "outputs/BiasAdd",
    {
      nodes: [
        node("chosen", "Select", ["use_new", "branch/BiasAdd", "outputs/BiasAdd"], { rows: true }),
      ],
    },
  );
}

const named = (model: Model): Model =>
  renamed(renamed(model, "hidden1", "first"), "outputs", "logits");

/** Names that take the places of others, and of one that goes. */
const swapped = (model: Model): Model =>
  renamed(renamed(renamed(model, "hidden1", "x"), "hidden2", "hidden1"), "x", "hidden2");

const everything = (model: Model): Model => named(longer(activations(inserted(model))));

/** For the networks with hidden1, hidden2, hidden3 and outputs. */
export const DENSE_EDITS = {
  ...{ inserted, removed, newHead, longer, activations, residual, switched, named, swapped },
  everything,
};
