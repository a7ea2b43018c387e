// A GraphDef while it is patched: names, who uses whom, removal, constants. Knows nothing of models or training.
import { clone, create } from "@bufbuild/protobuf";
import { GraftError } from "../../../../protocol/errors";
import {
  AttrValueSchema,
  NodeDefSchema,
  type AttrValue,
  type GraphDef,
  type NodeDef,
  type TensorProto,
} from "../proto/tensorflow_pb";
import { isVariable } from "./ops";

/** `node`, `node:1` or `^node`, as inputs and collections write them. */
export interface Input {
  readonly node: string;
  readonly output: number;
  readonly control: boolean;
}

export function parseInput(text: string): Input {
  if (text.startsWith("^")) return { node: text.slice(1), output: 0, control: true };
  const colon = text.lastIndexOf(":");
  return colon < 0
    ? { node: text, output: 0, control: false }
    : { node: text.slice(0, colon), output: Number(text.slice(colon + 1)), control: false };
}

/** What it takes to add a node. */
export interface NewNode {
  readonly name: string;
  readonly op: string;
  readonly inputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, AttrValue>>;
  readonly device?: string;
}

export const inputText = (node: string, output: number): string =>
  output === 0 ? node : `${node}:${output}`;

/** An input as all write it; undefined where it hands no value over. */
export function tensorText(input: string): string | undefined {
  const { node, output, control } = parseInput(input);
  return control ? undefined : inputText(node, output);
}

export const nodeOf = (input: string): string => parseInput(input).node;

export class PatchedGraph {
  readonly nodes: ReadonlyMap<string, NodeDef>;
  /** Nodes that will not be in the result. */
  readonly removed = new Set<string>();
  /** The name that a node is to have in the result, by the one that it has while the graph is patched. */
  readonly wanted = new Map<string, string>();
  readonly #nodes: Map<string, NodeDef>;
  readonly #users = new Map<string, Set<NodeDef>>();

  constructor(readonly def: GraphDef) {
    this.#nodes = new Map(def.node.map((node) => [node.name, node]));
    this.nodes = this.#nodes;
    for (const node of def.node) for (const input of node.input) this.#addUser(nodeOf(input), node);
  }

  has(name: string): boolean {
    return this.#nodes.has(name) && !this.removed.has(name);
  }

