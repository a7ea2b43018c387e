// A determinate progress bar. The toolkit has only an indeterminate ring.
import { h, setAttribute, type View } from "./dom";

interface Progress {
  /** 0 to 1; null while nobody can tell. */
  readonly share: number | null;
  /** What a screen reader says: "320 of 896". */
  readonly words: string;
}

export function createProgress(label: string): View<Progress> {
  const fill = h("div", { class: "progress-fill" });
  const element = h(
    "div",
    {
      class: "progress",
      role: "progressbar",
      "aria-label": label,
      "aria-valuemin": "0",
      "aria-valuemax": "100",
    },
    fill,
  );
  return {
    element,
    update: ({ share, words }) => {
      element.classList.toggle("indeterminate", share === null);
      if (share === null) element.removeAttribute("aria-valuenow");
      else setAttribute(element, "aria-valuenow", String(Math.floor(share * 100)));
      setAttribute(element, "aria-valuetext", words);
      fill.style.setProperty("--share", String(share ?? 0));
    },
  };
}
