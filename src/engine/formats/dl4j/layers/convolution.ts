// Convolutions, pooling and padding. Images have their channels first, unless the layer says otherwise; a convolution
// along time runs over images of one column. A kernel is [out, in, height, width], and transposed where it is used.
import type { DataFormat, Padding } from "../../../graph/catalogue";
import { real, text, whole, wholes, type Typed } from "../typed";
import { activated, activationOf } from "./activations";
import { dropped } from "./dropout";
import {
  add,
  constant,
  opaqueLayer,
  parameter,
  shapeAt,
  type LiftLayer,
  type Site,
} from "./lifting";

/** What a window does at the border: the numbers of zeros to add before and after, per axis, or TensorFlow's SAME. */
interface Border {
  readonly padding: Padding;
  readonly zeros: readonly [top: number, bottom: number, left: number, right: number];
}

const NO_ZEROS = [0, 0, 0, 0] as const;

export const formatOf = (layer: Typed): DataFormat =>
  (text(layer, "cnn2dDataFormat") ?? text(layer, "cnn2DFormat") ?? text(layer, "dataFormat")) ===
  "NHWC"
    ? "NHWC"
    : "NCHW";

const pair = (layer: Typed, key: string, otherwise: number): readonly [number, number] => {
  const [height, width] = wholes(layer, key, 2, key === "padding" ? 0 : 1, [otherwise, otherwise]);
  return [height, width];
};

function borderOf(layer: Typed): Border {
  switch (text(layer, "convolutionMode")) {
    case "Same":
      return { padding: "SAME", zeros: NO_ZEROS };
    case "Causal": {
      const [size] = pair(layer, "kernelSize", 1);
      const [dilation] = pair(layer, "dilation", 1);
      return { padding: "VALID", zeros: [(size - 1) * dilation, 0, 0, 0] };
    }
    default: {
      const [height, width] = pair(layer, "padding", 0);
      return { padding: "VALID", zeros: [height, height, width, width] };
    }
  }
}

const isPadded = ({ zeros }: Border): boolean => zeros.some((count) => count > 0);

function padded(site: Site, x: string, { zeros }: Border, dataFormat: DataFormat): string {
  if (zeros.every((count) => count === 0)) return x;
  const paddings = dataFormat === "NCHW" ? [0, 0, 0, 0, ...zeros] : [0, 0, ...zeros, 0, 0];
  return add(site, "Pad", [x], { paddings });
}

const biased = (site: Site, x: string, dataFormat: DataFormat): string =>
  site.lifting.variables.has(`${site.vertex}_${site.prefix}b`)
    ? add(site, "BiasAdd", [x, parameter(site, "b")], { dataFormat })
    : x;

/** A kernel [a, b, height, width] as [height, width, b, a]. */
const kernel = (site: Site, key: string): string =>
  add(site, "Transpose", [parameter(site, key)], { permutation: [2, 3, 1, 0] });

/** Attributes of a window that slides, and `x` with the zeros around it. */
function sliding(site: Site, x: string, dataFormat: DataFormat) {
  const border = borderOf(site.layer);
  const attributes = {
    strides: pair(site.layer, "stride", 1),
    padding: border.padding,
    dilations: pair(site.layer, "dilation", 1),
    dataFormat,
  };
  return { attributes, from: padded(site, x, border, dataFormat) };
}

export const convolution: LiftLayer = (site, x) => {
  const dataFormat = formatOf(site.layer);
  const { attributes, from } = sliding(site, dropped(site, x), dataFormat);
  const y = add(site, "Conv2D", [from, kernel(site, "W")], attributes);
  return activated(site, biased(site, y, dataFormat), activationOf(site.layer));
};

export const depthwise: LiftLayer = (site, x) => {
  const dataFormat = formatOf(site.layer);
  const { attributes, from } = sliding(site, dropped(site, x), dataFormat);
  const y = add(site, "DepthwiseConv2D", [from, parameter(site, "W")], attributes);
  return activated(site, biased(site, y, dataFormat), activationOf(site.layer));
};

export const separable: LiftLayer = (site, x) => {
  const dataFormat = formatOf(site.layer);
  const { attributes, from } = sliding(site, dropped(site, x), dataFormat);
  const depth = add(site, "DepthwiseConv2D", [from, kernel(site, "W")], attributes);
  const y = add(site, "Conv2D", [depth, kernel(site, "pW")], {
    ...{ strides: [1, 1], padding: "VALID", dilations: [1, 1] },
    dataFormat,
  });
  return activated(site, biased(site, y, dataFormat), activationOf(site.layer));
};

