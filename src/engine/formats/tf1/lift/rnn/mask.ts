// cast(range(0, shape(x)[axis]) < expand_dims(lengths, 1)), which tf.sequence_mask makes of lengths and a sequence's size.
import { consumed, inputOf, make, numbersOf, shapeOf, type Lifter } from "../lifting";
import { inputNode } from "../source";
import { sizeIn } from "./relevant";

/** What `otherwise` makes of a Cast that is no mask. */
export const castOrMask =
  (otherwise: Lifter): Lifter =>
  (lifting, node) => {
    const { graph } = lifting;
    const less = inputNode(graph, node, 0);
    const range = less?.op === "Less" ? inputNode(graph, less, 0) : undefined;
    const ends = less && inputNode(graph, less, 1);
    if (range?.op !== "Range" || ends?.op !== "ExpandDims") return otherwise(lifting, node);
    const [x, time] = sizeIn(lifting, range.inputs[1]) ?? [];
    const isCounting =
      numbersOf(lifting, range, 0)?.[0] === 0 && numbersOf(lifting, range, 2)?.[0] === 1;
    const axis = numbersOf(lifting, ends, 1)?.[0];
    const isMask =
      isCounting && (axis === 1 || axis === -1) && (time === 0 || time === 1) && x?.kind === "node";
    if (!isMask || shapeOf(x).length !== 3) return otherwise(lifting, node);
    const lengths = inputOf(lifting, ends, 0);
    const origin = consumed(lifting, node, [lengths, x]);
    return make(lifting, node, "SequenceMask", { timeMajor: time === 0 }, [lengths, x], {
      origin,
      batch: x.batch,
    });
  };
