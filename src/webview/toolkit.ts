// The only file that knows the component toolkit (archived upstream), so that another can take its place.
// Its progress ring and badge are not used: the ring ignores reduced motion, the badge sets an inline style.
import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeDivider,
  type Button,
} from "@vscode/webview-ui-toolkit";

interface PanelButton {
  readonly element: HTMLElement;
  set(look: { label?: string; primary?: boolean; busy?: boolean; pressed?: boolean }): void;
}

export function registerToolkit(): void {
  provideVSCodeDesignSystem().register(vsCodeButton(), vsCodeDivider());
}

/** A quiet button changes only the view; it must not compete with those that act on the run. */
export function createButton(
  label: string,
  onClick: () => void,
  kind: "secondary" | "quiet" = "secondary",
): PanelButton {
  const element = document.createElement("vscode-button") as Button;
  const setLabel = (text: string) => {
    if (element.textContent === text) return;
    element.textContent = text;
    // Else the toolkit names a button of the icon kind "Icon Button".
    if (kind === "quiet") element.setAttribute("aria-label", text);
  };
  setLabel(label);
  // Properties, not attributes: the toolkit's attributeChangedCallback drops what FAST would have made of them.
  element.appearance = kind === "quiet" ? "icon" : kind;
  element.addEventListener("click", () => {
    if (element.ariaDisabled !== "true") onClick();
  });
  return {
    element,
    set: ({ label: text, primary, busy, pressed }) => {
      if (text !== undefined) setLabel(text);
      if (primary !== undefined) element.appearance = primary ? "primary" : "secondary";
      // Not `disabled`: that would throw the keyboard's focus out of the button that was just pressed.
      if (busy !== undefined) element.ariaDisabled = String(busy);
      if (pressed !== undefined) element.ariaPressed = String(pressed);
    },
  };
}

export function createDivider(): HTMLElement {
  return document.createElement("vscode-divider");
}
