import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipFile;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.api.preprocessor.DataNormalization;
import org.nd4j.linalg.dataset.api.preprocessor.Normalizer;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.shade.jackson.databind.JsonNode;

/**
 * Real Deeplearning4j, for tests: a JSON object per line in, one per line out ({"error": …} where something was thrown).
 * Arrays are {"shape": […], "values": […]}. NETWORK and objects in it are written as Builders.java says.
 *
 *   {"command": "make", "network": NETWORK, "as": PATH, "fit"?: SAMPLES with "steps", "updater"?: false, "normalizer"?: {…}, "normalizerData"?: array}
 *       A new network, written by ModelSerializer; answers as "load" does. NETWORK is
 *       {"global": {"seed": 1, "updater": {"Adam": {"learningRate": 0.01}}}, "layers": [{"DenseLayer": {…}}, …], "list"?: {"setInputType": {"recurrent": 8}}}
 *       or {"global": {…}, "inputs": ["a"], "vertices": [["hidden", {"DenseLayer": {…}}, "a", …], ["sum", {"ElementWiseVertex": {"args": "Add"}}, …]],
 *       "outputs": ["out"], "graph"?: {…}}. Values in "global", "list", "graph" are arguments of the builder's method of that name.
 *   {"command": "load", "path": PATH} → {kind, layers: [{name, class, frozen}], parameters: {name: array}, updater: array | null,
 *       blocks: [{updater, parameters: [name, …], size, state}], configuration}
 *       `frozen` is what DL4J itself holds after loading; `blocks` are its UpdaterBlocks, `size` and `state` in numbers.
 *   {"command": "output", "path", "inputs": [array], "masks"?: [array], "labelsMasks"?: [array], "activations"?: true} → {outputs: [array], activations?: {name: array}}
 *       Activations are those of inference, by layer index or vertex name.
 *   {"command": "score", "path", SAMPLES} → {score}: the loss, without dropout. SAMPLES are inputs, labels, masks?, labelsMasks?.
 *   {"command": "fit", "path", SAMPLES, "steps": 1, "as"?: PATH} → as "load", and {score}. Restored with its updater; each step is one call of fit.
 *   {"command": "transfer", "path", "as", "calls": [["setFeatureExtractor", 1], ["nOutReplace", 0, 14, "XAVIER"], …]} → as "load".
 *       Methods of TransferLearning.Builder or .GraphBuilder, in order.
 *   {"command": "normalize", "path", "inputs": [array]} → {outputs: [array]}: by the zip's normalizer.
 *   {"command": "array", "path", "array"?: array, "order"?: "c" | "f"}: writes by Nd4j.write, or reads by Nd4j.read → {array}.
 */
