// Name scopes: what stands before the last slash.

/** Empty for a name without a scope. */
export const scopeOf = (name: string): string => name.slice(0, Math.max(name.lastIndexOf("/"), 0));

/** The innermost scope that all names are in. */
export function commonScope(names: readonly string[]): string {
  return names.map(scopeOf).reduce((scope, other) => {
    let shared = scope;
    while (shared !== "" && other !== shared && !other.startsWith(`${shared}/`))
      shared = scopeOf(shared);
    return shared;
  });
}
