import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.nn.transferlearning.TransferLearningHelper;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/**
 * Deeplearning4j: fitFeaturized of a TransferLearningHelper over mini-batches that were featurized once, as its examples do.
 * The batches keep their order and what is in them from epoch to epoch. The protocol is that of ../serve.py.
 */
public class Dl4jPeer {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err); // whatever a library prints must not look like an answer
        tell(answers, Map.of("version", "Deeplearning4j " + version()));
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            try {
                tell(answers, measure(JSON.readTree(line).get("folder").asText()));
            } catch (Exception error) {
                tell(answers, Map.of("error", error.toString()));
            }
        }
        System.exit(0); // ND4J's threads would keep the process alive
    }

    private static void tell(PrintStream answers, Map<String, ?> answer) throws Exception {
        answers.println(JSON.writeValueAsString(answer));
        answers.flush();
    }

    /** Its manifest does not say; the name of its jar does. */
    private static String version() {
        Matcher jar = Pattern.compile("deeplearning4j-nn-([^/\\\\]+)\\.jar").matcher(System.getProperty("java.class.path"));
        return jar.find() ? jar.group(1) : "of unknown version";
    }

    private static Map<String, ?> measure(String folder) throws Exception {
        JsonNode work = JSON.readTree(new File(folder, "work.json"));
        TransferLearningHelper helper = new TransferLearningHelper(network(work));
        MultiLayerNetwork head = helper.unfrozenMLN();
        readValues(head, work.get("layers"), folder);
        List<DataSet> batches = batches(work, folder);
        int epochs = work.get("epochs").asInt() + 2;
        long[] ends = new long[epochs];
        double loss = 0;
        for (int epoch = 0; epoch < epochs; epoch++) {
            for (DataSet batch : batches) {
                helper.fitFeaturized(batch);
                if (epoch == epochs - 1) loss += head.score() * batch.numExamples() / work.get("samples").asInt();
            }
            ends[epoch] = System.nanoTime();
        }
        // The first epoch warms up, the last reads losses.
        double seconds = (ends[epochs - 2] - ends[0]) / 1e9 / (epochs - 2);
        return Map.of("seconds", seconds, "check", loss);
    }

    /** A frozen layer that is never run, since its outputs are the samples, and the dense layers of the work. */
    private static MultiLayerNetwork network(JsonNode work) {
        int width = work.get("input").get(0).asInt();
        JsonNode layers = work.get("layers");
        Sgd updater = new Sgd(work.get("learningRate").asDouble());
        NeuralNetConfiguration.ListBuilder list = new NeuralNetConfiguration.Builder().seed(1).updater(updater).list()
            .layer(new DenseLayer.Builder().nIn(width).nOut(width).activation(Activation.IDENTITY).build());
        int inputs = width;
        for (int index = 0; index < layers.size(); index++) {
            int units = layers.get(index).get("units").asInt();
            boolean last = index == layers.size() - 1;
            list.layer(last
                ? new OutputLayer.Builder(LossFunction.MCXENT).nIn(inputs).nOut(units).activation(Activation.SOFTMAX).build()
                : new DenseLayer.Builder().nIn(inputs).nOut(units).activation(Activation.RELU).build());
            inputs = units;
        }
        MultiLayerNetwork network = new MultiLayerNetwork(list.build());
        network.init();
        return new TransferLearning.Builder(network).setFeatureExtractor(0).build();
    }

    private static void readValues(MultiLayerNetwork head, JsonNode layers, String folder) {
        for (int index = 0; index < layers.size(); index++) {
            String prefix = "values/" + layers.get(index).get("name").asText();
            head.getParam(index + "_W").assign(array(folder, prefix + ".weights"));
            INDArray biases = array(folder, prefix + ".biases");
            head.getParam(index + "_b").assign(biases.reshape(1, biases.length()));
        }
    }

    private static List<DataSet> batches(JsonNode work, String folder) {
        INDArray samples = array(folder, "X");
        int[] labels = array(folder, "y").toIntVector();
        int size = work.get("batch").asInt();
        int classes = work.get("layers").get(work.get("layers").size() - 1).get("units").asInt();
        List<DataSet> batches = new ArrayList<>();
        for (int start = 0; start < labels.length; start += size) {
            int end = Math.min(start + size, labels.length);
            INDArray rows = samples.get(NDArrayIndex.interval(start, end), NDArrayIndex.all()).dup();
            INDArray oneHot = Nd4j.zeros(DataType.FLOAT, end - start, classes);
            for (int row = start; row < end; row++) oneHot.putScalar(row - start, labels[row], 1);
            batches.add(new DataSet(rows, oneHot));
        }
        return batches;
    }

    private static INDArray array(String folder, String name) {
        return Nd4j.createFromNpyFile(new File(folder, name + ".npy"));
    }
}
