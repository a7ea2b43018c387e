// Runs a model as compiled programs: a forward pass as one call, training as calls of many steps each.
import type { BackendInfo } from "../../protocol/run";
import { carriedIn, carriedOut, LOOP_COUNT, yieldedOut } from "../compile/model";
import type { ValueType } from "../compile/graph";
import { ORDER, STEPS_BEFORE, traceLoop, type TracedLoop } from "../compile/loop";
import { channelBlock } from "../compile/probe";
import { traceForward } from "../compile/program";
import type { Target } from "../compile/recorder";
import { Session, type Fed } from "../compile/session";
import { elements, type Node, type Shape } from "../graph/model";
import { INFERENCE } from "../ops/kernel";
import { run, type Path } from "../ops/run";
import { tf, type Tensor } from "../ops/tf";
import type {
  Executor,
  Fetched,
  Forward,
  ForwardRequest,
  StepOutcome,
  StepPosition,
  Training,
  TrainingRequest,
} from "./executor";
import type { LiveVariables } from "./live";
import { scalarLoss } from "./metrics";
import { gatherRows, type SampleArray } from "./samples";
import { movedNames, trainStep } from "./step";

/** A call blocks the process: it takes this long at most, or one step. */
const CALL_MS = 250;
/** Random numbers that are drawn for one call at most. */
const RANDOM_BYTES = 64 * 2 ** 20;
/** Multiply-adds of one call of a program from which a second thread pays. */
const WORK_PER_THREAD = 8e6;

/** `threads`: the most that a program may use. `callMs`: how long a call of several steps may take. */
export const compiled = (info: BackendInfo, threads: number, callMs = CALL_MS): Executor => ({
  info,
  forward: (request) => new CompiledForward(request, info, threads),
  training: (request) => new CompiledTraining(request, threads, callMs),
});

const threadsFor = (work: number, most: number): number =>
  Math.max(1, Math.min(most, Math.ceil(work / WORK_PER_THREAD)));

/** Asked where there is a convolution: a network of dense layers does not wait for the answer. */
const targetFor = async ({ nodes }: Path): Promise<Target> =>
  nodes.some(({ op }) => op === "Conv2D" || op === "Conv2DTranspose")
    ? { block: await channelBlock() }
    : {};

const dtypeOf = ({ data }: SampleArray) => (data instanceof Float32Array ? "float32" : "int32");

const constant = (live: LiveVariables, name: string): Tensor =>
  tf.tensor(live.get(name), [...live.shape(name)], "float32");

const variableType = (shape: Shape): ValueType => ({ dtype: "float32", shape });

/** Programs by the number of rows that they were compiled for: full batches, and the last one. */
class Programs<T> {
  private readonly made = new Map<number, Promise<T>>();

  constructor(private readonly make: (rows: number) => Promise<T>) {}

  get(rows: number): Promise<T> {
    let program = this.made.get(rows);
    if (program === undefined) {
      program = this.make(rows);
      this.made.set(rows, program);
      // What could not be made is not there to be released.
      program.catch(() => this.made.delete(rows));
    }
    return program;
  }

  async each(use: (program: T) => Promise<void>): Promise<void> {
    for (const program of this.made.values()) await use(await program);
    this.made.clear();
  }
}

interface ForwardProgram {
  readonly session: Session;
  readonly shapes: readonly Shape[];
}

class CompiledForward implements Forward {
  private arrays: readonly SampleArray[] = [];
  private readonly programs = new Programs((rows) => this.compile(rows));

  constructor(
    private readonly request: ForwardRequest,
    private readonly info: BackendInfo,
    private readonly threads: number,
  ) {}

  async prepare(arrays: readonly SampleArray[], rows: number): Promise<BackendInfo> {
    this.arrays = arrays;
    await this.programs.get(rows);
    return this.info;
  }

