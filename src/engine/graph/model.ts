// The one model of a network, whatever file it came from: a graph of catalogue ops over named variables.
// Plain immutable data; no I/O here. Surgery maps a Model to a Model.
import type { DType } from "../../protocol/checkpoint";
import type { OpAttributes, OpName } from "./catalogue";
import type { Normalizer } from "./normalizer";

/** Dimensions; -1 is the batch (or otherwise unknown) size. */
export type Shape = readonly number[];

/** An input of a node: the output of another node, or a variable's value. */
export type Ref = { readonly node: string } | { readonly variable: string };

interface NodeOf<Op extends OpName> {
  readonly name: string;
  readonly op: Op;
  readonly attributes: OpAttributes[Op];
  readonly inputs: readonly Ref[];
  /** Names of the source nodes that this one was lifted from; its own output is that of the last. */
  readonly origin: readonly string[];
}

/** An op with its inputs; `node.op` decides the type of `node.attributes`. */
export type Node<Op extends OpName = OpName> = { [Name in Op]: NodeOf<Name> }[Op];

/** Where a value comes from. Building one reads nothing; `evaluate` (graph/value.ts) does. */
export type Value =
  /** Stored in the checkpoint under this name; in another one, by the path that the recipe has for it. */
  | { readonly from: "stored"; readonly name: string; readonly checkpoint?: string }
  /** Fresh numbers. `seed` and `key` decide every one of them, `fanIn` and `fanOut` the spread. */
  | {
      readonly from: "initializer";
      readonly initializer: Initializer;
      readonly shape: Shape;
      readonly fanIn: number;
      readonly fanOut: number;
      readonly key: string;
      /** The variable that the numbers are drawn for, where a copy of it has another name. */
      readonly drawnFor?: string;
    }
  | {
      readonly from: "concat";
      readonly axis: number;
      readonly parts: readonly Value[];
      readonly shapes: readonly Shape[];
    }
  /** Slices of `part`, which has `shape`, along an axis: some, in another order, or one of them twice. */
  | {
      readonly from: "take";
      readonly axis: number;
      readonly indices: readonly number[];
      readonly part: Value;
      readonly shape: Shape;
    }
  /** Along an axis of `part`, which has `shape`, sums of slices; a sum of none is zero. */
  | {
      readonly from: "sum";
      readonly axis: number;
      readonly terms: readonly (readonly number[])[];
      readonly part: Value;
      readonly shape: Shape;
    }
  /** `part`, which has `shape`, with every slice along an axis multiplied by its factor. */
  | {
      readonly from: "scale";
      readonly axis: number;
      readonly factors: readonly number[];
      readonly part: Value;
      readonly shape: Shape;
    }
  /** `base` to the power of each number of `part`, which has `shape`. */
  | {
      readonly from: "power";
      readonly base: number;
      readonly part: Value;
      readonly shape: Shape;
    }
  /** `part`, which has `shape`, with its axes in another order: axis i is the old axis `permutation[i]`. */
  | {
      readonly from: "transpose";
      readonly permutation: readonly number[];
      readonly part: Value;
      readonly shape: Shape;
    };

/** Whether nothing in a value is stored: a new layer stays new when it is widened. */
export function isFresh(value: Value): boolean {
  switch (value.from) {
    case "stored":
      return false;
    case "initializer":
      return true;
    case "concat":
      return value.parts.every(isFresh);
    case "take":
    case "sum":
    case "scale":
    case "power":
    case "transpose":
      return isFresh(value.part);
  }
}

export type Initializer = "zeros" | "ones" | "identity" | "glorotUniform" | "heNormal";

/** A box of a variable's elements: start and size per axis. */
export interface Region {
  readonly start: readonly number[];
  readonly size: readonly number[];
}

export type VariableRole =
  /** Trained by gradient. */
  | "weight"
  /** Moving mean or variance of a batch norm. */
  | "statistic"
  /** State of an optimizer for another variable. */
  | "slot"
  /** A step counter, or a power that an optimizer keeps. */
  | "counter"
  /** Moving average of another variable. */
  | "average"
  /** Of a branch that is kept as it was: nothing trains it, and no edit unfreezes it. */
  | "kept"
  /** Stored, but the graph does not use it. */
  | "unused";

export interface Variable {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly value: Value;
  readonly role: VariableRole;
  /** The variable that a slot or average belongs to. */
  readonly of?: string;
  /** What training may change: disjoint regions, all of it, or (empty) nothing. */
  readonly trainable: readonly Region[];
  /** Its name in the source, where an edit gave it another. */
  readonly origin?: string;
  /** Settings of its own, for whatever optimizer moves it. `l2`: the share of a weight that is added to its gradient. */
  readonly hyper?: { readonly learningRate?: number; readonly l2?: number };
}

export interface Layer {
  readonly name: string;
  readonly kind: string;
  readonly variables: readonly string[];
  /** The layer's last activation: its op's output after bias and activation function. */
  readonly output?: string;
  /** The nodes that make up the layer, in order. */
  readonly nodes: readonly string[];
}

/** Which nodes play which part. Absent: the graph does not say and the recipe must. */
export interface Roles {
  /** Placeholders that samples are fed to. */
  readonly inputs: readonly string[];
  /** The logits: what goes into the loss, before any softmax. */
  readonly output?: string;
  /** The placeholder that labels are fed to. */
  readonly labels?: string;
  /** The scalar that training minimizes. */
  readonly loss?: string;
  /** Why a role is absent: the candidates, for the message. */
  readonly ambiguous?: {
    readonly role: "output" | "labels" | "loss";
    readonly candidates: readonly string[];
  };
}

export interface Model {
  /** Topologically ordered: a node comes after its inputs. */
  readonly nodes: ReadonlyMap<string, Node>;
  readonly variables: ReadonlyMap<string, Variable>;
  /** In the order of the graph. */
  readonly layers: readonly Layer[];
  readonly roles: Roles;
  /** Static shape of each node's output. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Source names that stand for a node: read ops, identities, ops inside a lifted pattern. */
  readonly aliases: ReadonlyMap<string, string>;
  /** What samples must go through before they are fed, where the checkpoint says so. */
  readonly normalizer?: Normalizer;
  /** What the checkpoint says of its own training and training here does not follow: a sentence each. */
  readonly ignored?: readonly string[];
  /** What whoever saves it after training here must know. */
  readonly onceTrained?: string;
}

export const wholeRegion = (shape: Shape): Region => ({
  start: shape.map(() => 0),
  size: [...shape],
});

export const elements = (shape: Shape): number =>
  shape.reduce((product, size) => product * size, 1);

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

export const trainableElements = (variable: Variable): number =>
  variable.trainable.reduce((sum, region) => sum + elements(region.size), 0);

export const isFrozen = (variable: Variable): boolean => variable.trainable.length === 0;

export const refName = (ref: Ref): string => ("node" in ref ? ref.node : ref.variable);

/** Under which name the checkpoint stores a variable that no edit has touched; a saver may choose names of its own. */
export const storedName = (variable: Variable): string =>
  variable.value.from === "stored" ? variable.value.name : variable.name;
