import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.nd4j.shade.jackson.databind.JsonNode;

/**
 * Deeplearning4j's objects out of JSON, by calling its own builders: {"LSTM": {"nIn": 8, "nOut": 12, "activation": "TANH"}} is
 * new LSTM.Builder().nIn(8).nOut(12).activation(Activation.TANH).build(). "args" are the constructor's: {"Bidirectional":
 * {"args": ["CONCAT", {"LSTM": {…}}]}}. A class without a builder is made by its constructor and changed by its setters:
 * {"Adam": {"learningRate": 0.01}}; what is no class is a static method of the type that is wanted: {"recurrent": 8}.
 */
class Builders {
    private static final String[] PACKAGES = {
        "org.deeplearning4j.nn.conf.", "org.deeplearning4j.nn.conf.layers.", "org.deeplearning4j.nn.conf.layers.recurrent.",
        "org.deeplearning4j.nn.conf.layers.convolutional.", "org.deeplearning4j.nn.conf.layers.misc.", "org.deeplearning4j.nn.conf.layers.util.",
        "org.deeplearning4j.nn.conf.layers.variational.", "org.deeplearning4j.nn.conf.graph.", "org.deeplearning4j.nn.conf.graph.rnn.",
        "org.deeplearning4j.nn.conf.preprocessor.", "org.deeplearning4j.nn.conf.dropout.", "org.deeplearning4j.nn.conf.constraint.",
        "org.deeplearning4j.nn.conf.weightnoise.", "org.deeplearning4j.nn.conf.distribution.", "org.deeplearning4j.nn.transferlearning.",
        "org.deeplearning4j.nn.weights.", "org.nd4j.linalg.learning.config.", "org.nd4j.linalg.schedule.", "org.nd4j.linalg.learning.regularization.",
        "org.nd4j.linalg.activations.impl.", "org.nd4j.linalg.lossfunctions.impl.", "org.nd4j.linalg.dataset.api.preprocessor.",
    };

    /** Calls a method by name with arguments out of JSON; a list holds the arguments, anything else is the one argument. */
    static Object call(Object target, String name, JsonNode value) throws Exception {
        return call(target.getClass(), target, name, values(value));
    }

    static Object call(Object target, String name, List<JsonNode> values) throws Exception {
        return call(target.getClass(), target, name, values);
    }

    /** Applies {"method": arguments, …}; a setter's name goes without its "set". */
    static void callAll(Object target, JsonNode calls) throws Exception {
        if (calls == null) return;
        for (Map.Entry<String, JsonNode> each : (Iterable<Map.Entry<String, JsonNode>>) calls::fields)
            if (!each.getKey().equals("args")) call(target, each.getKey(), each.getValue());
    }

    /** {"Class": {…}} as an object that is a `wanted`. */
    static Object make(JsonNode node, Class<?> wanted) throws Exception {
        Map.Entry<String, JsonNode> field = node.fields().next();
        Class<?> type = find(field.getKey(), wanted);
        if (type == null) return call(wanted, null, field.getKey(), values(field.getValue()));
        JsonNode properties = field.getValue();
        List<JsonNode> args = values(properties.get("args"));
        Class<?> builder = Arrays.stream(type.getClasses()).filter(each -> each.getSimpleName().equals("Builder")).findFirst().orElse(null);
        if (builder != null && builder.getConstructors().length > 0 && (args.isEmpty() || properties.size() > 1)) {
            Object made = construct(builder, args);
            callAll(made, properties);
            return builder.getMethod("build").invoke(made);
        }
        Object made = construct(type, args);
        callAll(made, properties);
        return made;
    }

    private static String setter(String name) {
        return "set" + name.substring(0, 1).toUpperCase() + name.substring(1);
    }

    private static List<JsonNode> values(JsonNode value) {
        List<JsonNode> values = new ArrayList<>();
        if (value != null && value.isArray()) value.forEach(values::add);
        else if (value != null) values.add(value);
        return values;
    }