export const deconvolution: LiftLayer = (site, x) => {
  const { layer } = site;
  const dataFormat = formatOf(layer);
  const shape = shapeAt(site, x);
  const [height, width] = dataFormat === "NCHW" ? shape.slice(2) : shape.slice(1);
  const border = borderOf(layer);
  const isDilated = Math.max(...pair(layer, "dilation", 1)) > 1;
  if (isPadded(border) || isDilated || !(height > 0 && width > 0)) return opaqueLayer(site, x);
  const [strides, window] = [pair(layer, "stride", 1), pair(layer, "kernelSize", 1)];
  const size = (before: number, axis: 0 | 1): number =>
    border.padding === "SAME"
      ? before * strides[axis]
      : strides[axis] * (before - 1) + window[axis];
  const y = add(site, "Conv2DTranspose", [dropped(site, x), kernel(site, "W")], {
    ...{ strides, padding: border.padding, dataFormat },
    outputSize: [size(height, 0), size(width, 1)],
  });
  return activated(site, biased(site, y, dataFormat), activationOf(layer));
};

/** [batch, time, features] as images of one column, through `lift` and back. */
const alongTime =
  (lift: (site: Site, x: string) => string): LiftLayer =>
  (site, x) =>
    add(site, "Squeeze", [lift(site, add(site, "ExpandDims", [x], { axis: 2 }))], { axes: [2] });

const first = (layer: Typed, key: string): number => pair(layer, key, 1)[0];

export const convolution1D: LiftLayer = (site, x) => {
  const { layer } = site;
  const border = columnBorder(layer);
  const convolve = alongTime((_, image) => {
    const from = padded(site, image, border, "NHWC");
    const y = add(site, "Conv2D", [from, columnKernel(site)], {
      strides: [first(layer, "stride"), 1],
      padding: border.padding,
      dilations: [first(layer, "dilation"), 1],
      dataFormat: "NHWC",
    });
    return biased(site, y, "NHWC");
  });
  return activated(site, convolve(site, dropped(site, x)), activationOf(layer));
};

/**
 * Versions that know layouts of sequences call the kernel [out, in, size, 1] as those before them do, and read its numbers
 * as [size, in, out]: Convolution1DUtils.reshapeWeightArrayOrGradientForFormat.
 */
function columnKernel(site: Site): string {
  if (!site.layer.fields.has("rnnDataFormat")) return kernel(site, "W");
  const w = parameter(site, "W");
  const [out, channels, size] = site.lifting.shapeOf(w);
  return add(site, "Reshape", [w], { shape: [size, 1, channels, out] });
}

function columnBorder(layer: Typed): Border {
  const { padding, zeros } = borderOf(layer);
  return { padding, zeros: [zeros[0], zeros[1], 0, 0] };
}

/** Which steps are there behind a window that slides along time: those for which one in the window was. */
export function slidingMask(site: Site, mask: string): string {
  const { layer } = site;
  const border = columnBorder(layer);
  const stride = first(layer, "stride");
  const isCausal = text(layer, "convolutionMode") === "Causal";
  if (stride === 1 && (border.padding === "SAME" || isCausal)) return mask;
  const extent = (first(layer, "kernelSize") - 1) * first(layer, "dilation") + 1;
  const image = add(site, "ExpandDims", [add(site, "ExpandDims", [mask], { axis: 2 })], {
    axis: 3,
  });
  const pooling = add(site, "MaxPool", [padded(site, image, border, "NHWC")], {
    ...{ window: [extent, 1], strides: [stride, 1], padding: border.padding, dataFormat: "NHWC" },
  });
  return add(site, "Squeeze", [pooling], { axes: [2, 3] });
}

function pooled(
  site: Site,
  x: string,
  window: readonly [number, number],
  strides: readonly [number, number],
  border: Border,
  dataFormat: DataFormat,
): string {
  const type = text(site.layer, "poolingType") ?? "MAX";
  const attributes = { window, strides, padding: border.padding, dataFormat };
  // Zeros around the image are no numbers to a maximum, and a mean would count them.
  if (isPadded(border) || Math.max(...pair(site.layer, "dilation", 1)) > 1)
    return opaqueLayer(site, x);
  if (type === "MAX") return add(site, "MaxPool", [x], attributes);
  return type === "AVG" ? add(site, "AvgPool", [x], attributes) : opaqueLayer(site, x);
}

export const subsampling: LiftLayer = (site, x) => {
  const { layer } = site;
  const [window, strides] = [pair(layer, "kernelSize", 1), pair(layer, "stride", 1)];
  return pooled(site, x, window, strides, borderOf(layer), formatOf(layer));
};

export const subsampling1D: LiftLayer = alongTime((site, x) => {
  const { layer } = site;
  const [window, stride] = [first(layer, "kernelSize"), first(layer, "stride")];
  return pooled(site, x, [window, 1], [stride, 1], columnBorder(layer), "NHWC");
});

