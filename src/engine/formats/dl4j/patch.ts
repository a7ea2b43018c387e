// Writes the edits of a model into the configuration that it came from. What is written is read again, and must be the
// network that was meant.
import type { Model } from "../../graph/model";
import { layersOf, thawed, type Configuration } from "./configuration";
import { stringify } from "./json";
import { check, type WrittenVariables } from "./patch/check";
import { documentOf } from "./patch/document";
import { styleOf } from "./patch/fields";
import { freezing } from "./patch/freezing";
import { outputLoss } from "./patch/loss";
import { withStateMasks } from "./patch/laststep";
import { partsOf } from "./patch/parts";
import { versionOf } from "./patch/versions";

export interface Patched {
  /** configuration.json */
  readonly text: string;
  /** By the name of a parameter in it: the variable of the model that holds it. */
  readonly variables: WrittenVariables;
  /** What a user must know. */
  readonly notes: readonly string[];
}

/**
 * The configuration of `after`, which edits made of `before`, the network of `configuration`. Throws `invalid-edit` for
 * what a configuration cannot say.
 */
export function patchConfiguration(
  configuration: Configuration,
  before: Model,
  after: Model,
): Patched {
  const style = styleOf(configuration);
  const version = versionOf(layersOf(configuration).map((layer) => thawed(layer).fields));
  const loss = outputLoss(configuration, style, before, after);
  const parts = partsOf({ configuration, style, before, after, loss });
  const frozen = freezing(style, version, parts, after);
  const document = documentOf({ configuration, style, parts, frozen });
  const text = stringify(document.root);
  const variables: WrittenVariables = new Map(
    [...document.parts].flatMap(([name, { layer }]) =>
      (layer?.parameters ?? []).map(({ key, ...written }) => [`${name}_${key}`, written] as const),
    ),
  );
  const meant = withStateMasks(after, parts);
  const { isSameLoss } = check(configuration, text, document, variables, meant);
  const unsaid = parts.flatMap(({ layer }) => layer?.notes ?? []);
  return {
    text,
    variables,
    notes: [...frozen.notes, ...unsaid, ...(isSameLoss ? [] : [OTHER_LOSS])],
  };
}

const OTHER_LOSS =
  "Deeplearning4j will minimize a loss that differs from the recipe's by a factor or by regularization: it sums over the outputs of a sample.";
