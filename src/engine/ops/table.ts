// The table of kernels: an op without one does not compile.
import { GraftError } from "../../protocol/errors";
import type { OpName } from "../graph/catalogue";
import * as conv from "./conv";
import * as dense from "./dense";
import * as elementwise from "./elementwise";
import type { Kernel } from "./kernel";
import * as loss from "./loss";
import * as normalization from "./normalization";
import * as gru from "./gru";
import * as lstm from "./lstm";
import * as sequence from "./sequence";
import * as reduction from "./reduction";
import * as shape from "./shape";
import { tf } from "./tf";

export const KERNELS: { readonly [Op in OpName]: Kernel<Op> } = {
  ...conv,
  ...dense,
  ...elementwise,
  ...loss,
  ...normalization,
  ...lstm,
  ...gru,
  ...sequence,
  ...reduction,
  ...shape,
  Placeholder: (_, attributes, node, { scalars }) => {
    const value = scalars.get(node.name) ?? attributes.value;
    if (value !== undefined) return tf.scalar(value);
    throw new GraftError(
      "data-missing",
      `Nothing is fed to ${node.name}. Bind data to it, or give it a value under "graph": { "feeds": { … } }.`,
    );
  },
  Opaque: (_, { type }, node) => {
    throw new GraftError(
      "unsupported-op",
      `${node.name} is a ${type}, which Graft cannot run, and lies on a path that must run.`,
    );
  },
};
