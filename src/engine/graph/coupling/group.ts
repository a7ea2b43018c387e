// Which axes move together when units come or go: the dependency group of a layer's units.
// See Fang et al., "DepGraph: Towards any structural pruning", CVPR 2023.
import { GraftError } from "../../../protocol/errors";
import { refName, type Model, type Node, type Ref, type Shape } from "../model";
import { ancestors, consumers } from "../order";
import { embed, extract, samePlaces, union, type Places } from "./places";
import { tiesOf } from "./rules";
import type { End, Tie } from "./tie";

/** An axis that holds units of the group. */
export interface TiedAxis {
  readonly axis: number;
  readonly places: Places;
}

export interface TiedVariable extends TiedAxis {
  readonly variable: string;
  /** Its numbers make the units or are one per unit: a kernel's output axis, a bias, a batch norm's four. */
  readonly makes: boolean;
  /** It weighs the units for the layer that reads them: a kernel's input axis. Tied weights do both. */
  readonly reads: boolean;
  /** Of rows that read: so many columns at their end are numbers of the unit itself. */
  readonly ownColumns: number;
}

export interface TiedNode extends TiedAxis {
  readonly node: string;
}

export interface UnitGroup {
  readonly units: number;
  readonly variables: readonly TiedVariable[];
  /** Nodes whose output holds the units. */
  readonly nodes: readonly TiedNode[];
  /** Whether the units are those of the graph's output. */
  readonly reachesOutput: boolean;
  /** Nodes before the output in which every unit depends on the others: a softmax, a mean over the units. */
  readonly mixing: readonly string[];
}

/** An axis to start from: one unit per element, or a block of all units for each of `blocks`. */
export type Seed = Ref & { readonly axis: number; readonly blocks?: number };

/** What is known of an axis that was reached. */
interface Reached {
  readonly ref: Ref;
  readonly axis: number;
  places: Places;
  makes: boolean;
  reads: boolean;
  ownColumns: number;
}

/**
 * The group of the units along the axis `seed`. Throws `invalid-edit` where they run through an op that ties them to
 * something that cannot be resized with them; `name` is what the message calls them after.
 */
export function groupFrom(model: Model, seed: Seed, name: string): UnitGroup {
  const size = shapeOf(model, seed)?.[seed.axis] ?? -1;
  if (size < 0)
    throw new GraftError(
      "shape-mismatch",
      `The size of ${refName(seed)} is not known, so it cannot be resized.`,
    );
  const { blocks = 1 } = seed;
  const units = size / blocks;
  const search = new Search(model, units, name);
  const starts = Array.from({ length: blocks }, (_, block) => block * units);
  search.reach(seed, seed.axis, { starts, width: 1 }, { makes: true });
  return search.result();
}

interface FittingTie extends Tie {
  /** Where the units came from. */
  readonly here: End;
  readonly inTie: Places;
}

/** How many elements of a tie's axis one unit has: of several ties, that of the least is the axis of the units. */
const share = ({ inTie }: FittingTie): number => inTie.width * inTie.starts.length;

const shapeOf = (model: Model, ref: Ref): Shape | undefined =>
  "node" in ref ? model.shapes.get(ref.node) : model.variables.get(ref.variable)?.shape;

class Search {
  readonly #reached = new Map<string, Reached>();
  readonly #open: Reached[] = [];
  readonly #mixing = new Set<string>();
  readonly #uses: ReadonlyMap<string, readonly string[]>;
  readonly #variableUses = new Map<string, Node[]>();
  readonly #beforeOutput: ReadonlySet<string>;
  readonly #relevant: ReadonlySet<string>;

  constructor(
    readonly model: Model,
    readonly units: number,
    readonly name: string,
  ) {
    const { output } = model.roles;
    this.#uses = consumers(model);
    this.#beforeOutput = ancestors(model, output === undefined ? [] : [output]);
    this.#relevant = relevantNodes(model);
    for (const node of model.nodes.values())
      for (const input of node.inputs)
        if ("variable" in input) {
          const users = this.#variableUses.get(input.variable) ?? [];
          if (users.at(-1) !== node) users.push(node);
          this.#variableUses.set(input.variable, users);
        }
  }

  reach(
    ref: Ref,
    axis: number,
    places: Places,
    role: { readonly makes?: boolean; readonly reads?: boolean },
    ownColumns = 0,
  ): void {
    const key = `${"node" in ref ? "node" : "variable"} ${refName(ref)} ${axis}`;
    const known = this.#reached.get(key);
    const { makes = false, reads = false } = role;
    if (known === undefined) {
      const reached = { ref, axis, places, makes, reads, ownColumns };
      this.#reached.set(key, reached);
      this.#open.push(reached);
      return;
    }
    const both = union(known.places, places, this.units);
    if (both === undefined) throw this.#refusal(refName(ref), "where they overlap");
    const isNew =
      !samePlaces(both, known.places) || (makes && !known.makes) || (reads && !known.reads);
    if (!isNew) return;
    known.places = both;
    known.makes ||= makes;
    known.reads ||= reads;
    known.ownColumns = Math.max(known.ownColumns, ownColumns);
    this.#open.push(known);
  }

