// What the names of files, arrays and columns say about their part: samples or labels, for training or for testing.

export interface NameHints {
  readonly samples: boolean;
  readonly labels: boolean;
  readonly split: "train" | "test" | null;
  /** The words that say nothing about samples or labels: the same for files that belong together. */
  readonly stem: string;
  readonly words: readonly string[];
}

const SAMPLES = /^(x|data|features?|images?|imgs?|inputs?|pixels?|samples?)$/;
const LABELS = /^(y|labels?|target|targets|class|classes|species|category|diagnosis|outcome)$/;
const TRAIN = /^(train|training)$/;
const TEST = /^(test|testing|val|valid|validation|dev|holdout|eval)$/;

export function nameHints(name: string): NameHints {
  const words = name
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .replace(/\b([xy])(train|test|val)/g, "$1 $2")
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
  const labels = words.some((word) => LABELS.test(word));
  const test = words.some((word) => TEST.test(word));
  const train = words.some((word) => TRAIN.test(word));
  return {
    // "data_labels" are labels.
    samples: !labels && words.some((word) => SAMPLES.test(word)),
    labels,
    split: test ? "test" : train ? "train" : null,
    stem: words.filter((word) => !SAMPLES.test(word) && !LABELS.test(word)).join(" "),
    words,
  };
}
