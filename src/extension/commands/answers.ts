// What is typed into an input box, checked and read. Knows no VS Code.

export function checkNumber(
  text: string,
  min: number,
  max: number,
  whole = true,
): string | undefined {
  const value = Number(text.replaceAll(",", ""));
  if (text === "" || !Number.isFinite(value)) return "A number is expected.";
  if (whole && !Number.isInteger(value)) return "A whole number is expected.";
  if (value < min || value > max)
    return max === Number.MAX_SAFE_INTEGER || max === Infinity
      ? `A number of at least ${min} is expected.`
      : `A number from ${min} to ${max} is expected.`;
  return undefined;
}

export function readNumber(text: string): number {
  return Number(text.replaceAll(",", ""));
}

/** More than zero: a learning rate. */
export function checkPositive(text: string): string | undefined {
  const value = Number(text);
  return text !== "" && Number.isFinite(value) && value > 0
    ? undefined
    : "A number greater than 0 is expected.";
}

/** "5" is a number of classes; "5, 6, 7" are their names. */
export function checkClasses(text: string): string | undefined {
  const classes = readClasses(text);
  if (typeof classes === "number")
    return classes >= 2 && classes <= 1_000_000 ? undefined : "At least two classes are expected.";
  if (classes.length < 2)
    return "A number, or at least two names with commas between them, are expected.";
  const twice = classes.find((name, i) => classes.indexOf(name) !== i);
  return twice === undefined ? undefined : `"${twice}" occurs twice.`;
}

export function readClasses(text: string): number | readonly string[] {
  if (/^\d+$/.test(text.trim())) return Number(text);
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
