// Icons as SVG in the text's colour; each repeats a word beside it, so all are hidden from screen readers.

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  finished: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Z M4.9 8.2l2.2 2.2 4.1-4.6",
  stopped: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Z M5.8 5.8h4.4v4.4H5.8z",
  failed: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Z M5.5 5.5l5 5 M10.5 5.5l-5 5",
  interrupted: "M8 1.8 14.6 13.5H1.4Z M8 6v3.6 M8 11.2v.9",
  warning: "M8 1.8 14.6 13.5H1.4Z M8 6v3.6 M8 11.2v.9",
  check: "M3 8.4l3.2 3.3L13 4.6",
  lock: "M3.5 7h9v6.5h-9z M5.3 7V4.8a2.7 2.7 0 0 1 5.4 0V7",
  chart: "M2 2v12h12 M4.5 10.5l3-3.5 2.5 2 3.5-5",
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
