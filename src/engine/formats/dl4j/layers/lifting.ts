// A DL4J network on its way to becoming nodes of the catalogue.
import type { OpAttributes, OpName } from "../../../graph/catalogue";
import type { Node, Ref, Shape, Variable } from "../../../graph/model";
import { inferShape, isVague } from "../../../graph/shapes";
import type { ParameterOwner } from "../parameters";

/** Nodes and their shapes, as they are made. */
export class Lifting {
  readonly nodes = new Map<string, Node>();
  readonly shapes = new Map<string, Shape>();

  constructor(readonly variables: ReadonlyMap<string, Variable>) {}

  /** Adds a node and returns its name: `name`, or that with a number where it is taken. */
  add<Op extends OpName>(
    name: string,
    op: Op,
    inputs: readonly Ref[],
    attributes: OpAttributes[Op],
    origin: readonly string[],
  ): string {
    const free = this.#free(name);
    const node = { name: free, op, inputs, attributes, origin } as unknown as Node;
    const shapes = inputs.map((input) => this.shapeOf(input));
    this.nodes.set(free, node);
    this.shapes.set(free, inferShape(node, shapes));
    return free;
  }

  /** A placeholder, whose shape does not follow from anything. */
  placeholder(
    name: string,
    shape: Shape,
    attributes: OpAttributes["Placeholder"],
    origin: readonly string[],
  ): string {
    const added = this.add(name, "Placeholder", [], attributes, origin);
    this.shapes.set(added, shape);
    return added;
  }

  shapeOf(ref: Ref): Shape {
    return "node" in ref ? this.shapes.get(ref.node)! : this.variables.get(ref.variable)!.shape;
  }

  #free(name: string): string {
    let free = name;
    for (let count = 1; this.nodes.has(free); count++) free = `${name}_${count}`;
    return free;
  }
}

/** Where a layer, a vertex or a preprocessor is lifted. */
export interface Place {
  readonly lifting: Lifting;
  /** The name of the vertex, which its nodes' names begin with. */
  readonly vertex: string;
  /** What its nodes come from, where that is not the vertex itself. */
  readonly origin?: string;
}

/** Where a layer is lifted. */
export interface Site extends Place {
  readonly layer: ParameterOwner;
  /** What the keys of its parameters begin with: "f" and "b" in a bidirectional layer. */
  readonly prefix: string;
  /** Which steps are there, [batch, time]; where its input is a sequence. */
  readonly mask?: string;
  /** Of these, those that reset the layer's own state: DL4J gives them to what `LastTimeStep` wraps alone. */
  readonly stateMask?: string;
}

/** How a layer becomes nodes: from the node that it reads to the one that it hands on. */
export type LiftLayer = (site: Site, x: string) => string;

/** Adds a node to a place. Inputs are names of nodes, or variables. */
export const add = <Op extends OpName>(
  { lifting, vertex, origin = vertex }: Place,
  op: Op,
  inputs: readonly (string | Ref)[],
  attributes: OpAttributes[Op],
): string =>
  lifting.add(
    `${vertex}/${op}`,
    op,
    inputs.map((input) => (typeof input === "string" ? { node: input } : input)),
    attributes,
    [origin],
  );

/** A parameter of the layer. */
export const parameter = ({ vertex, prefix }: Site, key: string): Ref => ({
  variable: `${vertex}_${prefix}${key}`,
});

/** A number that is broadcast. */
export const constant = (place: Place, value: number): string =>
  add(place, "Const", [], { dtype: "float32", shape: [], values: [value] });

export const shapeAt = ({ lifting }: Place, node: string): Shape => lifting.shapes.get(node)!;

/** Whether what a node yields has so many axes, as far as is known. */
export const hasRank = (place: Place, node: string, rank: number): boolean => {
  const shape = shapeAt(place, node);
  return isVague(shape) || shape.length === rank;
};

/** What is not known: shown and kept, and refused where it must run. It reads its parameters, so that they are kept. */
export function opaque(place: Place, type: string, inputs: readonly (string | Ref)[]): string {
  return add(place, "Opaque", inputs, { type });
}

/** A function of each number, or of each row, that is not known: its output is like its input. */
export function opaqueFunction(place: Place, type: string, x: string): string {
  const node = opaque(place, type, [x]);
  place.lifting.shapes.set(node, shapeAt(place, x));
  return node;
}

/** A layer of which nothing is known but its parameters. `shape`: of its output, where that is known too. */
export function opaqueLayer(site: Site, x: string, shape?: Shape): string {
  const node = opaque(site, site.layer.type, [x, ...own(site)]);
  if (shape) site.lifting.shapes.set(node, shape);
  return node;
}

/** All parameters of the layer. */
function own({ lifting, vertex, prefix }: Site): Ref[] {
  const begin = `${vertex}_${prefix}`;
  return [...lifting.variables.values()]
    .filter(({ name, role }) => role !== "slot" && name.startsWith(begin))
    .map(({ name }) => ({ variable: name }));
}
