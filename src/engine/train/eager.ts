// Runs a model step by step on the TensorFlow.js backend that is set.
import type { BackendInfo } from "../../protocol/run";
import { elements } from "../graph/model";
import { INFERENCE } from "../ops/kernel";
import { run } from "../ops/run";
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
import { batches, gather } from "./samples";
import { movedNames, trainStep, type StepResult } from "./step";

/** Steps are synchronous; this long, and other messages get their turn. */
const TURN_MS = 40;

export const eager = (info: BackendInfo, turnMs = TURN_MS): Executor => ({
  info,
  forward: (request) => forward(request, info),
  training: (request) => training(request, turnMs),
});

function upload(live: LiveVariables, names: Iterable<string>): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const name of names)
    tensors.set(name, tf.tensor(live.get(name), [...live.shape(name)], "float32"));
  return tensors;
}

const floats = (tensor: Tensor): Float32Array => Float32Array.from(tensor.dataSync());

function forward(request: ForwardRequest, info: BackendInfo): Forward {
  const { path, live, moving, scalars, scalarLoss: reduces } = request;
  const fixed = upload(
    live,
    [...live.names()].filter((name) => !moving.has(name)),
  );
  return {
    prepare: async () => info,
    async run(arrays, indices) {
      let fetched: Fetched[] = [];
      tf.tidy(() => {
        const values = new Map([...fixed, ...upload(live, moving)]);
        const outputs = run(path, gather(arrays, indices), values, { ...INFERENCE, scalars });
        if (reduces) outputs[0] = scalarLoss(outputs[0]);
        fetched = outputs.map((output) => ({ shape: output.shape, data: floats(output) }));
      });
      return fetched;
    },
    release: async () => tf.dispose([...fixed.values()]),
  };
}

function training(request: TrainingRequest, turnMs: number): Training {
  const { live, batch } = request;
  const moved = new Set(movedNames(request));
  const fixed = upload(
    live,
    [...live.names()].filter((name) => !moved.has(name)),
  );
  return {
    async run(arrays, order, at) {
      let values = upload(live, moved);
      let slots = new Map(
        request.training.map(({ name, shape, slots: all }) => [
          name,
          all.map((slot) => tf.tensor(slot, [...shape], "float32")),
        ]),
      ) as ReadonlyMap<string, readonly Tensor[]>;
      const outcomes: StepOutcome[] = [];
      const end = performance.now() + turnMs;
      for (const indices of batches(order, batch)) {
        const feeds = gather(arrays, indices);
        const position = { ...at, step: at.step + outcomes.length };
        const update = tf.scalar(at.updates + outcomes.length + 1, "float32");
        const before = { values, slots };
        const result = trainStep(request, {
          values: new Map([...fixed, ...values]),
          slots,
          feeds,
          update,
          random: (node, shape) => randomTensor(request, node, shape, position),
        });
        outcomes.push({ loss: result.loss.dataSync()[0], logits: floats(result.logits) });
        values = new Map(result.values);
        slots = result.slots;
        tf.dispose([result.loss, result.logits, update, ...feeds.values()]);
        tf.dispose(tensorsOf(before));
        if (performance.now() >= end) break;
      }
      for (const [name, tensor] of values) live.set(name, floats(tensor));
      for (const each of request.training) each.slots = slots.get(each.name)!.map(floats);
      tf.dispose(tensorsOf({ values, slots }));
      return outcomes;
    },
    release: async () => tf.dispose([...fixed.values()]),
  };
}

const tensorsOf = ({ values, slots }: Pick<StepResult, "values" | "slots">): Tensor[] => [
  ...values.values(),
  ...[...slots.values()].flat(),
];

function randomTensor(
  { random }: TrainingRequest,
  node: Parameters<TrainingRequest["random"]>[0],
  shape: readonly number[],
  { epoch, step }: StepPosition,
): Tensor {
  return tf.tensor(random(node, epoch, step, elements(shape)), [...shape], "float32");
}
