// Runs ONNX models with ONNX Runtime, natively.
import type * as Ort from "onnxruntime-node";
import type { ElementType, Numbers } from "./graph";

/** Tensors in and out of a session. */
export interface Fed {
  readonly data: Numbers;
  readonly shape: readonly number[];
  readonly dtype: ElementType;
}

/** Loaded when it is first needed: it takes longer than most commands. */
const runtime = (): typeof Ort => require("onnxruntime-node") as typeof Ort;

/** The version of ONNX Runtime, or why it does not load. */
export function loadRuntime(): { readonly version: string } | { readonly problem: string } {
  try {
    return { version: runtime().env.versions.common };
  } catch (error) {
    const reason = (error as Error).message.split("\n")[0];
    return { problem: `ONNX Runtime does not load (${reason})` };
  }
}

/** Every numeric setting that a result may depend on, besides the version. */
export interface SessionSettings {
  readonly threads: number;
}

export class Session {
  private constructor(private readonly session: Ort.InferenceSession) {}

  /** Compiles a model. The caller releases the session. */
  static async create(model: Uint8Array, { threads }: SessionSettings): Promise<Session> {
    const session = await runtime().InferenceSession.create(model, {
      executionProviders: ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      // Each session has threads of its own: those of an idle one would spin in the way of the one that runs.
      extra: { session: { force_spinning_stop: "1" } },
      // What goes wrong is thrown, and need not be on stderr too.
      logSeverityLevel: 4,
    });
    return new Session(session);
  }

  /** Runs the model once. Blocks the event loop for as long as it takes. */
  async run(feeds: ReadonlyMap<string, Fed>): Promise<Map<string, Numbers>> {
    const { Tensor } = runtime();
    const tensors: Record<string, Ort.Tensor> = {};
    for (const [name, { data, shape, dtype }] of feeds)
      tensors[name] = new Tensor(dtype, data as never, shape);
    const outputs = await this.session.run(tensors);
    return new Map(Object.entries(outputs).map(([name, tensor]) => [name, tensor.data as Numbers]));
  }

  release(): Promise<void> {
    return this.session.release();
  }
}
