// Which axis of a tensor holds the channels: of an image or a feature map, or the numbers of a row.
import type { DataFormat } from "./catalogue";
import type { Model, Node } from "./model";
import { channelAxis } from "./shapes";

/**
 * The order of axes of what `name` yields: that of the last op of images before it; where there is none, of the first in
 * the network.
 */
export function dataFormatOf(model: Model, name: string): DataFormat {
  for (let node = model.nodes.get(name); node !== undefined;) {
    const format = formatOf(model, node);
    if (format !== undefined) return format;
    const [input] = node.inputs;
    node = input !== undefined && "node" in input ? model.nodes.get(input.node) : undefined;
  }
  for (const node of model.nodes.values()) {
    const format = formatOf(model, node);
    if (format !== undefined) return format;
  }
  return "NHWC";
}

/** The order of axes that an op of images makes; a row has none. */
function formatOf({ shapes }: Model, { name, op, attributes }: Node): DataFormat | undefined {
  if (shapes.get(name)?.length !== 4) return undefined;
  if (op === "Transpose") return attributes.permutation.join() === "0,3,1,2" ? "NCHW" : "NHWC";
  return "dataFormat" in attributes ? attributes.dataFormat : undefined;
}

/** The axis of the channels of what `name` yields. */
export const channelsAxis = (model: Model, name: string): number =>
  channelAxis(model.shapes.get(name) ?? [], dataFormatOf(model, name));
