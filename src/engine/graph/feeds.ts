// Scalar placeholders: modes and rates that are fed, and not bound to samples.
import type { ScalarFeed } from "../../protocol/plan";
import { cut } from "./cut";
import type { Model } from "./model";
import { ancestors } from "./order";

/** Placeholders that are fed neither samples nor labels. */
export const scalarPlaceholders = ({ nodes, roles }: Model): string[] =>
  [...nodes.values()]
    .filter(({ op }) => op === "Placeholder")
    .map(({ name }) => name)
    .filter((name) => !roles.inputs.includes(name) && name !== roles.labels);

/** What scalar placeholders are fed: their defaults, and what the recipe says. */
export function scalarFeeds(
  model: Model,
  feeds: Readonly<Record<string, number | boolean>> | undefined,
): Map<string, number> {
  const scalars = new Map<string, number>();
  for (const node of model.nodes.values())
    if (node.op === "Placeholder" && node.attributes.value !== undefined)
      scalars.set(node.name, node.attributes.value);
  for (const [name, value] of Object.entries(feeds ?? {})) scalars.set(name, Number(value));
  return scalars;
}

/**
 * The scalars that training reads: rates of the dropouts above the cut (below it, dropout does nothing), and other
 * numbers that the loss or the output depends on. `model` has a loss.
 */
export function trainingFeeds(
  model: Model,
  feeds: Readonly<Record<string, number | boolean>> | undefined,
): ScalarFeed[] {
  const fed = scalarFeeds(model, feeds);
  const { inputs, labels } = model.roles;
  const targets = [model.roles.loss!, model.roles.output!];
  const kinds = new Map<string, ScalarFeed["kind"]>();
  const { tail } = cut(model, targets);
  for (const name of ancestors(model, targets)) {
    const node = model.nodes.get(name)!;
    if (node.op === "Placeholder" && node.attributes.dtype !== "bool") {
      const isScalar = model.shapes.get(name)?.length === 0;
      if (isScalar && !inputs.includes(name) && name !== labels && !kinds.has(name))
        kinds.set(name, "number");
    }
    if (node.op !== "Dropout" || !tail.has(name)) continue;
    if ("rateFrom" in node.attributes) kinds.set(node.attributes.rateFrom, "rate");
    else if ("keepProbabilityFrom" in node.attributes)
      kinds.set(node.attributes.keepProbabilityFrom, "keep");
  }
  return [...kinds].map(([name, kind]) => {
    const value = fed.get(name);
    return { name, kind, ...(value !== undefined && { value }) };
  });
}
