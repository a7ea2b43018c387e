// Which recipe an edit of a checkpoint goes to. Knows no VS Code.

export interface RecipeChoice {
  /** The recipe in the active editor, if it names this checkpoint. */
  readonly editor?: string;
  /** The recipe that was used last for this checkpoint. */
  readonly last?: string;
  /** Every recipe that names this checkpoint. */
  readonly naming: readonly string[];
}

export type ActiveRecipe =
  | { readonly kind: "use"; readonly recipe: string }
  | { readonly kind: "ask"; readonly recipes: readonly string[] }
  | { readonly kind: "create" };

export function chooseRecipe(choice: RecipeChoice): ActiveRecipe {
  const { editor, last, naming } = choice;
  if (editor !== undefined) return { kind: "use", recipe: editor };
  if (last !== undefined && naming.includes(last)) return { kind: "use", recipe: last };
  const [only] = naming;
  if (only === undefined) return { kind: "create" };
  return naming.length === 1 ? { kind: "use", recipe: only } : { kind: "ask", recipes: naming };
}
