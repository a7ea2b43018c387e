// Takes the pictures of media/ anew: node scripts/test.mjs ui -c test/vscode/pictures/playwright.config.ts
import { defineConfig } from "@playwright/test";
import config from "../ui/playwright.config";

export default defineConfig(config, { testDir: "." });
