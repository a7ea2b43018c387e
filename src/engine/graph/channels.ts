// Which axis of a tensor holds the channels: of an image or a feature map, or the numbers of a row.
import type { DataFormat } from "./catalogue";
import type { Model } from "./model";
import { channelAxis } from "./shapes";

/** The order of axes of what `name` yields: that of the last op before it which has one. */
export function dataFormatOf(model: Model, name: string): DataFormat {
  for (let node = model.nodes.get(name); node !== undefined;) {
    if ("dataFormat" in node.attributes) return node.attributes.dataFormat;
    if (node.op === "Transpose")
      return node.attributes.permutation.join() === "0,3,1,2" ? "NCHW" : "NHWC";
    const [input] = node.inputs;
    node = input !== undefined && "node" in input ? model.nodes.get(input.node) : undefined;
  }
  return "NHWC";
}

/** The axis of the channels of what `name` yields. */
export const channelsAxis = (model: Model, name: string): number =>
  channelAxis(model.shapes.get(name) ?? [], dataFormatOf(model, name));