/** Over the whole image, or over the steps that are there. */
export const globalPooling: LiftLayer = (site, x) => {
  const rank = shapeAt(site, x).length;
  const type = text(site.layer, "poolingType") ?? "MAX";
  if ((rank !== 3 && rank !== 4) || site.layer.fields.get("collapseDimensions") === false)
    return opaqueLayer(site, x);
  const axes = rank === 3 ? [1] : formatOfPooling(site.layer);
  const reduced = { axes, keepDims: false };
  const mask = rank === 3 ? site.mask : undefined;
  switch (type) {
    case "MAX":
      return add(site, "Max", [mask === undefined ? x : farBelow(site, x, mask)], reduced);
    case "SUM":
      return add(site, "Sum", [mask === undefined ? x : times(site, x, mask)], reduced);
    case "AVG": {
      if (mask === undefined) return add(site, "Mean", [x], reduced);
      const sum = add(site, "Sum", [times(site, x, mask)], reduced);
      return add(site, "Div", [sum, add(site, "Sum", [mask], { axes: [1], keepDims: true })], {});
    }
    case "PNORM": {
      if (mask !== undefined) return opaqueLayer(site, x);
      const p = whole(site.layer, "pnorm", 1);
      const powers = add(site, "Pow", [add(site, "Abs", [x], {}), constant(site, p)], {});
      return add(site, "Pow", [add(site, "Sum", [powers], reduced), constant(site, 1 / p)], {});
    }
    default:
      return opaqueLayer(site, x);
  }
};

const formatOfPooling = (layer: Typed): readonly number[] =>
  wholes(layer, "poolingDimensions", 2, 0, formatOf(layer) === "NCHW" ? [2, 3] : [1, 2]);

/** Steps that are not there become 0. */
export const times = (site: Site, x: string, mask: string): string =>
  add(site, "Mul", [x, add(site, "ExpandDims", [mask], { axis: 2 })], {});

/** Steps that are not there become less than any other. */
function farBelow(site: Site, x: string, mask: string): string {
  const missing = add(
    site,
    "Sub",
    [add(site, "ExpandDims", [mask], { axis: 2 }), constant(site, 1)],
    {},
  );
  const depth = add(site, "Mul", [missing, constant(site, 1e30)], {});
  return add(site, "Add", [times(site, x, mask), depth], {});
}

export const zeroPadding: LiftLayer = (site, x) => {
  const [top, bottom, left, right] = wholes(site.layer, "padding", 4, 0);
  const border = { padding: "VALID", zeros: [top, bottom, left, right] } as const;
  return padded(site, x, border, formatOf(site.layer));
};

export const zeroPadding1D: LiftLayer = (site, x) => {
  const [before, after] = wholes(site.layer, "padding", 2, 0);
  return add(site, "Pad", [x], { paddings: [0, 0, before, after, 0, 0] });
};

export const cropping: LiftLayer = (site, x) => {
  const [top, bottom, left, right] = wholes(site.layer, "cropping", 4, 0);
  const rows = [top, bottom === 0 ? null : -bottom] as const;
  const columns = [left, right === 0 ? null : -right] as const;
  const all = [null, null] as const;
  const axes =
    formatOf(site.layer) === "NCHW" ? [all, all, rows, columns] : [all, rows, columns, all];
  return add(site, "Slice", [x], {
    begin: axes.map(([begin]) => begin),
    end: axes.map(([, end]) => end),
    strides: [1, 1, 1, 1],
  });
};

/** Each pixel becomes a block of itself. */
export const upsampling: LiftLayer = (site, x) => {
  const [high, wide] = wholes(site.layer, "size", 2, 1);
  const shape = shapeAt(site, x);
  if (formatOf(site.layer) !== "NCHW" || shape.length !== 4 || shape.slice(1).some((n) => n < 0))
    return opaqueLayer(site, x);
  const [, channels, height, width] = shape;
  const apart = add(site, "Reshape", [x], { shape: [-1, channels, height, 1, width, 1] });
  const repeated = add(site, "Tile", [apart], { multiples: [1, 1, 1, high, 1, wide] });
  return add(site, "Reshape", [repeated], { shape: [-1, channels, height * high, width * wide] });
};

/** Scale and offset are constants where the layer locks them. */
export const batchNorm: LiftLayer = (site, x) => {
  const { layer } = site;
  const units = whole(layer, "nout", 1);
  const has = (key: string): boolean =>
    site.lifting.variables.has(`${site.vertex}_${site.prefix}${key}`);
  const vector = (key: "gamma" | "beta", otherwise: number) =>
    has(key)
      ? parameter(site, key)
      : add(site, "Const", [], {
          dtype: "float32",
          shape: [units],
          values: new Array<number>(units).fill(real(layer, key, otherwise)),
        });
  const isLogarithm = has("log10stdev");
  return add(
    site,
    "BatchNorm",
    [
      x,
      ...[vector("gamma", 1), vector("beta", 0)],
      ...[parameter(site, "mean"), parameter(site, isLogarithm ? "log10stdev" : "var")],
    ],
    {
      epsilon: real(layer, "eps", 1e-5),
      momentum: real(layer, "decay", 0.9),
      unbiased: false,
      // Rows of all steps are [batch, time, features] here.
      dataFormat: shapeAt(site, x).length === 3 ? "NHWC" : formatOf(layer),
      ...(isLogarithm && { keeps: "log10Deviation" }),
    },
  );
};