  async run(arrays: readonly SampleArray[], indices: Int32Array): Promise<readonly Fetched[]> {
    this.arrays = arrays;
    const { live, moving, path } = this.request;
    const { session, shapes } = await this.programs.get(indices.length);
    const feeds = new Map<string, Fed>();
    for (const array of arrays)
      feeds.set(feedName(array.node), {
        data: gatherRows(array, indices),
        shape: [indices.length, ...array.shape],
        dtype: dtypeOf(array),
      });
    for (const name of moving)
      feeds.set(valueName(name), {
        data: live.get(name),
        shape: live.shape(name),
        dtype: "float32",
      });
    const outputs = await session.run(feeds);
    return path.fetches.map((_, index) => ({
      shape: shapes[index],
      data: outputs.get(String(index)) as Float32Array,
    }));
  }

  release(): Promise<void> {
    return this.programs.each(({ session }) => session.release());
  }

  private async compile(rows: number): Promise<ForwardProgram> {
    const { path, live, moving, scalars, scalarLoss: reduces } = this.request;
    const inputs = new Map<string, ValueType>();
    for (const array of this.arrays)
      inputs.set(feedName(array.node), { dtype: dtypeOf(array), shape: [rows, ...array.shape] });
    for (const name of moving) inputs.set(valueName(name), variableType(live.shape(name)));
    const shapes: Shape[] = [];
    const { model, work } = traceForward(inputs, await targetFor(path), (tensors) => {
      const values = new Map<string, Tensor>();
      for (const name of live.names())
        values.set(name, tensors.get(valueName(name)) ?? constant(live, name));
      const feeds = new Map(
        this.arrays.map(({ node }) => [node, tensors.get(feedName(node))!] as const),
      );
      const outputs = run(path, feeds, values, { ...INFERENCE, scalars });
      if (reduces) outputs[0] = scalarLoss(outputs[0]);
      shapes.push(...outputs.map((output) => output.shape));
      return new Map(outputs.map((output, index) => [String(index), tf.cast(output, "float32")]));
    });
    const session = await Session.create(model, { threads: threadsFor(work, this.threads) });
    return { session, shapes };
  }
}

/** A node, a variable and an output may have the same name. */
const feedName = (node: string): string => `fed:${node}`;
const valueName = (variable: string): string => `value:${variable}`;
const slotName = (name: string, slot: number): string => `${name} slot ${slot}`;

interface TrainingProgram extends TracedLoop {
  readonly session: Session;
}

class CompiledTraining implements Training {
  private arrays: readonly SampleArray[] = [];
  private readonly programs = new Programs((rows) => this.compile(rows));
  /** Nodes that draw random numbers, by name. */
  private readonly drawing = new Map<string, Node>();
  private msPerStep: number | undefined;

  constructor(
    private readonly request: TrainingRequest,
    private readonly threads: number,
    private readonly callMs: number,
  ) {}

  async run(
    arrays: readonly SampleArray[],
    order: Int32Array,
    at: StepPosition,
  ): Promise<readonly StepOutcome[]> {
    this.arrays = arrays;
    const { batch } = this.request;
    const full = Math.floor(order.length / batch);
    const rows = full === 0 ? order.length : batch;
    const program = await this.programs.get(rows);
    const steps = full === 0 ? 1 : Math.min(full, this.stepsPerCall(program));
    const outputs = await this.call(program, order.subarray(0, steps * rows), steps, at);
    this.keep(outputs);
    const losses = outputs.get(yieldedOut("loss")) as Float32Array;
    const logits = outputs.get(yieldedOut("logits")) as Float32Array;
    const width = logits.length / steps;
    return Array.from(losses, (loss, step) => ({
      loss,
      logits: logits.subarray(step * width, (step + 1) * width),
    }));
  }

  release(): Promise<void> {
    return this.programs.each(({ session }) => session.release());
  }