  /** Nodes that read `name` or wait for it, removed ones included. */
  users(name: string): readonly NodeDef[] {
    return [...(this.#users.get(name) ?? [])];
  }

  keptUsers(name: string): readonly NodeDef[] {
    return this.users(name).filter((user) => !this.removed.has(user.name));
  }

  /** The node behind the data input `index`. */
  inputNode(node: NodeDef, index: number): NodeDef | undefined {
    const input = node.input[index];
    if (input === undefined || input.startsWith("^")) return undefined;
    return this.#nodes.get(nodeOf(input));
  }

  /** Everything that the values of `roots` are computed from, `roots` included; not what they wait for. */
  sources(roots: Iterable<string>): Set<string> {
    const found = new Set<string>();
    const open = [...roots];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (found.has(name)) continue;
      found.add(name);
      for (const input of this.#nodes.get(name)?.input ?? [])
        if (!input.startsWith("^")) open.push(nodeOf(input));
    }
    return found;
  }

  setInputs(node: NodeDef, inputs: readonly string[]): void {
    for (const input of node.input) this.#users.get(nodeOf(input))?.delete(node);
    node.input = [...inputs];
    for (const input of inputs) this.#addUser(nodeOf(input), node);
  }

  /** Makes `users` read the tensor `to` in place of `from`, and wait for its node. */
  redirect(from: string, to: string, users: readonly NodeDef[]): void {
    const wait = `^${nodeOf(from)}`;
    for (const user of users)
      this.setInputs(
        user,
        user.input.map((input) =>
          input === wait ? `^${nodeOf(to)}` : tensorText(input) === from ? to : input,
        ),
      );
  }

  /** The tensor of the Const behind the data input `index`. */
  constant(node: NodeDef, index: number): TensorProto | undefined {
    const source = this.inputNode(node, index);
    return source === undefined ? undefined : constantOf(source);
  }

  /** Gives the data input `index`, a Const, another tensor; a Const that others read too stays and gets a copy. */
  setConstant(node: NodeDef, index: number, tensor: TensorProto): void {
    const source = this.inputNode(node, index);
    if (source?.op !== "Const") throw new Error(`${node.name}: input ${index} is no Const`);
    if (this.keptUsers(source.name).every((user) => user === node)) setTensor(source, tensor);
    else {
      const copy = clone(NodeDefSchema, source);
      setTensor(copy, tensor);
      this.setInputs(node, node.input.with(index, this.#add(copy)));
    }
  }

  addConstant(name: string, tensor: TensorProto, device = ""): string {
    const dtype = create(AttrValueSchema, { value: { case: "type", value: tensor.dtype } });
    const value = create(AttrValueSchema, { value: { case: "tensor", value: tensor } });
    return this.add({ name, op: "Const", attributes: { dtype, value }, device });
  }

  /** The name that the node has for now: another one where that is taken, even by a node that will go. */
  add({ name, op, inputs = [], attributes = {}, device = "" }: NewNode): string {
    return this.#add(
      create(NodeDefSchema, { name, op, input: [...inputs], attr: { ...attributes }, device }),
    );
  }

  /** Which of the nodes that stay get another name. A variable gets exactly the one that it is to have. */
  renames(): ReadonlyMap<string, string> {
    const stay = [...this.#nodes.values()].filter((node) => !this.removed.has(node.name));
    const taken = new Set(
      stay.filter((node) => !this.wanted.has(node.name)).map((node) => node.name),
    );
    const renamed = new Map<string, string>();
    const moving = stay.filter((node) => this.wanted.has(node.name));
    for (const node of [
      ...moving.filter(isVariable),
      ...moving.filter((each) => !isVariable(each)),
    ]) {
      const wanted = this.wanted.get(node.name)!;
      const name = unused(wanted, taken);
      if (name !== wanted && isVariable(node)) throw nameTaken(wanted);
      taken.add(name);
      if (name !== node.name) renamed.set(node.name, name);
    }
    return renamed;
  }

  /** Writes the result into `def`: without the removed nodes, and without whatever names them. */
  finish(): void {
    this.def.node = this.def.node.filter((node) => !this.removed.has(node.name));
    if (this.removed.size === 0) return;
    for (const node of this.def.node) {
      const inputs = node.input.filter((input) => !this.removed.has(nodeOf(input)));
      if (inputs.length !== node.input.length) {
        const lost = node.input.find((input) => !inputs.includes(input) && !input.startsWith("^"));
        if (lost !== undefined) throw new Error(`${node.name} still reads ${lost}`);
        this.setInputs(node, inputs);
      }
      this.#forgetLocations(node);
    }
  }

  /** `_class` says "on the device of that node"; TensorFlow refuses a graph in which that node is missing. */
  #forgetLocations(node: NodeDef): void {
    const places = node.attr["_class"]?.value;
    if (places?.case !== "list") return;
    const kept = places.value.s.filter((place) => {
      const text = new TextDecoder().decode(place);
      return !(text.startsWith("loc:@") && this.removed.has(text.slice("loc:@".length)));
    });
    if (kept.length === places.value.s.length) return;
    if (kept.length === 0) delete node.attr["_class"];
    else places.value.s = kept;
  }

  #add(node: NodeDef): string {
    const wanted = node.name;
    node.name = unused(wanted, this.#nodes);
    if (node.name !== wanted) this.wanted.set(node.name, wanted);
    this.def.node.push(node);
    this.#nodes.set(node.name, node);
    for (const input of node.input) this.#addUser(nodeOf(input), node);
    return node.name;
  }

  #addUser(name: string, user: NodeDef): void {
    const users = this.#users.get(name);
    if (users === undefined) this.#users.set(name, new Set([user]));
    else users.add(user);
  }
}

/** `name`, or the first of `name_1`, `name_2`, … that is not taken. */
function unused(name: string, taken: { has(name: string): boolean }): string {
  for (let n = 0; ; n++) {
    const candidate = n === 0 ? name : `${name}_${n}`;
    if (!taken.has(candidate)) return candidate;
  }
}

const nameTaken = (name: string): GraftError =>
  new GraftError(
    "invalid-edit",
    `The graph has an op named ${name} already, so a variable cannot have that name. Choose another one.`,
  );

export function constantOf(node: NodeDef): TensorProto | undefined {
  const value = node.attr["value"]?.value;
  return node.op === "Const" && value?.case === "tensor" ? value.value : undefined;
}

/** Replaces the tensor of a Const. */
export function setTensor(node: NodeDef, tensor: TensorProto): void {
  node.attr["value"] = create(AttrValueSchema, { value: { case: "tensor", value: tensor } });
  delete node.attr[OUTPUT_SHAPES];
}

/** Shapes that Python noted when it wrote the graph. Optional, but TensorFlow refuses a graph that contradicts them. */
export const OUTPUT_SHAPES = "_output_shapes";
