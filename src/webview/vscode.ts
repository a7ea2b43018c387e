// The door to the extension host: typed messages out, and the little that the panel remembers of itself.
import type { FromPanel, ToPanel } from "../protocol/panel";
import { readChoices, type ViewChoices } from "./choices";

interface VsCodeApi {
  postMessage(message: FromPanel): void;
  getState(): unknown;
  setState(state: ViewChoices): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export interface Host {
  post(message: FromPanel): void;
  onMessage(handler: (message: ToPanel) => void): void;
  choices(): ViewChoices;
  choose(change: Partial<ViewChoices>): void;
}

export function connect(): Host {
  const api = acquireVsCodeApi();
  let choices = readChoices(api.getState());
  return {
    post: (message) => api.postMessage(message),
    onMessage: (handler) =>
      window.addEventListener("message", (event: MessageEvent<ToPanel>) => handler(event.data)),
    choices: () => choices,
    choose: (change) => {
      choices = { ...choices, ...change };
      api.setState(choices);
    },
  };
}
