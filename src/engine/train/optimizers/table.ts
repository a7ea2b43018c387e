// The table of rules: an optimizer without one does not compile.
import {
  withDefaults,
  type Optimizer,
  type OptimizerName,
  type OptimizerSettings,
} from "../../../protocol/optimizers";
import { adagrad } from "./adagrad";
import { adam } from "./adam";
import { adamw } from "./adamw";
import { momentum } from "./momentum";
import { nesterov } from "./nesterov";
import { rmsprop } from "./rmsprop";
import type { OptimizerRule } from "./rule";
import { sgd } from "./sgd";

const RULES: {
  readonly [Name in OptimizerName]: (settings: OptimizerSettings<Name>) => OptimizerRule;
} = { sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw };

/** The rule that a recipe's optimizer names. */
export function optimizerRule(optimizer: Optimizer): OptimizerRule {
  const [[name, settings]] = Object.entries(optimizer) as [[OptimizerName, object]];
  // The table pairs each name with the rule for its settings; the union loses that pairing.
  const rule = RULES[name] as (settings: object) => OptimizerRule;
  return rule(withDefaults(name, { ...settings }));
}
