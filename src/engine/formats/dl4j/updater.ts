// Where updaterState.bin has the state of each parameter. Consecutive parameters whose updaters are configured alike share
// a block; a block of Adam holds m of all its parameters, then v of all. Versions before 0.9 have a block per parameter.
// org.deeplearning4j.nn.updater.BaseMultiLayerUpdater and .UpdaterUtils, .LayerUpdater up to 0.8
import { elements, type Shape } from "../../graph/model";
import { type Configuration, layersOf } from "./configuration";
import { type Json, JsonNumber, stringify } from "./json";
import { inner, ownerOf, type Stored } from "./parameters";
import { real, text, type Typed, typed, typedField } from "./typed";

/** A number of the state for each number of a parameter. */
export interface Slot {
  /** "0_W/Adam/m" */
  readonly name: string;
  /** "Adam/m": the rest of the name. */
  readonly kind: string;
  /** The name of the parameter's variable. */
  readonly of: string;
  readonly shape: Shape;
  readonly order: "c" | "f";
  /** Where its numbers begin in the flat state. */
  readonly offset: number;
  /** What the state of a parameter is before its first step. */
  readonly initial: number;
}

/** The states that an updater keeps, in order; what they begin with, where it is not 0. */
interface Updater {
  readonly states: readonly string[];
  readonly initial?: (fields: Typed) => number;
}

/** org.nd4j.linalg.learning.config */
const UPDATERS: Readonly<Record<string, Updater>> = {
  Sgd: { states: [] },
  NoOp: { states: [] },
  Adam: { states: ["m", "v"] },
  AdaMax: { states: ["m", "u"] },
  Nadam: { states: ["m", "v"] },
  AMSGrad: { states: ["m", "v", "vHat"] },
  AdaDelta: { states: ["msg", "msdx"] },
  Nesterovs: { states: ["v"] },
  // Whatever its own epsilon is.
  AdaGrad: { states: ["h"], initial: () => 1e-6 },
  RmsProp: { states: ["g"], initial: (fields) => real(fields, "epsilon", 1e-8) },
};

/** Names in configurations before 0.9: org.deeplearning4j.nn.conf.Updater */
const OLD_NAMES: Readonly<Record<string, string>> = {
  SGD: "Sgd",
  NONE: "NoOp",
  ADAM: "Adam",
  ADAMAX: "AdaMax",
  NADAM: "Nadam",
  ADADELTA: "AdaDelta",
  NESTEROVS: "Nesterovs",
  ADAGRAD: "AdaGrad",
  RMSPROP: "RmsProp",
};

export interface StateLayout {
  /** In the order of the flat state. */
  readonly slots: readonly Slot[];
  /** Numbers of the flat state. */
  readonly length: number;
}

/**
 * The state of `stored`, which are the parameters of `configuration` in flat order. Undefined where an updater is not
 * known, and with it where anything is.
 */
export function stateLayout(
  configuration: Configuration,
  stored: readonly Stored[],
): StateLayout | undefined {
  const blocks: { readonly settings: Settings; readonly parameters: Stored[] }[] = [];
  let at = 0;
  for (const layer of layersOf(configuration))
    for (; stored[at]?.layer === layer.name; at++) {
      const settings = settingsOf(layer, stored[at]);
      if (settings === undefined) return undefined;
      const last = blocks.at(-1);
      if (last !== undefined && settings.block === last.settings.block)
        last.parameters.push(stored[at]);
      else blocks.push({ settings, parameters: [stored[at]] });
    }
  const slots: Slot[] = [];
  let offset = 0;
  for (const { settings, parameters } of blocks)
    for (const state of settings.states)
      for (const { variable, shape, order } of parameters) {
        const kind = `${settings.type}/${state}`;
        const { initial } = settings;
        slots.push({
          name: `${variable}/${kind}`,
          kind,
          of: variable,
          ...{ shape, order, offset, initial },
        });
        offset += elements(shape);
      }
  return { slots, length: offset };
}

