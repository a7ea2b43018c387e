import java.io.File;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * The network of samples/graves-lstm: one GravesLSTM, one RnnOutputLayer. Arguments: the folder with X.npy and y.npy that
 * graves_lstm.py wrote, and the zip to write. Needs deeplearning4j-nn and nd4j-native 1.0.0-M2.1.
 */
public class GravesLstm {
    static final int BATCH = 50, CLASSES = 10;

    public static void main(String[] args) throws Exception {
        INDArray x = Nd4j.createFromNpyFile(new File(args[0], "X.npy"));
        INDArray y = Nd4j.createFromNpyFile(new File(args[0], "y.npy"));
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
            .seed(3).updater(new RmsProp(0.005)).weightInit(WeightInit.XAVIER).list()
            .layer(new GravesLSTM.Builder().nIn(8).nOut(12).activation(Activation.TANH).build())
            .layer(new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nIn(12).nOut(CLASSES).activation(Activation.SOFTMAX).build())
            .build());
        network.init();
        for (int epoch = 0; epoch < 12; epoch++)
            for (int start = 0; start < x.size(0); start += BATCH)
                network.fit(batch(x, y, start, start + BATCH));
        ModelSerializer.writeModel(network, new File(args[1]), true);
    }

    /** The digit is the label of every step. */
    static DataSet batch(INDArray x, INDArray y, int from, int to) {
        INDArray labels = Nd4j.zeros(DataType.FLOAT, to - from, CLASSES, x.size(2));
        for (int i = from; i < to; i++)
            for (int step = 0; step < x.size(2); step++)
                labels.putScalar(new int[] {i - from, y.getInt(i), step}, 1f);
        return new DataSet(
            x.get(NDArrayIndex.interval(from, to), NDArrayIndex.all(), NDArrayIndex.all()).dup(), labels);
    }
}
