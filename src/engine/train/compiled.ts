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
import { Buckets } from "./buckets";
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

/** What a program is compiled for. */
interface Size {
  /** Samples: those of a full batch, or of the last one. */
  readonly rows: number;
  /** Steps of padded sequences, where not all need be run. */
  readonly steps: number | undefined;
}

class Programs<T> {
  private readonly made = new Map<string, Promise<T>>();

  constructor(private readonly make: (size: Size) => Promise<T>) {}

  get(size: Size): Promise<T> {
    const key = `${size.rows} ${size.steps}`;
    let program = this.made.get(key);
    if (program === undefined) {
      program = this.make(size);
      this.made.set(key, program);
      // What could not be made is not there to be released.
      program.catch(() => this.made.delete(key));
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
  private buckets: Buckets | undefined;
  private readonly programs = new Programs((size) => this.compile(size));

  constructor(
    private readonly request: ForwardRequest,
    private readonly info: BackendInfo,
    private readonly threads: number,
  ) {}

  async prepare(arrays: readonly SampleArray[], rows: number): Promise<BackendInfo> {
    this.take(arrays);
    const all = Int32Array.from({ length: rows }, (_, row) => row);
    await this.programs.get(this.sizeFor(arrays, all));
    return this.info;
  }

  async run(arrays: readonly SampleArray[], indices: Int32Array): Promise<readonly Fetched[]> {
    this.take(arrays);
    const { live, moving, path } = this.request;
    const { session, shapes } = await this.programs.get(this.sizeFor(arrays, indices));
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

  private take(arrays: readonly SampleArray[]): void {
    const { path, live, scalarLoss: reduces } = this.request;
    if (this.arrays.length === 0) this.buckets = Buckets.for(path, live, arrays, !reduces);
    this.arrays = arrays;
  }

  private sizeFor(arrays: readonly SampleArray[], indices: Int32Array): Size {
    return { rows: indices.length, steps: this.buckets?.stepsFor(arrays, indices) };
  }

  private async compile({ rows, steps }: Size): Promise<ForwardProgram> {
    const { buckets } = this;
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
        this.arrays.map(({ node }) => [node, fed(buckets, steps, node, tensors)] as const),
      );
      const results = run(cutPath(path, buckets, steps), feeds, values, { ...INFERENCE, scalars });
      const outputs = results.map((each, at) => buckets?.padded(path.fetches[at], each) ?? each);
      if (reduces) outputs[0] = scalarLoss(outputs[0]);
      shapes.push(...outputs.map((output) => output.shape));
      return new Map(outputs.map((output, index) => [String(index), tf.cast(output, "float32")]));
    });
    const session = await Session.create(model, { threads: threadsFor(work, this.threads) });
    return { session, shapes };
  }
}

/** The path, of which the first steps are run. */
const cutPath = (path: Path, buckets: Buckets | undefined, steps: number | undefined): Path =>
  steps === undefined ? path : buckets!.cutPath(path, steps);

/** What is fed to a node, of which the first steps are run. */
function fed(
  buckets: Buckets | undefined,
  steps: number | undefined,
  node: string,
  tensors: ReadonlyMap<string, Tensor>,
): Tensor {
  const tensor = tensors.get(feedName(node))!;
  return steps === undefined ? tensor : buckets!.cut(node, tensor, steps);
}

/** A node, a variable and an output may have the same name. */
const feedName = (node: string): string => `fed:${node}`;
const valueName = (variable: string): string => `value:${variable}`;
const slotName = (name: string, slot: number): string => `${name} slot ${slot}`;

interface TrainingProgram extends TracedLoop {
  readonly session: Session;
  /** Of the last call. */
  msPerStep?: number;
}

/** The length of a step is known after the first one, and may change with what else the machine does. */
function stepsPerCall({ perStep, msPerStep }: TrainingProgram, callMs: number): number {
  const numbers = [...perStep.values()].reduce((sum, { shape }) => sum + elements(shape), 0);
  const drawn = numbers === 0 ? Infinity : Math.floor(RANDOM_BYTES / 4 / numbers);
  const timely = msPerStep === undefined ? 1 : Math.floor(callMs / msPerStep);
  return Math.max(1, Math.min(timely, drawn));
}

class CompiledTraining implements Training {
  private arrays: readonly SampleArray[] = [];
  private buckets: Buckets | undefined;
  private readonly programs = new Programs((size) => this.compile(size));
  /** Nodes that draw random numbers, by name. */
  private readonly drawing = new Map<string, Node>();

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
    const { batch, path, live } = this.request;
    if (this.arrays.length === 0) this.buckets = Buckets.for(path, live, arrays, false);
    this.arrays = arrays;
    const rows = Math.min(order.length, batch);
    const sizeAt = (start: number): Size => ({
      rows,
      steps: this.buckets?.stepsFor(arrays, order.subarray(start, start + rows)),
    });
    const size = sizeAt(0);
    const program = await this.programs.get(size);
    const most = Math.min(Math.floor(order.length / rows), stepsPerCall(program, this.callMs));
    // The program of a mini-batch depends on its samples alone, not on which call it is in.
    let steps = 1;
    while (steps < most && sizeAt(steps * rows).steps === size.steps) steps++;
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

  private async call(program: TrainingProgram, order: Int32Array, steps: number, at: StepPosition) {
    const { session, perStep } = program;
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
    program.msPerStep = (performance.now() - began) / steps;
    return outputs;
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

  private async compile({ rows: batch, steps }: Size): Promise<TrainingProgram> {
    const { buckets } = this;
    const { live, training, path } = this.request;
    const carried = new Map<string, ValueType>();
    for (const [name, shape] of this.moved()) carried.set(name, variableType(shape));
    for (const { name, shape, slots } of training)
      slots.forEach((_, slot) => carried.set(slotName(name, slot), variableType(shape)));
    const rows = new Map<string, ValueType>();
    for (const array of this.arrays)
      rows.set(feedName(array.node), { dtype: dtypeOf(array), shape: array.shape });
    const target = await targetFor(path);
    const traced = traceLoop({ carried, rows, batch }, target, (inputs) => {
      const values = new Map<string, Tensor>();
      for (const name of live.names())
        values.set(name, inputs.carried.get(name) ?? constant(live, name));
      const recipe = { ...this.request, path: cutPath(path, buckets, steps) };
      const result = trainStep(recipe, {
        values,
        slots: new Map(
          training.map(({ name, slots }) => [
            name,
            slots.map((_, slot) => inputs.carried.get(slotName(name, slot))!),
          ]),
        ),
        feeds: new Map(
          this.arrays.map(({ node }) => [node, fed(buckets, steps, node, inputs.rows)] as const),
        ),
        update: tf.add(inputs.stepsBefore, 1),
        random: (node, shape) => {
          const name = `random:${node.name}`;
          this.drawing.set(name, node);
          // As many as for all steps: which numbers a step draws does not depend on how many are run.
          const whole = buckets?.whole(node.name, shape) ?? shape;
          const drawn = inputs.perStep(name, { dtype: "float32", shape: whole });
          return steps === undefined ? drawn : buckets!.cut(node.name, drawn, steps);
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
          ["logits", buckets?.padded(path.fetches[1], logits) ?? logits],
        ]),
      };
    });
    const session = await Session.create(traced.model, {
      threads: threadsFor(traced.work, this.threads),
    });
    return { ...traced, session };
  }
}
