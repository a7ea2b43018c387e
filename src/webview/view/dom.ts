// Building and patching elements. No framework: the panel has some dozen moving parts, and each knows its own.

/** A part of the panel: made once, then told what to show. */
export interface View<Model> {
  readonly element: HTMLElement;
  update(model: Model): void;
}

export type Child = Node | string | null;

/** Inline styles are refused by the panel's content security policy: classes, or `style.setProperty`. */
type Attributes = Readonly<Record<string, string>> & { readonly style?: never };

export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Touches the document only where something changed: screen readers and the layout notice every write. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setVisible(element: HTMLElement, visible: boolean): void {
  if (element.hidden === visible) element.hidden = !visible;
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Calls `apply` only when one of its arguments is another than last time; state is immutable, so identity tells. */
export function onChange<Inputs extends readonly unknown[]>(
  apply: (...inputs: Inputs) => void,
): (...inputs: Inputs) => void {
  let last: Inputs | null = null;
  return (...inputs) => {
    if (last?.every((value, i) => Object.is(value, inputs[i]))) return;
    last = inputs;
    apply(...inputs);
  };
}

export function section(title: string, ...children: readonly Child[]): HTMLElement {
  return h("section", {}, h("h2", {}, title), ...children);
}
