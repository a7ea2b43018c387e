// Writes JSON values the way a person would: on one line while it fits, else one item a line.
// Knows no VS Code.

export interface Layout {
  /** One level of indentation: two spaces, a tab. */
  readonly unit: string;
  readonly eol: string;
  readonly width: number;
}

/** `value` as text; its first line starts after `indent` and `used` more characters. */
export function print(value: unknown, layout: Layout, indent: string, used = 0): string {
  const line = oneLine(value);
  const fits = indent.length + used + line.length <= layout.width && !isList(value);
  if (fits || typeof value !== "object" || !value) return line;
  const inner = indent + layout.unit;
  const items = Array.isArray(value)
    ? value.map((item: unknown) => inner + print(item, layout, inner))
    : Object.entries(value).map(([key, item]) => {
        const name = `${JSON.stringify(key)}: `;
        return inner + name + print(item, layout, inner, name.length);
      });
  if (items.length === 0) return line;
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return [open, items.join(`,${layout.eol}`), indent + close].join(layout.eol);
}

/** A list of objects reads better with one a line, however short. */
function isList(value: unknown): boolean {
  return Array.isArray(value) && value.some((item) => typeof item === "object" && item !== null);
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => `${JSON.stringify(key)}: ${oneLine(item)}`);
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }
  return JSON.stringify(value);
}
