// The graft command. Wiring only; each command is a file in cli/.
import { Command, Option } from "commander";
import { version } from "../../package.json";
import {
  exportCommand,
  listCommand,
  parseDays,
  parseSize,
  pruneCommand,
  verifyCommand,
  type ExportOptions,
  type PruneOptions,
} from "./cli/cache";
import { applyCommand } from "./cli/apply";
import { convertCommand, type ConvertOptions } from "./cli/convert";
import { evaluateCommand, parseCount, type EvaluateOptions } from "./cli/evaluate";
import { inspectCommand } from "./cli/inspect";
import { endWithReader, guard, print } from "./cli/output";
import { planCommand, type PlanOptions } from "./cli/plan";
import { parseFeed, predictCommand, type PredictOptions } from "./cli/predict";
import { saveCommand } from "./cli/save";
import { trainCommand, type TrainOptions } from "./cli/train";
import { verifyRecipeCommand, type VerifyOptions } from "./cli/verify";
import { useCacheFolder } from "./cache/folder";
import { LAYOUTS } from "./data/layout";
import { FORMATS } from "./formats/table";
import { recipeJsonSchema } from "./recipe/schema";
import { BACKENDS } from "./train/backend";
import { VERIFY_STEPS } from "./verify/verify";

const backend = () =>
  new Option("--backend <name>", "what computes").choices(["auto", ...BACKENDS]);

const cache = () => new Option("--cache <folder>", "where bottlenecks and runs are kept");

const layout = () =>
  new Option("--layout <axes>", "of sequence arrays: samples, time, features").choices(LAYOUTS);

const mask = () => new Option("--mask <source>", "steps that are there: 1 or 0, samples × time");

const lengths = () => new Option("--lengths <source>", "how many steps each sequence has");

const normalize = () =>
  new Option("--no-normalize", "leave out the normalizer that the checkpoint carries");

const program = new Command("graft")
  .description("Look inside a trained checkpoint, change it, and retrain only what changed.")
  .version(version)
  .hook("preAction", (_, command) => useCacheFolder(command.opts<{ cache?: string }>().cache));

program
  .command("inspect")
  .description("list the layers and variables of a checkpoint")
  .argument("<file>", "any file of the checkpoint, or its prefix")
  .option("--json", "print one JSON object", false)
  .option("--hash", "read every value and print its SHA-256", false)
  .action((file: string, options: { json: boolean; hash: boolean }) =>
    guard(options.json, () => inspectCommand(file, options)),
  );

program
  .command("plan")
  .description("show what a recipe would do")
  .argument("<recipe>", "a .graft.json file")
  .option("--no-measure", "do not try how fast this machine is, which takes about a second")
  .option("--json", "print one JSON object", false)
  .addOption(backend())
  .addOption(cache())
  .action((file: string, options: PlanOptions) =>
    guard(options.json, () => planCommand(file, options)),
  );

program
  .command("apply")
  .description("save what the edits of a recipe make of its checkpoint, without training")
  .argument("<recipe>", "a .graft.json file")
  .option(
    "--as <file>",
    "where the checkpoint goes; else where the recipe saves, unless something is there",
  )
  .option("--json", "print one JSON object", false)
  .action((file: string, options: { as?: string; json: boolean }) =>
    guard(options.json, () => applyCommand(file, options)),
  );

program
  .command("convert")
  .description("save a checkpoint of one format as one of another")
  .argument("<file>", "any file of the checkpoint")
  .addOption(
    new Option("--to <format>", "the new format")
      .choices(FORMATS.map(({ name }) => name))
      .makeOptionMandatory(),
  )
  .requiredOption("--as <file>", "where the new checkpoint goes")
  .option("--json", "print one JSON object", false)
  .action((file: string, options: ConvertOptions) =>
    guard(options.json, () => convertCommand(file, options)),
  );

program
  .command("train")
  .description("train a recipe and save the result")
  .argument("<recipe>", "a .graft.json file")
  .option("--json", "print one JSON event per line", false)
  .option("--resume <run>", "go on with a run that was stopped or interrupted")
  .addOption(backend())
  .addOption(cache())
  .action((file: string, options: TrainOptions) =>
    guard(options.json, () => trainCommand(file, options)),
  );

