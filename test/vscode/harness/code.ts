// Stands in for the VS Code executable: takes the arguments that @vscode/test-electron gives it, and uses the bench.
import { runInHost } from "./host";

const options = process.argv.slice(2);

function option(name: string): string {
  const prefix = `--${name}=`;
  const found = options.find((argument) => argument.startsWith(prefix));
  if (found === undefined) throw new Error(`${prefix}… is missing`);
  return found.slice(prefix.length);
}

async function main(): Promise<void> {
  process.exitCode = await runInHost({
    extension: option("extensionDevelopmentPath"),
    tests: option("extensionTestsPath"),
  });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 2;
});