  result(): UnitGroup {
    for (let from = this.#open.pop(); from !== undefined; from = this.#open.pop())
      this.#follow(from);
    const all = [...this.#reached.values()];
    const nodes = all.flatMap(({ ref, axis, places }) =>
      "node" in ref ? [{ node: ref.node, axis, places }] : [],
    );
    return {
      units: this.units,
      variables: all.flatMap(({ ref, ...tied }) =>
        "variable" in ref ? [{ variable: ref.variable, ...tied }] : [],
      ),
      nodes,
      reachesOutput: nodes.some(({ node }) => node === this.model.roles.output),
      mixing: [...this.#mixing],
    };
  }

  #follow(from: Reached): void {
    const { ref } = from;
    if ("variable" in ref) {
      for (const user of this.#variableUses.get(ref.variable) ?? []) this.#into(user, from);
      return;
    }
    const node = this.model.nodes.get(ref.node)!;
    this.#through(node, "output", from);
    for (const user of this.#uses.get(ref.node) ?? [])
      this.#into(this.model.nodes.get(user)!, from);
  }

  /** Through every input of `node` that is `from`. */
  #into(node: Node, from: Reached): void {
    node.inputs.forEach((input, port) => {
      if (refName(input) === refName(from.ref) && "node" in input === "node" in from.ref)
        this.#through(node, port, from);
    });
  }

  #through(node: Node, port: End["port"], from: Reached): void {
    const isSource = node.op === "Placeholder" || node.op === "Const" || node.op === "Opaque";
    if (isSource && port === "output") {
      this.#refuseSource(node);
      return;
    }
    for (const { ends, contracts, mixes, here, inTie } of this.#fitting(node, port, from)) {
      if (mixes && this.#beforeOutput.has(node.name) && node.name !== this.model.roles.output)
        this.#mixing.add(node.name);
      for (const [place, end] of ends.entries()) {
        const to = end.port === "output" ? { node: node.name } : node.inputs[end.port];
        const places = embed(inTie, end.embedding);
        // The second end of a contraction weighs the units of the first.
        const role = contracts ? (place === 1 ? { reads: true } : { makes: true }) : from;
        if (end !== here) this.reach(to, end.axis, places, role, end.ownColumns);
        else if (contracts && place === 1)
          this.reach(to, end.axis, from.places, { makes: from.makes, reads: true });
      }
    }
  }

  /** The ties that the units at `from` take part in, with their places there. Throws where they fit into none. */
  #fitting(node: Node, port: End["port"], from: Reached): readonly FittingTie[] {
    const inputs = node.inputs.map((input) => shapeOf(this.model, input));
    const isHere = (end: End) => end.port === port && end.axis === from.axis;
    const ties = tiesOf(node, inputs, this.model.shapes.get(node.name)).filter(({ ends }) =>
      ends.some(isHere),
    );
    if (ties.length === 0) {
      if (this.#relevant.has(node.name)) throw this.#refusal(node.name, `(${node.op})`);
      return [];
    }
    const fitting = ties.flatMap((tie) => {
      const here = tie.ends.find(isHere)!;
      const inTie = extract(from.places, here.embedding, this.units);
      return inTie === undefined ? [] : [{ ...tie, here, inTie }];
    });
    const [one] = fitting
      .filter(({ alternative }) => alternative)
      .sort((a, b) => share(a) - share(b));
    const chosen = [...fitting.filter(({ alternative }) => !alternative), ...(one ? [one] : [])];
    const needed = ties.filter(({ alternative }) => !alternative).length;
    if (chosen.length < Math.max(1, needed))
      throw this.#refusal(node.name, `(${node.op}) in several parts`);
    return chosen.filter(({ inTie }) => inTie.starts.length > 0);
  }

  /** Labels follow the output; whatever else is fed or constant has the size that it has. */
  #refuseSource(node: Node): void {
    if (node.name === this.model.roles.labels || !this.#relevant.has(node.name)) return;
    if (node.name === this.name) return;
    throw this.#refusal(
      node.name,
      node.op === "Placeholder" ? "which is fed with numbers of its own" : `(${node.op})`,
    );
  }

  #refusal(through: string, how: string): GraftError {
    return new GraftError(
      "invalid-edit",
      `The units of ${this.name} run through ${through} ${how}, which Graft cannot resize with them.`,
    );
  }
}

/**
 * Nodes that must still work after an edit: what loss and output need, and what leads to other weights. A summary may
 * lose its shape.
 */
function relevantNodes(model: Model): Set<string> {
  const { loss, output } = model.roles;
  const relevant = ancestors(
    model,
    [loss, output].filter((name) => name !== undefined),
  );
  for (const node of [...model.nodes.values()].reverse()) {
    const readsWeights = node.inputs.some(
      (input) =>
        "variable" in input &&
        ["weight", "statistic", "kept"].includes(model.variables.get(input.variable)!.role),
    );
    if (readsWeights && node.op !== "Opaque") relevant.add(node.name);
    if (relevant.has(node.name))
      for (const input of node.inputs) if ("node" in input) relevant.add(input.node);
  }
  return relevant;
}