    private static Class<?> find(String name, Class<?> wanted) {
        for (String prefix : PACKAGES) {
            try {
                Class<?> type = Class.forName(prefix + name);
                if (wanted.isAssignableFrom(type)) return type;
            } catch (ClassNotFoundException | NoClassDefFoundError elsewhere) {
                continue;
            }
        }
        return null;
    }

    private static Object construct(Class<?> type, List<JsonNode> values) throws Exception {
        Constructor<?>[] constructors = type.getConstructors();
        Arrays.sort(constructors, Comparator.comparing(Executable::isVarArgs)); // an empty list of sizes is no size
        for (Constructor<?> each : constructors) {
            Object[] arguments = arguments(each, values);
            if (arguments != null) return each.newInstance(arguments);
        }
        throw new IllegalArgumentException("no constructor of " + type.getName() + " takes " + values);
    }

    private static Object call(Class<?> type, Object target, String name, List<JsonNode> values) throws Exception {
        // A string is an enum's constant rather than a name of something.
        List<Method> methods = new ArrayList<>();
        for (Method each : type.getMethods())
            if ((each.getName().equals(name) || each.getName().equals(setter(name))) && (target != null || Modifier.isStatic(each.getModifiers()))) methods.add(each);
        methods.sort(Comparator.comparing(each -> Stream.of(each.getParameterTypes()).anyMatch(String.class::isAssignableFrom)));
        for (Method each : methods) {
            Object[] arguments = arguments(each, values);
            if (arguments == null) continue;
            each.setAccessible(true);
            try {
                return each.invoke(target, arguments);
            } catch (InvocationTargetException error) {
                if (error.getCause() instanceof Exception) throw (Exception) error.getCause();
                throw error;
            }
        }
        throw new IllegalArgumentException("no method " + type.getName() + "." + name + " takes " + values);
    }

    /** The arguments as `target` wants them, or null where they do not fit. */
    private static Object[] arguments(Executable target, List<JsonNode> values) throws Exception {
        Class<?>[] types = target.getParameterTypes();
        int fixed = target.isVarArgs() ? types.length - 1 : types.length;
        if (values.size() < fixed || (!target.isVarArgs() && values.size() > fixed)) return null;
        Object[] arguments = new Object[types.length];
        try {
            for (int index = 0; index < fixed; index++) arguments[index] = convert(values.get(index), types[index]);
            if (target.isVarArgs()) arguments[fixed] = array(values.subList(fixed, values.size()), types[fixed].getComponentType());
        } catch (Unfit unfit) {
            return null;
        }
        return arguments;
    }

    private static class Unfit extends Exception {}

    private static Object convert(JsonNode value, Class<?> type) throws Exception {
        if (type.isArray() && value.isArray()) return array(values(value), type.getComponentType());
        if (value.isNull() && !type.isPrimitive()) return null;
        if (value.isBoolean() && (type == boolean.class || type == Boolean.class)) return value.asBoolean();
        if (value.isIntegralNumber() && (type == int.class || type == Integer.class)) return value.asInt();
        if (value.isIntegralNumber() && (type == long.class || type == Long.class)) return value.asLong();
        if (value.isNumber() && (type == double.class || type == Double.class)) return value.asDouble();
        if (value.isTextual() && type == String.class) return value.asText();
        if (value.isTextual() && type.isEnum())
            for (Object constant : type.getEnumConstants())
                if (constant.toString().equalsIgnoreCase(value.asText())) return constant;
        if (value.isObject() && !type.isPrimitive() && type != String.class && (find(value.fieldNames().next(), type) != null || hasStatic(type, value.fieldNames().next())))
            return make(value, type);
        throw new Unfit();
    }

    private static boolean hasStatic(Class<?> type, String name) {
        return Stream.of(type.getMethods()).anyMatch(each -> Modifier.isStatic(each.getModifiers()) && each.getName().equals(name));
    }

    private static Object array(List<JsonNode> values, Class<?> type) throws Exception {
        Object array = Array.newInstance(type, values.size());
        for (int index = 0; index < values.size(); index++) Array.set(array, index, convert(values.get(index), type));
        return array;
    }
}
