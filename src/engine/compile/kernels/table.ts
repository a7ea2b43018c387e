// Every kernel that can be compiled. A kernel that is not here is run eagerly, and its step with it.
import { convolutions } from "./convolution";
import { elementwise } from "./elementwise";
import { matrix } from "./matrix";
import { pooling } from "./pooling";
import { reductions } from "./reduction";
import type { Rules } from "./rule";
import { shapes } from "./shape";

export const RULES: Rules = {
  ...elementwise,
  ...matrix,
  ...convolutions,
  ...pooling,
  ...reductions,
  ...shapes,
};
