// The theme's colours for the canvas, which cannot use CSS variables itself.

interface Palette {
  readonly train: string;
  readonly validation: string;
  readonly text: string;
  readonly grid: string;
  readonly font: string;
}

let cached: Palette | null = null;

/** Read once per theme: getComputedStyle at each of 20 drawings a second would be felt. */
export function palette(): Palette {
  if (cached) return cached;
  const style = getComputedStyle(document.body);
  const colour = (name: string) => style.getPropertyValue(name).trim() || style.color;
  cached = {
    train: colour("--graft-train"),
    validation: colour("--graft-validation"),
    text: colour("--graft-muted"),
    grid: colour("--graft-grid"),
    font: `11px ${style.fontFamily || "sans-serif"}`,
  };
  return cached;
}

/** VS Code changes the body's class, or between two dark themes only its theme id. */
export function onThemeChange(redraw: () => void): void {
  new MutationObserver(() => {
    cached = null;
    redraw();
  }).observe(document.body, {
    attributes: true,
    attributeFilter: ["class", "data-vscode-theme-id"],
  });
}
