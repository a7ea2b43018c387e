// A TensorFlow.js backend that does not compute: its kernels record ONNX nodes. What depends on constants only
// is computed at once by the cpu backend, which this one extends, so that code that reads shapes works and
// nothing is computed twice at run time.
import * as cpu from "@tensorflow/tfjs-backend-cpu";
import type { DataType, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs-core";
import { tf, type Tensor } from "../ops/tf";
import type { Value } from "./graph";
import { RULES } from "./kernels/table";
import { Recorder, Untraceable, type Layout, type Symbol, type Target } from "./recorder";

const NAME = "compile";

/** What the cpu backend keeps for each tensor; a symbol has no values. */
interface TensorData {
  values?: Float32Array | Int32Array | Uint8Array;
  dtype: DataType;
  refCount: number;
  symbol?: Symbol;
}

class TracingBackend extends cpu.MathBackendCPU {
  /** Where nodes go while a function is traced. */
  recorder: Recorder | undefined;

  tensorData(info: TensorInfo): TensorData {
    return this.data.get(info.dataId as never) as TensorData;
  }

  symbolic(info: TensorInfo): boolean {
    return this.tensorData(info).symbol !== undefined;
  }

  makeSymbol(shape: readonly number[], dtype: DataType, symbol: Symbol): TensorInfo {
    const dataId = this.write(undefined as never, [...shape], dtype);
    this.tensorData({ dataId } as TensorInfo).symbol = symbol;
    return { dataId, shape: [...shape], dtype };
  }

  override readSync(dataId: object): tf.backend_util.BackendValues {
    if (this.tensorData({ dataId } as TensorInfo).symbol !== undefined)
      throw new Untraceable("reading a number while tracing");
    return super.readSync(dataId);
  }
}

let backend: TracingBackend | undefined;

/** Registers the backend and a kernel for each op: a rule for symbols, the cpu's kernel for constants. */
function tracingBackend(): TracingBackend {
  if (backend !== undefined) return backend;
  const created = new TracingBackend();
  tf.registerBackend(NAME, () => created, 0);
  const names = new Set(Object.keys(RULES));
  for (const { kernelName, kernelFunc } of tf.getKernelsForBackend("cpu")) {
    names.delete(kernelName);
    tf.registerKernel({
      kernelName,
      backendName: NAME,
      kernelFunc: ({ inputs, attrs }) => {
        // Ops of several tensors (concat) pass them as an array, which tfjs' type does not say.
        const all = Object.values(inputs)
          .flat()
          .filter((input) => input !== undefined);
        if (!all.some((input) => created.symbolic(input)))
          return kernelFunc({ inputs, attrs, backend: created });
        return record(created, kernelName, inputs, attrs);
      },
    });
  }
  if (names.size > 0) throw new Error(`no cpu kernel for ${[...names].join(", ")}`);
  return (backend = created);
}

function record(
  { recorder }: TracingBackend,
  kernelName: string,
  inputs: NamedTensorInfoMap,
  attributes: NamedAttrMap | undefined,
): TensorInfo | TensorInfo[] {
  const rule = RULES[kernelName];
  if (rule === undefined) throw new Untraceable(kernelName);
  return rule(recorder!, inputs as never, (attributes ?? {}) as never);
}

/**
 * Runs `fn` with a recorder in place of numbers. Synchronous from setting the backend to restoring it: TensorFlow.js'
 * backend is global. Tensors made meanwhile are gone afterwards. Throws `Untraceable`.
 */
export function withTracing<T>(target: Target, fn: (recorder: Recorder) => T): T {
  // None yet, where everything that runs is compiled.
  const before = tf.getBackend() as string | undefined;
  const tracing = tracingBackend();
  const tensors = {
    symbolOf: (info: TensorInfo) => tracing.tensorData(info).symbol,
    valuesOf: (info: TensorInfo) => tracing.tensorData(info).values!,
    makeSymbol: (shape: readonly number[], dtype: DataType, value: Value, layout: Layout) =>
      tracing.makeSymbol(shape, dtype, { value, layout }),
    share: (info: TensorInfo) => tracing.incRef(info.dataId as never),
  };
  const recorder = new Recorder(tensors, target);
  const engine = tf.engine();
  const kept: Tensor[] = [];
  const { keep } = engine;
  engine.keep = (tensor) => {
    kept.push(tensor);
    return keep.call(engine, tensor) as typeof tensor;
  };
  // Takes effect before the first await of the promise that it returns.
  void tf.setBackend(NAME);
  tracing.recorder = recorder;
  engine.startScope("trace");
  try {
    return fn(recorder);
  } catch (error) {
    // A gradient that was broken off never lets go of what its tape keeps.
    tf.dispose(kept);
    // The code that is traced may have told it as an error of its own.
    throw error instanceof Error && error.cause instanceof Untraceable ? error.cause : error;
  } finally {
    engine.endScope();
    engine.keep = keep;
    tracing.recorder = undefined;
    if (before) void tf.setBackend(before);
  }
}
