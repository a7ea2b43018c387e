// Java lines that load a zip with Deeplearning4j's own ModelSerializer.
import type { Model } from "../../graph/model";
import { NORMALIZER } from "./entries";
import { openZip } from "./tensors";

export async function loadCode(
  path: string,
  model: Model,
): Promise<{ language: string; code: string }> {
  const zip = await openZip(path);
  await zip.close();
  const { network, inputs } = zip.configuration;
  const hasNormalizer = zip.archive.sizes.has(NORMALIZER);
  const samples = inputs.map((_, index) => (inputs.length > 1 ? `samples${index + 1}` : "samples"));
  const shapes = model.roles.inputs.map((node, index) => {
    const sizes = model.shapes.get(node)?.map((size) => (size < 0 ? "?" : size)) ?? [];
    return `${samples[index] ?? "samples"}: an INDArray of shape [${inFile(sizes).join(", ")}]`;
  });
  const graph = network === "ComputationGraph";
  const lines = [
    "import java.io.File;",
    `import org.deeplearning4j.nn.${graph ? "graph" : "multilayer"}.${network};`,
    "import org.deeplearning4j.util.ModelSerializer;",
    ...(hasNormalizer
      ? ["import org.nd4j.linalg.dataset.api.preprocessor.DataNormalization;"]
      : []),
    "",
    `File file = new File(${JSON.stringify(path)});`,
    `${network} network = ModelSerializer.restore${network}(file);`,
    ...(hasNormalizer
      ? ["DataNormalization normalizer = ModelSerializer.restoreNormalizerFromFile(file);"]
      : []),
    "",
    `// To run it (${shapes.join("; ")}):`,
    ...(hasNormalizer ? samples.map((name) => `// normalizer.transform(${name});`) : []),
    `// INDArray${graph ? "[]" : ""} output = network.output(${samples.join(", ")});`,
    "",
  ];
  return { language: "java", code: lines.join("\n") };
}

/** Sequences are [batch, features, time] in Deeplearning4j. */
const inFile = (sizes: readonly (number | string)[]): readonly (number | string)[] =>
  sizes.length === 3 ? [sizes[0], sizes[2], sizes[1]] : sizes;
