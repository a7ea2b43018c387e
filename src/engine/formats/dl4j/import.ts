// From a DL4J configuration to the model: every vertex as nodes of the catalogue, the loss behind the output layers, the
// parameters as variables under DL4J's own names.
import type { DType } from "../../../protocol/checkpoint";
import {
  wholeRegion,
  type Layer,
  type Model,
  type Node,
  type Roles,
  type Shape,
  type Variable,
} from "../../graph/model";
import { consumers } from "../../graph/order";
import { findRoles } from "../../graph/roles";
import { isFrozenLayer, layersOf, thawed, type Configuration, type Vertex } from "./configuration";
import { inputShapes } from "./inputs";
import { activationOf } from "./layers/activations";
import { add, Lifting, type Place } from "./layers/lifting";
import {
  compared,
  distanceToCenters,
  labelShape,
  lossOf,
  reduced,
  takesIndices,
} from "./layers/losses";
import { preprocessed } from "./layers/preprocessors";
import { regularization } from "./layers/regularization";
import { isOutputLayer, kindOf, liftLayer, maskBehind } from "./layers/table";
import { liftVertex } from "./layers/vertices";
import type { Stored } from "./parameters";

/**
 * The model of a network whose flat vector holds `stored` as `dtype`. `slots` are variables beside the parameters. Throws
 * `corrupt-file`, `shape-mismatch` where the layers contradict each other.
 */
export function importNetwork(
  configuration: Configuration,
  stored: readonly Stored[],
  dtype: DType,
  slots: readonly Variable[] = [],
): Model {
  const variables = new Map([
    ...variablesOf(configuration, stored, dtype).map((each) => [each.name, each] as const),
    ...slots.map((each) => [each.name, each] as const),
  ]);
  const network = new Network(configuration, new Lifting(variables));
  const { nodes, shapes } = network.lifted();
  const roles = network.roles();
  const layers = layersOfNetwork(configuration, network, stored);
  const aliases = new Map(
    [...network.outputs].filter(([vertex, node]) => vertex !== node && !nodes.has(vertex)),
  );
  return { nodes, variables, layers, roles, shapes, aliases };
}

function variablesOf(
  configuration: Configuration,
  stored: readonly Stored[],
  dtype: DType,
): readonly Variable[] {
  const frozen = new Set(
    layersOf(configuration)
      .filter(isFrozenLayer)
      .map(({ name }) => name),
  );
  return stored.map(({ variable: name, layer, shape, role }): Variable => {
    const trains = role !== "statistic" && !frozen.has(layer);
    return {
      name,
      dtype,
      shape,
      value: { from: "stored", name },
      role: role === "statistic" ? "statistic" : "weight",
      trainable: trains ? [wholeRegion(shape)] : [],
    };
  });
}

/** The name of a layer: DL4J's own, where it has one that no other layer has; else its index or vertex. */
export function layerNames(configuration: Configuration): ReadonlyMap<string, string> {
  const layers = layersOf(configuration);
  const names = new Set(layers.map(({ name }) => name));
  const uses = new Map<string, number>();
  for (const { title } of layers) if (title) uses.set(title, (uses.get(title) ?? 0) + 1);
  return new Map(
    layers.map(({ name, title }) => {
      const isOwn = title && uses.get(title) === 1 && (title === name || !names.has(title));
      return [name, isOwn ? title : name];
    }),
  );
}

function layersOfNetwork(
  configuration: Configuration,
  { outputs, nodesOf }: Network,
  stored: readonly Stored[],
): readonly Layer[] {
  const names = layerNames(configuration);
  return layersOf(configuration).map((layer) => {
    const own = nodesOf.get(layer.name)!;
    const output = outputs.get(layer.name)!;
    const parameters = stored.filter((each) => each.layer === layer.name);
    return {
      name: names.get(layer.name)!,
      kind: kindOf(layer),
      variables: parameters.map(({ variable }) => variable),
      nodes: own,
      ...(own.includes(output) && { output }),
    };
  });
}

/** What the nodes of a loss come from. */
const LOSS = "/loss";

/** What the nodes of a layer's preprocessor come from. */
export const preprocessorOrigin = (vertex: string): string => `${vertex}/preprocessor`;

const productInput = ({ op, inputs: [x] }: Node): readonly string[] =>
  op === "MatMul" && "node" in x ? [x.node] : [];

/** What is known of each part of the network while it is lifted. */
class Network {
  /** The node that a vertex or an input of the network hands on. */
  readonly outputs = new Map<string, string>();
  readonly nodesOf = new Map<string, readonly string[]>();
  readonly #masks = new Map<string, string>();
  readonly #inputMasks = new Map<string, string>();
  readonly #logits = new Map<string, string>();
  readonly #losses: string[] = [];
  readonly #labels: string[] = [];

  constructor(
    readonly configuration: Configuration,
    readonly lifting: Lifting,
  ) {
    const several = configuration.inputs.length > 1;
    const shapeOf = inputShapes(configuration);
    for (const name of configuration.inputs) {
      const { shape, dtype } = shapeOf(name);
      const node = lifting.placeholder(name, shape, { dtype }, [name]);
      this.outputs.set(name, node);
      if (shape.length !== 3 && dtype === "float32") continue;
      const mask = several ? `${name}/mask` : "mask";
      const steps = lifting.placeholder(mask, shape.slice(0, 2), { dtype: "float32", value: 1 }, [
        name,
      ]);
      this.#masks.set(name, steps);
      this.#inputMasks.set(name, steps);
    }
    for (const vertex of configuration.vertices) this.#lift(vertex);
    for (const name of configuration.outputs) this.#compare(name);
    this.#total();
  }

