// Scalar placeholders: modes and rates that are fed, and not bound to samples.
import type { Model } from "./model";

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
