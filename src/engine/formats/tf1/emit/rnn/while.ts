// A while loop of TensorFlow 1: what goes round, what is read from outside, and the context that gradients need.
import type { DType } from "../../../../../protocol/checkpoint";
import { parseInput } from "../../patch/graph";
import { numbers } from "../../patch/tensors";
import * as attribute from "../attributes";
import { INT32, step, typeOf, type Attributes, type Emission } from "../emission";
import { encodeContext, PARALLEL_ITERATIONS } from "./context";

/** A while loop that counts up to a number of steps. */
export class WhileLoop {
  readonly #to: Emission;
  readonly #frame: Attributes;
  readonly #name: string;
  readonly #values: string[] = [];
  readonly #external = new Map<string, string>();
  readonly #merges: string[] = [];
  readonly #switches: string[] = [];
  readonly #enters: string[] = [];
  #condition = "";
  #pivot = "";

  constructor(to: Emission) {
    this.#to = to;
    this.#name = `${to.name}/while/while_context`;
    this.#frame = {
      frame_name: attribute.text(this.#name),
      parallel_iterations: attribute.integer(PARALLEL_ITERATIONS),
    };
  }

  /** What is carried, as a step sees it. The first is the counter. */
  enter(initial: readonly string[], steps: string): string[] {
    const add = (name: string, op: string, inputs: readonly string[], attributes: Attributes) =>
      this.#add(name, op, inputs, attributes);
    for (const [index, tensor] of initial.entries()) {
      const T = typeOf(this.#to, tensor);
      const enter = add(`Enter_${index}`, "Enter", [tensor], {
        T,
        ...this.#frame,
        is_constant: attribute.flag(false),
      });
      this.#enters.push(enter);
      // The second input is the end of a step, which is not there yet.
      this.#merges.push(
        add(`Merge_${index}`, "Merge", [enter, enter], { T, N: attribute.integer(2) }),
      );
    }
    const isBelow = add("Less", "Less", [this.#merges[0]!, this.outside(steps)], { T: INT32 });
    this.#condition = add("LoopCond", "LoopCond", [isBelow], {});
    return this.#merges.map((merge, index) => {
      const T = typeOf(this.#to, merge);
      const chosen = add(`Switch_${index}`, "Switch", [merge, this.#condition], { T });
      this.#switches.push(chosen);
      const value = add(`Identity_${index}`, "Identity", [`${chosen}:1`], { T });
      if (index === 0) this.#pivot = value;
      return value;
    });
  }

  op(name: string, op: string, inputs: readonly string[], attributes: Attributes): string {
    return this.#add(name, op, inputs, attributes);
  }

  constant(name: string, dtype: DType, value: number): string {
    const constant = this.#to.graph.addConstant(
      `${this.#to.name}/while/${name}`,
      numbers(dtype, [], [value]),
    );
    const node = this.#to.graph.nodes.get(constant)!;
    this.#to.graph.setInputs(node, [`^${this.#pivot}`]);
    this.#values.push(constant);
    return constant;
  }

  outside(tensor: string): string {
    const known = this.#external.get(tensor);
    if (known !== undefined) return known;
    const enter = this.#add(
      `Enter/${parseInput(tensor).node.replace(/^.*\//, "")}`,
      "Enter",
      [tensor],
      {
        T: typeOf(this.#to, tensor),
        ...this.#frame,
        is_constant: attribute.flag(true),
      },
    );
    this.#external.set(tensor, enter);
    return enter;
  }

  /** Ends the step with what is carried on; the values after the last one. */
  close(next: readonly string[]): string[] {
    const { graph } = this.#to;
    const exits = next.map((tensor, index) => {
      const T = typeOf(this.#to, this.#merges[index]!);
      const back = this.#add(`NextIteration_${index}`, "NextIteration", [tensor], { T });
      graph.setInputs(graph.nodes.get(this.#merges[index]!)!, [this.#enters[index]!, back]);
      return this.#add(`Exit_${index}`, "Exit", [this.#switches[index]!], { T });
    });
    const first = (name: string): string => `${name}:0`;
    const context = encodeContext({
      name: this.#name,
      condition: first(this.#condition),
      conditionPivot: first(this.#merges[0]!),
      bodyPivot: first(this.#pivot),
      enters: this.#enters.map(first),
      exits: exits.map(first),
      values: this.#values.flatMap((name) => this.#outputs(name)),
      external: [...this.#external].map(([outside, inside]) => [
        tensorName(outside),
        first(inside),
      ]),
    });
    this.#to.whileContext(context);
    return exits;
  }

  #add(name: string, op: string, inputs: readonly string[], attributes: Attributes): string {
    const node = step(this.#to, `while/${name}`, op, inputs, attributes);
    this.#values.push(node);
    return node;
  }

  #outputs(name: string): string[] {
    const { op, attr } = this.#to.graph.nodes.get(name)!;
    const split = attr["num_split"]?.value;
    const count = split?.case === "i" ? Number(split.value) : /^(Merge|Switch)$/.test(op) ? 2 : 1;
    return Array.from({ length: count }, (_, output) => `${name}:${output}`);
  }
}

/** With the number of its output, as contexts have it. */
const tensorName = (tensor: string): string => {
  const { node, output } = parseInput(tensor);
  return `${node}:${output}`;
};
