// The header of a .npy file: a Python dict in text. Parsed by a strict grammar, never evaluated.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import type { DType } from "../../protocol/checkpoint";
import { GraftError } from "../../protocol/errors";

export interface NpyHeader {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly fortranOrder: boolean;
  /** numpy's letter: f, i, u, b, S (bytes) or U (UTF-32). */
  readonly kind: "f" | "i" | "u" | "b" | "S" | "U";
  readonly itemBytes: number;
  readonly bigEndian: boolean;
  /** Where the values start. */
  readonly dataStart: number;
  readonly elements: number;
  readonly dataBytes: number;
}

export const NPY_MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;

/** numpy itself refuses more than 10,000 characters unless told otherwise. */
const MAX_HEADER = 65_536;

/** As many bytes from the start of the file as `parseNpyHeader` may need. */
export const NPY_HEAD_BYTES = 12 + MAX_HEADER;

const MAX_RANK = 64;

const DTYPES: Readonly<Record<string, DType>> = {
  f2: "float16",
  f4: "float32",
  f8: "float64",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  b1: "bool",
};

type Fail = (problem: string) => never;

/** `head`: the first bytes of the file or zip entry; `total`: its whole size. Checks that the values fill the rest exactly. */
export function parseNpyHeader(head: Uint8Array, total: number, name: string): NpyHeader {
  const fail: Fail = (problem) => {
    throw new GraftError("data-format", `${name}: ${problem}`);
  };
  if (head.length < 10 || NPY_MAGIC.some((byte, index) => head[index] !== byte)) {
    fail("not a .npy file (it does not start with \\x93NUMPY). Write it with numpy.save.");
  }
  const version = head[6]!;
  if (version < 1 || version > 3) {
    fail(`.npy version ${version}; Graft reads 1, 2 and 3. Save it again with numpy.save.`);
  }
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const textStart = version === 1 ? 10 : 12;
  if (head.length < textStart) fail("ends inside its header; it was cut off. Copy it again.");
  const textLength = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (textLength > MAX_HEADER) fail(`its header claims ${textLength} characters.`);
  const dataStart = textStart + textLength;
  if (dataStart > head.length) fail("ends inside its header; it was cut off. Copy it again.");
  const text = new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(
    head.subarray(textStart, dataStart),
  );

  const dict = parseDict(text, fail);
  const item = parseDescr(dict.descr, fail);
  if (dict.shape.length > MAX_RANK) fail(`has ${dict.shape.length} dimensions, more than numpy.`);
  const elements = dict.shape.includes(0) ? 0 : dict.shape.reduce((a, b) => a * b, 1);
  const dataBytes = elements * item.itemBytes;
  if (!Number.isSafeInteger(dataBytes)) {
    fail(`its header claims ${dict.shape.join(" × ")} values. The file is damaged.`);
  }
  const found = total - dataStart;
  if (found < dataBytes) {
    fail(
      `${dict.shape.join(" × ")} values of ${item.itemBytes} bytes need ${dataBytes} bytes, the file has ${found}; it was cut off. Copy it again.`,
    );
  }
  if (found > dataBytes) {
    fail(
      `${found - dataBytes} bytes follow the array. Save one array per file, or several with numpy.savez.`,
    );
  }
  return {
    ...item,
    shape: dict.shape,
    fortranOrder: dict.fortranOrder,
    dataStart,
    elements,
    dataBytes,
  };
}

function parseDescr(
  descr: string,
  fail: Fail,
): Pick<NpyHeader, "dtype" | "kind" | "itemBytes" | "bigEndian"> {
  const match = /^([<>|=])?([A-Za-z])(\d{0,9})$/.exec(descr);
  if (match === null) return fail(`element type '${descr}' is not one that numpy writes.`);
  const [, order, kind, digits] = match;
  if (kind === "O") {
    fail(
      "holds Python objects (pickled), which Graft does not run. Save numbers or strings: numpy.save(path, array.astype('float32')) or astype(str).",
    );
  }
  const bigEndian = order === ">";
  if (kind === "S" || kind === "U") {
    const length = Number(digits);
    if (length === 0) fail("holds strings of no length.");
    return { dtype: "string", kind, itemBytes: kind === "U" ? 4 * length : length, bigEndian };
  }
  const dtype = DTYPES[`${kind}${digits}`];
  if (dtype === undefined) {
    return fail(
      `element type '${descr}' is neither a real number nor a string. Convert it, for example with astype('float32').`,
    );
  }
  return { dtype, kind: kind as "f" | "i" | "u" | "b", itemBytes: Number(digits), bigEndian };
}

interface Dict {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

function parseDict(text: string, fail: Fail): Dict {
  let at = 0;
  const broken = (): never =>
    fail("its header is not a Python dict of descr, fortran_order and shape.");
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return null;
    at = pattern.lastIndex;
    return match[0];
  };
  const space = (): void => void take(/[ \n]*/y);
  const expect = (pattern: RegExp): string => {
    space();
    return take(pattern) ?? broken();
  };
  const string = (): string => expect(/'[^'\\\n]*'|"[^"\\\n]*"/y).slice(1, -1);

  const descr = (): string => {
    space();
    if (text[at] === "[") {
      return fail("holds records with named fields. Save each field as an array of its own.");
    }
    return string();
  };
  const shape = (): readonly number[] => {
    expect(/\(/y);
    const sizes: number[] = [];
    for (;;) {
      space();
      // Python 2 wrote long integers as 3L.
      const size = take(/\d{1,16}L?/y);
      if (size === null) break;
      sizes.push(Number.parseInt(size, 10));
      space();
      // One size without a comma is a number in brackets, not a tuple.
      if (take(/,/y) === null && (sizes.length === 1 || text[at] !== ")")) broken();
    }
    expect(/\)/y);
    if (!sizes.every(Number.isSafeInteger)) broken();
    return sizes;
  };

  const found: { descr?: string; fortran_order?: boolean; shape?: readonly number[] } = {};
  expect(/\{/y);
  for (;;) {
    space();
    if (take(/\}/y) !== null) break;
    const key = string();
    expect(/:/y);
    if (Object.hasOwn(found, key)) broken();
    if (key === "descr") found.descr = descr();
    else if (key === "fortran_order") found.fortran_order = expect(/True|False/y) === "True";
    else if (key === "shape") found.shape = shape();
    else broken();
    space();
    if (take(/,/y) === null && text[at] !== "}") broken();
  }
  space();
  if (at !== text.length) broken();
  const { descr: type, fortran_order: fortranOrder, shape: sizes } = found;
  if (type === undefined || fortranOrder === undefined || sizes === undefined) return broken();
  return { descr: type, fortranOrder, shape: sizes };
}
