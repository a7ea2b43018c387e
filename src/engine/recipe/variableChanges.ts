// Which variables the edits changed: in the checkpoint and after them.
import type { VariableChange } from "../../protocol/plan";
import { isFresh, sameShape, type Model, type Variable } from "../graph/model";

/** What a variable of `model` was in `source`; undefined for a new one, also under a name that another had. */
export function sourceVariables(
  source: Model,
  model: Model,
): (variable: Variable) => Variable | undefined {
  const moved = new Set([...model.variables.values()].flatMap(({ origin }) => origin ?? []));
  return ({ name, origin }) =>
    origin === undefined && moved.has(name) ? undefined : source.variables.get(origin ?? name);
}

/** Changed, new and removed parameters, in the model's order. What keeps name, shape and numbers is left out. */
export function variableChanges(source: Model, model: Model): VariableChange[] {
  const kept = new Set([...model.variables.values()].map(({ name, origin }) => origin ?? name));
  const sourceOf = sourceVariables(source, model);
  const changes = [...model.variables.values()].filter(isParameter).flatMap((variable) => {
    const { name, shape, value } = variable;
    const before = sourceOf(variable);
    const fresh = isFresh(value);
    const isSame = before?.name === name && sameShape(before.shape, shape);
    if (isSame && !fresh) return [];
    const was = before && { name: before.name, shape: before.shape };
    return [{ ...(was && { before: was }), after: { name, shape, fresh } }];
  });
  const removed = [...source.variables.values()]
    .filter((variable) => isParameter(variable) && !kept.has(variable.name))
    .map(({ name, shape }) => ({ before: { name, shape } }));
  return [...changes, ...removed];
}

/** Numbers of the network itself; slots and counters belong to its training. */
export const isParameter = (variable: Variable): boolean =>
  variable.role === "weight" || variable.role === "statistic" || variable.role === "kept";
