// A rule says how one TensorFlow.js kernel is written in ONNX operators.
import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { Recorder } from "../recorder";

export type Inputs<Names extends string> = Readonly<Record<Names, TensorInfo>>;

/** Kernels' inputs and attributes are as TensorFlow.js' kernel_names.d.ts says. */
export type Rule<Names extends string, Attributes = object> = (
  recorder: Recorder,
  inputs: Inputs<Names>,
  attributes: Attributes,
) => TensorInfo | TensorInfo[];

type AnyRule = (recorder: Recorder, inputs: never, attributes: never) => TensorInfo | TensorInfo[];

/** Rules by kernel; the pairing of each rule with its kernel's types ends here. */
export type Rules = Readonly<Record<string, AnyRule | undefined>>;
