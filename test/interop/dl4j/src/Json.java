import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/** Arrays as JSON: {"shape": […], "values": […]}, the values in C order. A float's double is exact, so bits survive. */
class Json {
    static final ObjectMapper MAPPER = new ObjectMapper();

    static INDArray array(JsonNode node) {
        if (node == null || node.isNull()) return null;
        long[] shape = MAPPER.convertValue(node.get("shape"), long[].class);
        double[] values = MAPPER.convertValue(node.get("values"), double[].class);
        return Nd4j.create(values, shape, 'c').castTo(DataType.FLOAT);
    }

    /** The arrays of a list; null where there is none. */
    static INDArray[] arrays(JsonNode list) {
        if (list == null || list.isNull()) return null;
        INDArray[] arrays = new INDArray[list.size()];
        for (int index = 0; index < arrays.length; index++) arrays[index] = array(list.get(index));
        return arrays;
    }

    static Map<String, Object> of(INDArray array) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("shape", array.shape());
        json.put("values", array.dup('c').data().asDouble());
        return json;
    }

    static Map<String, Object> of(Map<String, INDArray> table) {
        Map<String, Object> json = new LinkedHashMap<>();
        table.forEach((name, array) -> json.put(name, of(array)));
        return json;
    }
}