  /** Without the masks that nothing reads. */
  lifted(): Pick<Model, "nodes" | "shapes"> {
    const { nodes, shapes } = this.lifting;
    const uses = consumers({ nodes });
    for (const mask of this.#inputMasks.values())
      if (uses.get(mask)!.length === 0) {
        nodes.delete(mask);
        shapes.delete(mask);
      }
    return { nodes, shapes };
  }

  /** Of several outputs the recipe chooses one. */
  roles(): Roles {
    const { inputs, outputs } = this.configuration;
    const [loss] = this.#losses;
    const fed = inputs.map((name) => this.outputs.get(name)!);
    if (outputs.length > 1)
      return {
        ...findRoles(this.lifting, { losses: loss === undefined ? [] : [loss] }),
        inputs: fed,
      };
    const [labels] = this.#labels;
    const output = this.#logits.get(outputs[0]) ?? this.outputs.get(outputs[0])!;
    return { inputs: fed, output, ...(loss !== undefined && { loss, labels }) };
  }

  #lift({ name, inputs, vertex, layer, preprocessor }: Vertex): void {
    const place: Place = { lifting: this.lifting, vertex: name };
    const from = inputs.map((each) => this.outputs.get(each)!);
    const mask = inputs.map((each) => this.#masks.get(each)).find((each) => each !== undefined);
    const before = new Set(this.lifting.nodes.keys());
    let output: string;
    let maskNow = mask;
    if (layer === undefined) {
      const named = (input?: string) => (input === undefined ? mask : this.#inputMasks.get(input));
      output = liftVertex({ ...place, typed: vertex, mask: named, input: this.#input }, from);
    } else {
      const between = { ...place, origin: preprocessorOrigin(name) };
      const x = preprocessor ? preprocessed(between, from[0], preprocessor) : from[0];
      for (const node of this.lifting.nodes.keys()) before.add(node);
      const site = { ...place, layer, prefix: "", ...(mask !== undefined && { mask }) };
      output = liftLayer(site, x);
      // So that a layer that does nothing is there all the same.
      if (output === x) output = add(place, "Identity", [x], {});
      maskNow = mask && maskBehind(site, mask);
    }
    this.outputs.set(name, output);
    const own = [...this.lifting.nodes.keys()].filter((node) => !before.has(node));
    this.nodesOf.set(name, own);
    const isSequence = this.lifting.shapes.get(output)?.length === 3;
    if (maskNow !== undefined && isSequence) this.#masks.set(name, maskNow);
  }

  readonly #input = (name: string): string | undefined => this.outputs.get(name);

  /** The loss of an output layer. */
  #compare(name: string): void {
    const { configuration, lifting } = this;
    const { layer } = configuration.vertices.find((vertex) => vertex.name === name)!;
    const inner = layer && thawed(layer);
    const loss = inner && lossOf(inner);
    const output = this.outputs.get(name)!;
    if (inner === undefined || loss === undefined || !isOutputLayer(inner)) return;
    const isOnly = configuration.outputs.length === 1;
    const place: Place = { lifting, vertex: isOnly ? "loss" : `${name}/loss`, origin: LOSS };
    const shape = lifting.shapes.get(output)!;
    const labels = this.#placeholder(
      isOnly ? "labels" : `${name}/labels`,
      labelShape(shape, loss),
      {
        dtype: takesIndices(loss) ? "int32" : "float32",
      },
    );
    const own = this.nodesOf.get(name)!;
    const activation = activationOf(inner);
    const logits = this.#before(output, own, activation.type) ?? output;
    const { each, output: role } = compared(place, loss, {
      ...{ logits, output, labels },
      activation: logits === output ? "ActivationIdentity" : activation.type,
    });
    this.#logits.set(name, role);
    this.#labels.push(labels);
    // DL4J masks the loss by the mask of the labels alone.
    const masks = shape.length === 3 ? [this.#labelsMask(name, shape, isOnly)] : [];
    this.#losses.push(reduced(place, each, masks, layer!.minimizesMean));
    if (inner.type !== "CenterLossOutputLayer") return;
    const [x] = own.flatMap((node) => productInput(lifting.nodes.get(node)!));
    const distance = distanceToCenters(place, inner, x, labels, { variable: `${name}_cL` });
    this.#losses.push(reduced(place, distance, [], layer!.minimizesMean));
  }

  #labelsMask(name: string, shape: Shape, isOnly: boolean): string {
    const mask = isOnly ? "labelsMask" : `${name}/labelsMask`;
    return this.#placeholder(mask, shape.slice(0, 2), { dtype: "float32", value: 1 });
  }

  #placeholder(
    name: string,
    shape: Shape,
    attributes: Parameters<Lifting["placeholder"]>[2],
  ): string {
    return this.lifting.placeholder(name, shape, attributes, [LOSS]);
  }

  /** What the activation function of an output layer reads, where it is a softmax or a sigmoid. */
  #before(output: string, own: readonly string[], activation: string): string | undefined {
    const node = this.lifting.nodes.get(output)!;
    const [input] = node.inputs;
    const isFound =
      (activation === "ActivationSoftmax" && node.op === "Softmax") ||
      (activation === "ActivationSigmoid" && node.op === "Sigmoid");
    return isFound && own.includes(output) && "node" in input ? input.node : undefined;
  }

  /** One scalar of all losses and what regularization adds. */
  #total(): void {
    const { lifting, configuration } = this;
    if (this.#losses.length === 0) return;
    const place: Place = { lifting, vertex: "loss", origin: LOSS };
    const parts = [
      ...this.#losses,
      ...layersOf(configuration).flatMap((layer) => regularization(place, layer)),
    ];
    const loss = parts.length === 1 ? parts[0] : add(place, "Add", parts, {});
    this.#losses.splice(0, this.#losses.length, loss);
  }
}
