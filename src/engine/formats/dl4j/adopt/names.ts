// Names that Deeplearning4j takes: parts of a path are no parts of a name there, and none is there twice.

export const inputName = (name: string): string => name.replaceAll(/[/:]/g, "_");

/** Gives out names, each once. */
export function namer(taken: Iterable<string>): (wanted: string) => string {
  const used = new Set(taken);
  return (wanted) => {
    const plain = inputName(wanted);
    let free = plain;
    for (let count = 1; used.has(free); count++) free = `${plain}_${count}`;
    used.add(free);
    return free;
  };
}
