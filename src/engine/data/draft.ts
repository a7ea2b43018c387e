// A proposal in the making, of whatever kind of file.
import type { StepParts } from "./proposeSteps";
import type { Source } from "./schema";

/** A way to bind the data that has not looked at the label values yet. */
export interface Draft {
  readonly inputs: Readonly<Record<string, Source>>;
  readonly labels: Source;
  readonly label: string;
  /** What the labels are: "y_train.npy, 896 int64". */
  readonly labelText: string;
  readonly score: number;
  /** Whether arrays of sequences fit with time before features and behind them. */
  readonly ambiguous?: boolean;
  /** What tells of the sequences. */
  readonly steps?: StepParts;
}