  private async call(
    { session, perStep }: TrainingProgram,
    order: Int32Array,
    steps: number,
    at: StepPosition,
  ) {
    const { live, random } = this.request;
    const feeds = new Map<string, Fed>([
      [ORDER, { data: order, shape: [steps, order.length / steps], dtype: "int32" }],
      [STEPS_BEFORE, { data: Float32Array.of(at.updates), shape: [], dtype: "float32" }],
      [LOOP_COUNT, { data: BigInt64Array.of(BigInt(steps)), shape: [], dtype: "int64" }],
    ]);
    for (const array of this.arrays) {
      const shape = [array.data.length / elements(array.shape), ...array.shape];
      feeds.set(feedName(array.node), { data: array.data, shape, dtype: dtypeOf(array) });
    }
    for (const [name, shape] of this.moved())
      feeds.set(carriedIn(name), { data: live.get(name), shape, dtype: "float32" });
    for (const { name, shape, slots } of this.request.training)
      slots.forEach((data, slot) =>
        feeds.set(carriedIn(slotName(name, slot)), { data, shape, dtype: "float32" }),
      );
    for (const [name, { shape }] of perStep) {
      const count = elements(shape);
      const data = new Float32Array(steps * count);
      for (let step = 0; step < steps; step++)
        data.set(random(this.drawing.get(name)!, at.epoch, at.step + step, count), step * count);
      feeds.set(name, { data, shape: [steps, ...shape], dtype: "float32" });
    }
    const began = performance.now();
    const outputs = await session.run(feeds);
    this.msPerStep = (performance.now() - began) / steps;
    return outputs;
  }

  /** The length of a step is known after the first one, and may change with what else the machine does. */
  private stepsPerCall({ perStep }: TrainingProgram): number {
    const numbers = [...perStep.values()].reduce((sum, { shape }) => sum + elements(shape), 0);
    const drawn = numbers === 0 ? Infinity : Math.floor(RANDOM_BYTES / 4 / numbers);
    const timely = this.msPerStep === undefined ? 1 : Math.floor(this.callMs / this.msPerStep);
    return Math.max(1, Math.min(timely, drawn));
  }

  /** Takes over what the last call left. */
  private keep(outputs: ReadonlyMap<string, unknown>): void {
    for (const [name] of this.moved())
      this.request.live.set(name, outputs.get(carriedOut(name)) as Float32Array);
    for (const each of this.request.training)
      each.slots = each.slots.map(
        (_, slot) => outputs.get(carriedOut(slotName(each.name, slot))) as Float32Array,
      );
  }

  private moved(): [name: string, shape: Shape][] {
    return movedNames(this.request).map((name) => [name, this.request.live.shape(name)]);
  }

  private async compile(batch: number): Promise<TrainingProgram> {
    const { live, training } = this.request;
    const carried = new Map<string, ValueType>();
    for (const [name, shape] of this.moved()) carried.set(name, variableType(shape));
    for (const { name, shape, slots } of training)
      slots.forEach((_, slot) => carried.set(slotName(name, slot), variableType(shape)));
    const rows = new Map<string, ValueType>();
    for (const array of this.arrays)
      rows.set(feedName(array.node), { dtype: dtypeOf(array), shape: array.shape });
    const target = await targetFor(this.request.path);
    const traced = traceLoop({ carried, rows, batch }, target, (inputs) => {
      const values = new Map<string, Tensor>();
      for (const name of live.names())
        values.set(name, inputs.carried.get(name) ?? constant(live, name));
      const result = trainStep(this.request, {
        values,
        slots: new Map(
          training.map(({ name, slots }) => [
            name,
            slots.map((_, slot) => inputs.carried.get(slotName(name, slot))!),
          ]),
        ),
        feeds: new Map(
          this.arrays.map(({ node }) => [node, inputs.rows.get(feedName(node))!] as const),
        ),
        update: tf.add(inputs.stepsBefore, 1),
        random: (node, shape) => {
          const name = `random:${node.name}`;
          this.drawing.set(name, node);
          return inputs.perStep(name, { dtype: "float32", shape });
        },
      });
      const after = new Map(result.values);
      for (const [name, slots] of result.slots)
        slots.forEach((slot, index) => after.set(slotName(name, index), slot));
      const { loss, logits } = result;
      return {
        carried: after,
        yielded: new Map([
          ["loss", loss],
          ["logits", logits],
        ]),
      };
    });
    const session = await Session.create(traced.model, {
      threads: threadsFor(traced.work, this.threads),
    });
    return { ...traced, session };
  }
}
