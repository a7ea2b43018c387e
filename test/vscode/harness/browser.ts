// Headless Chromium with VS Code in it, cut off from the network.
import { chromium, type Browser, type Page } from "playwright-core";
import { bench } from "./bench";
import type { Server } from "./server";

const FLAGS = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
  "--no-sandbox",
];

export function launchBrowser(): Promise<Browser> {
  const { executablePath, env } = bench().chromium;
  return chromium.launch({
    executablePath,
    env: { ...(process.env as Record<string, string>), ...env },
    args: FLAGS,
    headless: true,
  });
}

/** A page that reaches nothing but the server. */
export async function newPage(browser: Browser, server: Server): Promise<Page> {
  const { host } = new URL(server.url);
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    // With the C locale that an empty LANG gives, Intl throws in libraries that pass on navigator.language.
    locale: "en-US",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  await context.route(
    (url) => url.host !== host && /^(https?|wss?):$/.test(url.protocol),
    (route) => route.abort(),
  );
  return context.newPage();
}

/** The address of the workbench with a folder open. */
export function workbenchUrl(
  server: Server,
  folder: string,
  payload: Record<string, string> = {},
): string {
  const query = new URLSearchParams({
    folder,
    payload: JSON.stringify([["skipWelcome", "true"], ...Object.entries(payload)]),
  });
  return `${server.url}/?${query.toString()}`;
}

export const remoteUri = (server: Server, path: string): string =>
  `vscode-remote://${new URL(server.url).host}${path}`;
