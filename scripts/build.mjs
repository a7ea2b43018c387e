// Bundles src/ into dist/.   node scripts/build.mjs [--production] [--watch]
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { isMain, root } from "./process.mjs";

// Modules first: TensorFlow.js' gradients exist as modules only, and must share its engine.
const mainFields = ["module", "main"];
export const node = { platform: "node", format: "cjs", target: "node20", mainFields };
/** Native libraries, loaded from where they are installed. TensorFlow's is optional. */
export const NATIVE = ["@tensorflow/tfjs-node", "onnxruntime-node"];
const browser = { platform: "browser", format: "iife", target: "es2022" };

/** One line per bundle: its name in dist/, its entry point and how it runs. */
const BUNDLES = [
  { name: "extension", entry: "src/extension/extension.ts", ...node, external: ["vscode"] },
  { name: "engine", entry: "src/engine/main.ts", ...node },
  { name: "job", entry: "src/engine/job.ts", ...node },
  { name: "cli", entry: "src/engine/cli.ts", ...node, banner: { js: "#!/usr/bin/env node" } },
  { name: "webview/panel", entry: "src/webview/panel.ts", ...browser },
];

/** Files that bundles read at run time. Node has no use for the multi-threaded WebAssembly. */
const ASSETS = {
  "tfjs-backend-wasm.wasm": "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm",
  "tfjs-backend-wasm-simd.wasm": "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm",
};

const dist = (name) => join(root, "dist", name);

function copyAssets() {
  for (const [to, from] of Object.entries(ASSETS)) {
    mkdirSync(dirname(dist(to)), { recursive: true });
    copyFileSync(join(root, "node_modules", from), dist(to));
  }
}

/** ONNX Runtime for this platform, where a packaged extension finds it: the package holds all of them, 290 MB. */
function copyRuntime() {
  const binaries = `bin/napi-v6/${process.platform}/${process.arch}`;
  // It has none for Intel Macs, where TensorFlow.js trains instead.
  if (!existsSync(join(root, "node_modules/onnxruntime-node", binaries))) return;
  const parts = { "onnxruntime-node": ["dist", binaries], "onnxruntime-common": ["dist/cjs"] };
  for (const [name, folders] of Object.entries(parts)) {
    const from = join(root, "node_modules", name);
    const to = dist(`node_modules/${name}`);
    for (const folder of folders)
      cpSync(join(from, folder), join(to, folder), {
        recursive: true,
        filter: (file) => !/\.(map|d\.ts)$/.test(file),
      });
    copyFileSync(join(from, "package.json"), join(to, "package.json"));
  }
}

/** What went into a bundle, for test/architecture. */
const writeMetafile = (name) => ({
  name: "metafile",
  setup(build) {
    build.onEnd(({ metafile }) => {
      if (!metafile) return;
      const file = dist(`meta/${name.replace("/", "-")}.json`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(metafile));
    });
  },
});

/** The lines that the task in .vscode/tasks.json waits for. */
const announce = {
  name: "announce",
  setup(build) {
    build.onStart(() => console.log("[watch] build started"));
    build.onEnd(() => console.log("[watch] build finished"));
  },
};

function options({ name, entry, ...platform }, { production, watch }) {
  return {
    ...platform,
    absWorkingDir: root,
    entryPoints: [{ in: entry, out: name }],
    outdir: "dist",
    bundle: true,
    minify: production,
    sourcemap: !production,
    sourcesContent: false,
    legalComments: production ? "linked" : "none",
    metafile: !production,
    logLevel: "warning",
    // src/engine resolves the package's folder only where it runs without a bundle.
    logOverride: { "require-resolve-not-external": "silent" },
    external: [...(platform.external ?? []), ...NATIVE],
    plugins: [writeMetafile(name), ...(watch ? [announce] : [])],
  };
}

export async function build({ production = false, watch = false } = {}) {
  const esbuild = await import("esbuild");
  if (production) rmSync(dist(""), { recursive: true, force: true });
  const bundles = BUNDLES.map((bundle) => options(bundle, { production, watch }));
  if (watch) {
    const contexts = await Promise.all(bundles.map((bundle) => esbuild.context(bundle)));
    await Promise.all(contexts.map((context) => context.watch()));
  } else {
    await Promise.all(bundles.map((bundle) => esbuild.build(bundle)));
    chmodSync(dist("cli.js"), 0o755);
  }
  copyAssets();
  if (production) copyRuntime();
}

if (isMain(import.meta.url)) {
  const flags = new Set(process.argv.slice(2));
  const chosen = { production: flags.has("--production"), watch: flags.has("--watch") };
  await build(chosen).catch((error) => {
    if (!error.errors) console.error(error); // esbuild prints its own
    process.exitCode = 1;
  });
}
