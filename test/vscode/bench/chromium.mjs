// Headless Chromium from the npm package @sparticuz/chromium, with the libraries and fonts that it carries.
// Unpacked by us: the package's own code unpacks into the temp folder at every start.
import {
  copyFileSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const ARCHIVES = ["al2023", "fonts", "swiftshader"];
const FONTS = ["DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf"];

const fontConfig = (dir) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${dir}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <cachedir>${dir}/fontcache</cachedir>
</fontconfig>
`;

/** `final` is where `dir` will be in the end. */
export async function unpackChromium(modules, dir, final) {
  // A dependency of @sparticuz/chromium itself.
  const tar = createRequire(join(modules, "@sparticuz/chromium/package.json"))("tar-fs");
  const packed = (name) => createReadStream(join(modules, "@sparticuz/chromium/bin", name));
  mkdirSync(dir, { recursive: true });
  await pipeline(
    packed("chromium.br"),
    createBrotliDecompress({ chunkSize: 1 << 21 }),
    createWriteStream(join(dir, "chromium"), { mode: 0o755 }),
  );
  for (const name of ARCHIVES) {
    await pipeline(packed(`${name}.tar.br`), createBrotliDecompress(), tar.extract(dir));
  }
  // The font that comes along has no fixed pitch.
  for (const name of FONTS) {
    copyFileSync(join(modules, "dejavu-fonts-ttf/ttf", name), join(dir, "fonts", name));
  }
  writeFileSync(join(dir, "fonts.conf"), fontConfig(final));
}

/** How to start it. CHROMIUM names another one. */
export function chromium(dir) {
  if (process.env.CHROMIUM) return { executablePath: process.env.CHROMIUM, env: {} };
  const libraries = [join(dir, "lib"), process.env.LD_LIBRARY_PATH].filter(Boolean);
  return {
    executablePath: join(dir, "chromium"),
    env: { LD_LIBRARY_PATH: libraries.join(delimiter), FONTCONFIG_FILE: join(dir, "fonts.conf") },
  };
}
