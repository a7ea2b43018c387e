// Settings of a zip that training here does not follow. They are kept in what is saved: only training leaves them out.
import { confOf, type Configuration, thawed, type Vertex } from "./configuration";
import { JsonNumber, type JsonObject } from "./json";
import { layerNames } from "./import";
import { inner, layersWithin, parametersOf } from "./parameters";
import { real, text, type Typed, typedField, typedItems } from "./typed";

interface Setting {
  /** What a layer says; undefined where it says nothing. `conf`: what stands around the layer. */
  readonly said: (layer: Typed, conf: JsonObject) => string | undefined;
  /** Told with what the layers say, and where. */
  readonly told: (said: string, where: string) => string;
}

/** By the field that says it. */
const OF_LAYERS: Readonly<Record<string, Setting>> = {
  gradientNormalization: {
    said: (layer) => {
      const said = text(layer, "gradientNormalization");
      return said === "None" ? undefined : said;
    },
    told: (said, where) =>
      `The zip normalizes or clips gradients (${said}${where}), and training here does not: a smaller learning rate may be needed.`,
  },
  regularization: {
    said: (layer) => {
      const items = ["regularization", "regularizationBias"].flatMap((key) =>
        typedItems("layer", layer, key),
      );
      return items.some(({ type }) => type === "WeightDecay") ? "WeightDecay" : undefined;
    },
    told: (said, where) =>
      `The zip decays weights (${said}${where}), and training here does not: the optimizer adamw does; with sgd, "l2" is the same.`,
  },
  useRegularization: {
    said: (layer, conf) => {
      const has = (field: string) => real(layer, field, 0) > 0;
      return conf.get("useRegularization") === true && (has("l1") || has("l2")) ? "l2" : undefined;
    },
    told: (_, where) =>
      `Before 1.0, Deeplearning4j applies L1 and L2 behind the updater, without the learning rate${where}; training here adds them to the gradient, as later versions do.`,
  },
  lambda: {
    said: ({ type }) => (type === "CenterLossOutputLayer" ? "center loss" : undefined),
    told: (said, where) =>
      `The zip moves the centers of its ${said}${where}, and training here does not: they stay where they are.`,
  },
  biasUpdater: {
    said: (layer) => typedField("updater", layer, "biasUpdater")?.type,
    told: (said, where) =>
      `The zip moves biases by an updater of their own (${said}${where}), and training here by that of the weights. A group in the phase may name them.`,
  },
  weightNoise: {
    said: (layer) => typedField("layer", layer, "weightNoise")?.type,
    told: (said, where) =>
      `The zip puts noise on weights (${said}${where}), and training here does not.`,
  },
  useDropConnect: {
    said: ({ fields }, conf) => {
      const kept = fields.get("dropOut");
      const drops = kept instanceof JsonNumber && kept.value > 0 && kept.value < 1;
      return drops && conf.get("useDropConnect") === true ? "useDropConnect" : undefined;
    },
    told: (said, where) =>
      `The zip drops weights (${said}${where}), and training here drops inputs of the layer instead.`,
  },
  constraints: {
    said: (layer) => {
      const items = typedItems("layer", layer, "constraints");
      return items.length === 0
        ? undefined
        : [...new Set(items.map(({ type }) => type.replace("Constraint", "")))].join(", ");
    },
    told: (said, where) =>
      `The zip constrains weights (${said}${where}), and training here does not: they may leave those bounds.`,
  },
  optimizationAlgo: {
    said: (_, conf) => {
      const said = conf.get("optimizationAlgo");
      return typeof said === "string" && said !== "STOCHASTIC_GRADIENT_DESCENT" ? said : undefined;
    },
    told: (said, where) =>
      `The zip searches for each step (${said}${where}), and training here takes the steps of the recipe's optimizer.`,
  },
};

/** A sentence for each setting that training here does not follow. */
export function ignoredSettings(configuration: Configuration): readonly string[] {
  const { document, vertices } = configuration;
  const names = layerNames(configuration);
  const trained = vertices.filter(({ layer }) => layer && parametersOf(layer)?.length !== 0);
  const ofLayers = Object.values(OF_LAYERS).flatMap(({ said, told }) => {
    const layers = new Map<string, string[]>();
    for (const vertex of trained)
      for (const each of saidBy(vertex, said)) {
        const own = layers.get(each) ?? [];
        layers.set(each, [...own, names.get(vertex.name)!]);
      }
    return [...layers].map(([each, own]) =>
      told(each, own.length === trained.length ? "" : ` in ${own.join(", ")}`),
    );
  });
  return [...ofLayers, ...truncation(document)];
}

/** What a layer and those within it say, once each. */
function saidBy(vertex: Vertex, said: Setting["said"]): ReadonlySet<string> {
  const conf = confOf(vertex);
  return new Set(withWrapped(thawed(vertex.layer!)).flatMap((each) => said(each, conf) ?? []));
}

const withWrapped = (layer: Typed): readonly Typed[] => [
  layer,
  ...layersWithin(layer.type).flatMap(([field]) => withWrapped(inner(layer, field))),
];

function truncation(document: JsonObject): readonly string[] {
  if (document.get("backpropType") !== "TruncatedBPTT") return [];
  const steps = document.get("tbpttFwdLength");
  const after = steps instanceof JsonNumber ? ` after ${steps.text} steps` : "";
  return [
    `The zip cuts sequences${after} in training (truncated backpropagation through time), and training here goes through all steps of a sequence.`,
  ];
}
