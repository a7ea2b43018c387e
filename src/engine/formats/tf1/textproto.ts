// The quoted strings of a text-format message: all that the `checkpoint` file needs.

const FIELD =
  /^\s*(\w+)\s*:\s*((?:"(?:[^"\\\n]|\\.)*"\s*|'(?:[^'\\\n]|\\.)*'\s*)+)[;,]?\s*(?:#.*)?$/;
const QUOTED = /"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'/g;
const ESCAPE = /\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|(.))/g;
const NAMED: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
};

export interface TextField {
  readonly name: string;
  readonly value: string;
}

/** String fields, one a line. What is not one is passed over. */
export function stringFields(text: string): TextField[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const field = FIELD.exec(line);
    if (!field) return [];
    const parts = [...field[2]!.matchAll(QUOTED)].map((part) => unescape(part[1] ?? part[2] ?? ""));
    return [{ name: field[1]!, value: parts.join("") }];
  });
}

/** Octal and hex escapes are bytes, and the bytes are UTF-8; so the text is taken as bytes throughout. */
function unescape(quoted: string): string {
  const bytes = Buffer.from(quoted, "utf8").toString("latin1");
  const raw = bytes.replace(ESCAPE, (_, octal?: string, hex?: string, other?: string) =>
    octal || hex
      ? String.fromCharCode(parseInt(octal ?? hex ?? "0", octal ? 8 : 16) & 0xff)
      : (NAMED[other!] ?? other!),
  );
  return Buffer.from(raw, "latin1").toString("utf8");
}

export function textField({ name, value }: TextField): string {
  const bytes = Buffer.from(value, "utf8").toString("latin1");
  const escaped = bytes.replace(/["\\]|[^ -~]/g, (char) =>
    char === '"' || char === "\\"
      ? `\\${char}`
      : `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  return `${name}: "${escaped}"\n`;
}