public class Dl4j {
    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err); // whatever a library prints must not look like an answer
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            Map<String, Object> answer = new LinkedHashMap<>();
            try {
                run(Json.MAPPER.readTree(line), answer);
            } catch (Throwable error) {
                error.printStackTrace();
                Throwable cause = error instanceof InvocationTargetException ? error.getCause() : error;
                answer.put("error", cause.toString());
            }
            answers.write((Json.MAPPER.writeValueAsString(answer) + "\n").getBytes("UTF-8"));
            answers.flush();
        }
        System.exit(0); // ND4J's threads would keep the process alive
    }

    private static void run(JsonNode request, Map<String, Object> answer) throws Exception {
        switch (request.get("command").asText()) {
            case "make": make(request, answer); return;
            case "load": describe(load(request), answer); return;
            case "output": output(load(request), request, answer); return;
            case "score": answer.put("score", score(load(request), request)); return;
            case "fit": fit(request, answer); return;
            case "transfer": transfer(request, answer); return;
            case "normalize": normalize(request, answer); return;
            case "array": array(request, answer); return;
            default: throw new IllegalArgumentException("unknown command " + request.get("command"));
        }
    }

    private static void make(JsonNode request, Map<String, Object> answer) throws Exception {
        Model model = network(request.get("network"));
        if (request.has("fit")) fit(model, request.get("fit"));
        boolean updater = !request.has("updater") || request.get("updater").asBoolean();
        File file = new File(request.get("as").asText());
        ModelSerializer.writeModel(model, file, updater);
        if (request.has("normalizer")) {
            DataNormalization normalizer = (DataNormalization) Builders.make(request.get("normalizer"), DataNormalization.class);
            INDArray data = Json.array(request.get("normalizerData"));
            if (data != null) normalizer.fit(new DataSet(data, data));
            ModelSerializer.addNormalizerToModel(file, normalizer);
        }
        describe(model, answer);
    }

    private static Model network(JsonNode spec) throws Exception {
        NeuralNetConfiguration.Builder global = new NeuralNetConfiguration.Builder();
        Builders.callAll(global, spec.get("global"));
        if (spec.has("vertices")) {
            ComputationGraph graph = new ComputationGraph(graph(global.graphBuilder(), spec).build());
            graph.init();
            return graph;
        }
        NeuralNetConfiguration.ListBuilder list = global.list();
        for (JsonNode layer : spec.get("layers"))
            list.layer((org.deeplearning4j.nn.conf.layers.Layer) Builders.make(layer, org.deeplearning4j.nn.conf.layers.Layer.class));
        Builders.callAll(list, spec.get("list"));
        MultiLayerNetwork network = new MultiLayerNetwork(list.build());
        network.init();
        return network;
    }

    private static GraphBuilder graph(GraphBuilder builder, JsonNode spec) throws Exception {
        builder.addInputs(strings(spec.get("inputs"), 0)).setOutputs(strings(spec.get("outputs"), 0));
        for (JsonNode each : spec.get("vertices")) {
            String name = each.get(0).asText();
            Class<?> wanted = org.deeplearning4j.nn.conf.layers.Layer.class;
            try {
                builder.addLayer(name, (org.deeplearning4j.nn.conf.layers.Layer) Builders.make(each.get(1), wanted), strings(each, 2));
            } catch (IllegalArgumentException noLayer) {
                builder.addVertex(name, (GraphVertex) Builders.make(each.get(1), GraphVertex.class), strings(each, 2));
            }
        }
        Builders.callAll(builder, spec.get("graph"));
        return builder;
    }

    private static String[] strings(JsonNode list, int from) {
        List<String> strings = new ArrayList<>();
        list.forEach(each -> strings.add(each.asText()));
        return strings.subList(from, strings.size()).toArray(new String[0]);
    }

    private static Model load(JsonNode request) throws Exception {
        File file = new File(request.get("path").asText());
        boolean isGraph;
        try (ZipFile zip = new ZipFile(file)) {
            isGraph = Json.MAPPER.readTree(zip.getInputStream(zip.getEntry("configuration.json"))).has("networkInputs");
        }
        return isGraph ? ModelSerializer.restoreComputationGraph(file, true) : ModelSerializer.restoreMultiLayerNetwork(file, true);
    }

    private static void describe(Model model, Map<String, Object> answer) {
        boolean isGraph = model instanceof ComputationGraph;
        List<Map<String, ?>> layers = new ArrayList<>();
        for (Layer layer : isGraph ? ((ComputationGraph) model).getLayers() : ((MultiLayerNetwork) model).getLayers()) {
            String type = layer.getClass().getSimpleName();
            String name = layer.conf().getLayer().getLayerName();
            layers.add(Map.of("name", name == null ? "" : name, "class", type, "frozen", type.startsWith("FrozenLayer")));
        }
        INDArray state = model.params().length() == 0 ? null : updater(model).getStateViewArray();
        answer.put("kind", model.getClass().getSimpleName());
        answer.put("layers", layers);
        answer.put("parameters", Json.of(isGraph ? ((ComputationGraph) model).paramTable() : ((MultiLayerNetwork) model).paramTable()));
        answer.put("updater", state == null ? null : Json.of(state));
        answer.put("blocks", blocks(updater(model)));
        answer.put("configuration", isGraph ? ((ComputationGraph) model).getConfiguration().toJson() : ((MultiLayerNetwork) model).getLayerWiseConfigurations().toJson());
    }

    private static BaseMultiLayerUpdater<?> updater(Model model) {
        return model instanceof ComputationGraph
            ? ((ComputationGraph) model).getUpdater(true) : (BaseMultiLayerUpdater<?>) ((MultiLayerNetwork) model).getUpdater(true);
    }

    private static List<Map<String, ?>> blocks(BaseMultiLayerUpdater<?> updater) {
        List<Map<String, ?>> blocks = new ArrayList<>();
        for (UpdaterBlock block : updater.getUpdaterBlocks()) {
            List<String> names = new ArrayList<>();
            for (UpdaterBlock.ParamState each : block.getLayersAndVariablesInBlock())
                names.add((each.getLayer() instanceof Layer ? ((Layer) each.getLayer()).getIndex() : each.getLayer().getConfig().getLayerName()) + "_" + each.getParamName());
            UpdaterBlock.ParamState first = block.getLayersAndVariablesInBlock().get(0);
            blocks.add(Map.of("updater", String.valueOf(first.getLayer().getConfig().getUpdaterByParam(first.getParamName())), "parameters", names,
                "size", block.getParamOffsetEnd() - block.getParamOffsetStart(),
                "state", block.getUpdaterViewOffsetEnd() - block.getUpdaterViewOffsetStart()));
        }
        return blocks;
    }

    private static void output(Model model, JsonNode request, Map<String, Object> answer) {
        INDArray[] inputs = Json.arrays(request.get("inputs"));
        INDArray[] masks = Json.arrays(request.get("masks"));
        INDArray[] labelsMasks = Json.arrays(request.get("labelsMasks"));
        Map<String, INDArray> activations = new LinkedHashMap<>();
        INDArray[] outputs;
        if (model instanceof ComputationGraph) {
            ComputationGraph graph = (ComputationGraph) model;
            outputs = graph.output(false, inputs, masks, labelsMasks);
            if (masks != null) graph.setLayerMaskArrays(masks, labelsMasks);
            activations = graph.feedForward(inputs, false);
        } else {
            MultiLayerNetwork network = (MultiLayerNetwork) model;
            outputs = new INDArray[] {network.output(inputs[0], false, first(masks), first(labelsMasks))};
            if (masks != null) network.setLayerMaskArrays(first(masks), first(labelsMasks));
            List<INDArray> each = network.feedForward(inputs[0], false);
            for (int index = 1; index < each.size(); index++) activations.put(String.valueOf(index - 1), each.get(index));
        }
        answer.put("outputs", Arrays.stream(outputs).map(Json::of).toArray());
        if (request.has("activations")) answer.put("activations", Json.of(activations));
    }

    private static INDArray first(INDArray[] arrays) {
        return arrays == null ? null : arrays[0];
    }

    private static MultiDataSet samples(JsonNode request) {
        return new MultiDataSet(Json.arrays(request.get("inputs")), Json.arrays(request.get("labels")), Json.arrays(request.get("masks")), Json.arrays(request.get("labelsMasks")));
    }

    private static DataSet single(MultiDataSet samples) {
        return new DataSet(samples.getFeatures(0), samples.getLabels(0), first(samples.getFeaturesMaskArrays()), first(samples.getLabelsMaskArrays()));
    }

    private static double score(Model model, JsonNode request) {
        MultiDataSet samples = samples(request);
        return model instanceof ComputationGraph ? ((ComputationGraph) model).score(samples, false) : ((MultiLayerNetwork) model).score(single(samples), false);
    }

    private static void fit(JsonNode request, Map<String, Object> answer) throws Exception {
        Model model = load(request);
        fit(model, request);
        if (request.has("as")) ModelSerializer.writeModel(model, new File(request.get("as").asText()), true);
        describe(model, answer);
        answer.put("score", model.score());
    }

    private static void fit(Model model, JsonNode request) {
        int steps = request.has("steps") ? request.get("steps").asInt() : 1;
        for (int step = 0; step < steps; step++) {
            MultiDataSet samples = samples(request);
            if (model instanceof ComputationGraph) ((ComputationGraph) model).fit(samples);
            else ((MultiLayerNetwork) model).fit(single(samples));
        }
    }

    private static void transfer(JsonNode request, Map<String, Object> answer) throws Exception {
        Model model = load(request);
        Object builder = model instanceof ComputationGraph
            ? new TransferLearning.GraphBuilder((ComputationGraph) model) : new TransferLearning.Builder((MultiLayerNetwork) model);
        for (JsonNode call : request.get("calls")) {
            List<JsonNode> values = new ArrayList<>();
            call.forEach(values::add);
            Builders.call(builder, values.get(0).asText(), values.subList(1, values.size()));
        }
        Model result = (Model) builder.getClass().getMethod("build").invoke(builder);
        ModelSerializer.writeModel(result, new File(request.get("as").asText()), true);
        describe(result, answer);
    }

    private static void normalize(JsonNode request, Map<String, Object> answer) throws Exception {
        Normalizer<?> normalizer = ModelSerializer.restoreNormalizerFromFile(new File(request.get("path").asText()));
        INDArray[] inputs = Json.arrays(request.get("inputs"));
        for (INDArray input : inputs) ((DataNormalization) normalizer).transform(input);
        answer.put("outputs", Arrays.stream(inputs).map(Json::of).toArray());
    }

    private static void array(JsonNode request, Map<String, Object> answer) throws Exception {
        File file = new File(request.get("path").asText());
        if (request.has("array")) {
            INDArray array = Json.array(request.get("array")).dup(request.has("order") ? request.get("order").asText().charAt(0) : 'c');
            try (DataOutputStream stream = new DataOutputStream(new FileOutputStream(file))) {
                Nd4j.write(array, stream);
            }
        }
        try (FileInputStream stream = new FileInputStream(file)) {
            answer.put("array", Json.of(Nd4j.read(stream)));
        }
    }
}
