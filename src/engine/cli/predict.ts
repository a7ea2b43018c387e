// graft predict: what a checkpoint computes for an array.
import { predict } from "../predict";
import { parseBackend } from "../train/backend";
import { print, printJson } from "./output";

export interface PredictOptions {
  readonly input: string;
  readonly output: string;
  readonly layer?: string;
  readonly backend?: string;
  readonly json: boolean;
}

export async function predictCommand(checkpoint: string, options: PredictOptions): Promise<void> {
  const { input, output, layer, json } = options;
  const backend = parseBackend(options.backend ?? process.env["GRAFT_BACKEND"]);
  const result = await predict({ checkpoint, input, output, layer, backend });
  if (json) printJson({ ...result, output });
  else
    print(
      `${result.node}: ${result.shape.join(" × ")} float32 written to ${output}, by ${result.backend}`,
    );
}