program
  .command("save")
  .description("write what a run has learned as a checkpoint, whether it has finished or not")
  .argument("<run>", "the run, as train names it")
  .requiredOption("--as <file>", "where the checkpoint goes")
  .addOption(cache())
  .option("--json", "print one JSON object", false)
  .action((run: string, options: { as: string; json: boolean }) =>
    guard(options.json, () => saveCommand(run, options)),
  );

program
  .command("verify")
  .description("check on your own data that a recipe does what it should; writes nothing")
  .argument("<recipe>", "a .graft.json file")
  .option("--steps <number>", "training steps of each phase", parseCount, VERIFY_STEPS)
  .option("--result <file>", "a checkpoint that the recipe has made, to be compared as well")
  .option("--json", "print one JSON object", false)
  .addOption(backend())
  .action((file: string, options: VerifyOptions) =>
    guard(options.json, () => verifyRecipeCommand(file, options)),
  );

program
  .command("evaluate")
  .description("loss, accuracy and classes of a checkpoint, or of a recipe's network, untrained")
  .argument("<file>", "any file of the checkpoint, its prefix, or a .graft.json file")
  .option(
    "--data <source>",
    "samples: a file or an object, as a recipe names them; or a recipe, whose validation samples count",
  )
  .option("--labels <source>", "what is right for each sample")
  .option("--classes <names>", "the labels in the order of the outputs, as 5,6,7")
  .option("--batch <number>", "samples at once", parseCount)
  .option("--json", "print one JSON object", false)
  .option("--labels-mask <source>", "labels of steps that count: 1 or 0, samples × time")
  .addOption(layout())
  .addOption(mask())
  .addOption(lengths())
  .addOption(normalize())
  .addOption(backend())
  .action((file: string, options: EvaluateOptions) =>
    guard(options.json, () => evaluateCommand(file, options)),
  );

program
  .command("predict")
  .description("run a checkpoint on an array")
  .argument("<file>", "any file of the checkpoint, or its prefix")
  .requiredOption(
    "--input <source>",
    "samples: a file, or an object as a recipe names them; .npy, .npz, CSV, or a folder of CSV files with a sequence each",
  )
  .requiredOption("--output <file>", "where the result goes, as .npy")
  .option(
    "--layer <name>",
    "a layer (its last activation) or any op; when absent the logits, of a Deeplearning4j zip what its output() gives",
  )
  .option("--from <name>", "the layer or op whose outputs the input holds, such as bottlenecks")
  .option("--feed <name=value...>", "a number, true or false for a scalar placeholder", parseFeed)
  .option("--json", "print one JSON object", false)
  .addOption(layout())
  .addOption(mask())
  .addOption(lengths())
  .addOption(normalize())
  .addOption(backend())
  .action((file: string, options: PredictOptions) =>
    guard(options.json, () => predictCommand(file, options)),
  );

const cacheProgram = program
  .command("cache")
  .description("look after the bottlenecks that are kept");

cacheProgram
  .command("list")
  .description("list what is kept, the last used first")
  .option("--json", "print one JSON object", false)
  .addOption(cache())
  .action((options: { json: boolean }) => guard(options.json, () => listCommand(options)));

cacheProgram
  .command("verify")
  .description("compare everything that is kept with its checksums")
  .option("--json", "print one JSON object", false)
  .addOption(cache())
  .action((options: { json: boolean }) => guard(options.json, () => verifyCommand(options)));

cacheProgram
  .command("prune")
  .description("remove bottlenecks that no training uses")
  .option("--older-than <days>", "what was not used for so long", parseDays)
  .option("--max-size <size>", "the least recently used, until so much is left", parseSize)
  .option("--all", "everything", false)
  .option("--json", "print one JSON object", false)
  .addOption(cache())
  .action((options: PruneOptions) => guard(options.json, () => pruneCommand(options)));

cacheProgram
  .command("export")
  .description("write the bottlenecks of a recipe, labels and class names as arrays")
  .argument("<recipe>", "a .graft.json file")
  .requiredOption("--output <file>", "where the arrays go, as .npz")
  .option("--json", "print one JSON object", false)
  .addOption(backend())
  .addOption(cache())
  .action((file: string, options: ExportOptions) =>
    guard(options.json, () => exportCommand(file, options)),
  );

program
  .command("schema")
  .description("print the JSON schema of recipes, for editors other than VS Code")
  .action(() => print(JSON.stringify(recipeJsonSchema(), null, 2)));

endWithReader();
void program.parseAsync();