/** What moves the weights of each layer, by the layer's name: "Adam, learning rate 0.02". None where nothing does. */
export function updaterTexts(
  configuration: Configuration,
  stored: readonly Stored[],
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const layer of layersOf(configuration)) {
    const weight = stored.find((each) => each.layer === layer.name && each.role === "weight");
    const owner = weight && ownerOf(layer, weight.name);
    const updater = owner && updaterOf(owner, weight);
    if (owner !== undefined && updater !== undefined)
      texts.set(layer.name, `${updater.type}${rateText(updater, owner)}`);
  }
  return texts;
}

/** The rate is the updater's; up to 0.9 the layer's. */
function rateText(updater: Typed, owner: Typed): string {
  const schedule = typedField("updater", updater, "learningRateSchedule");
  if (schedule !== undefined) return `, learning rate by a ${schedule.type}`;
  const holder = [updater, owner].find(
    ({ fields }) => fields.get("learningRate") instanceof JsonNumber,
  );
  return holder === undefined ? "" : `, learning rate ${real(holder, "learningRate", 0)}`;
}

/** The kinds of updaters that move something, once each: "Adam". */
export function updaterKinds(
  configuration: Configuration,
  stored: readonly Stored[],
): readonly string[] {
  const kinds = layersOf(configuration).flatMap((layer) =>
    stored
      .filter((parameter) => parameter.layer === layer.name)
      .flatMap((parameter) => settingsOf(layer, parameter)?.type ?? []),
  );
  return [...new Set(kinds)].filter((kind) => kind !== NOTHING.type);
}

interface Settings {
  readonly type: string;
  readonly states: readonly string[];
  readonly initial: number;
  /** Parameters with the same are in one block. */
  readonly block: string;
}

/** Undefined: not known. */
function settingsOf(
  layer: Typed & { readonly name: string },
  parameter: Stored,
): Settings | undefined {
  const owner = movedBy(layer, parameter.name);
  const updater = owner === undefined ? NOTHING : updaterOf(owner, parameter);
  if (updater === undefined || !Object.hasOwn(UPDATERS, updater.type)) return undefined;
  const { states, initial } = UPDATERS[updater.type];
  return {
    type: updater.type,
    states,
    initial: initial?.(updater) ?? 0,
    block: [updater.type, updater.block, isPretrained(layer, parameter) ? layer.name : ""].join(),
  };
}

type Configured = Typed & { readonly block: string };

const NOTHING: Configured = { type: "NoOp", fields: new Map(), path: [], block: "" };

/** The layer whose updater moves a parameter; undefined where nothing does, since it is frozen. */
function movedBy(layer: Typed, name: string): Typed | undefined {
  if (layer.type === "FrozenLayer") return undefined;
  // Its gradient is zero, and its updater goes on.
  if (layer.type === "FrozenLayerWithBackprop") return movedBy(inner(layer, "underlying"), name);
  return ownerOf(layer, name);
}

function updaterOf(owner: Typed, { name, role }: Stored): Configured | undefined {
  if (role === "statistic") return NOTHING;
  const own = (key: string) => typed("updater", owner.fields.get(key), [...owner.path, key]);
  // Layers made of SameDiff have it as "updater".
  const keys = [...(role === "bias" ? ["biasUpdater"] : []), "iupdater", "iUpdater", "updater"];
  const [updater] = keys.flatMap((key) => own(key) ?? []);
  // Up to 0.9 the rate is the layer's.
  const rate = owner.fields.get(role === "bias" ? "biasLearningRate" : "learningRate") ?? null;
  if (updater !== undefined)
    return {
      ...updater,
      block: [updater.fields, rate].map((json: Json) => stringify(json)).join(),
    };
  const old = text(owner, "updater");
  if (old === undefined) return undefined;
  const type = Object.hasOwn(OLD_NAMES, old) ? OLD_NAMES[old] : old;
  return { ...owner, type, block: owner.path.join("/") + name };
}

/** Parameters that only pretraining moves share no block with others. */
const isPretrained = (layer: Typed, { name }: Stored): boolean =>
  layer.type === "AutoEncoder" && name === "vb";
