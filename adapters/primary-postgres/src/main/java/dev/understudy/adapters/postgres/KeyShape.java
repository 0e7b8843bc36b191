package dev.understudy.adapters.postgres;

import dev.understudy.model.Invalid;
import dev.understudy.model.KeyFormat;
import dev.understudy.model.Tier;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * How a key is taken from a value and apart into columns. Immutable.
 *
 * @param type Long, Integer, String, UUID or a record of these
 * @param of the key of a value
 * @param format the canonical text, which gives the order of locks
 * @param parts one for a key of one column, which is then the key itself; the record's components otherwise
 */
record KeyShape<K, V>(Class<K> type, Function<V, K> of, KeyFormat<K> format, List<Part> parts) {
    /**
     * One column's share of a key.
     *
     * @param component the component of the value's record that holds it; empty if only the catalogue can tell
     * @param accessor takes it from the key; empty if it is the key
     */
    record Part(Optional<String> component, Class<?> type, Optional<MethodHandle> accessor) {
        Object of(Object key) {
            if (accessor.isEmpty()) {
                return key;
            }
            try {
                return accessor.get().invokeExact(key);
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new Invalid("a component of a key cannot be read");
            }
        }
    }

    /** The shape of a key that a method reference names. */
    static <K, V> KeyShape<K, V> of(Class<V> valueType, KeyOf<V, K> of) {
        try {
            Method replacement = of.getClass().getDeclaredMethod("writeReplace");
            replacement.setAccessible(true);
            SerializedLambda lambda = (SerializedLambda) replacement.invoke(of);
            MethodType method = MethodType.fromMethodDescriptorString(
                    lambda.getInstantiatedMethodType(), valueType.getClassLoader());
            @SuppressWarnings("unchecked")
            Class<K> type = (Class<K>) method.wrap().returnType();
            boolean isAccessor = lambda.getImplClass().replace('/', '.').equals(valueType.getName());
            return of(type, of, isAccessor ? Optional.of(lambda.getImplMethodName()) : Optional.empty());
        } catch (ReflectiveOperationException | RuntimeException e) {
            if (e instanceof Invalid invalid) {
                throw invalid;
            }
            throw new Invalid(
                    "the type of the key of " + valueType.getName() + " cannot be told: give it, as in"
                            + " key(Long.class, Product::id)",
                    e,
                    Tier.LIBRARY);
        }
    }

    /** The shape of a key of a given type; the component that holds a key of one column, if it is known. */
    static <K, V> KeyShape<K, V> of(Class<K> type, Function<V, K> of, Optional<String> component) {
        KeyFormat<K> format = KeyFormat.of(type);
        if (!type.isRecord()) {
            return new KeyShape<>(type, of, format, List.of(new Part(component, type, Optional.empty())));
        }
        List<Part> parts = new ArrayList<>();
        MethodHandles.Lookup lookup = RecordShape.lookup(type);
        for (RecordComponent each : type.getRecordComponents()) {
            try {
                MethodHandle accessor =
                        lookup.unreflect(each.getAccessor()).asType(MethodType.methodType(Object.class, Object.class));
                Class<?> boxed = MethodType.methodType(each.getType()).wrap().returnType();
                parts.add(new Part(Optional.of(each.getName()), boxed, Optional.of(accessor)));
            } catch (IllegalAccessException e) {
                throw new Invalid("key type " + type.getName() + " cannot be read by reflection", e, Tier.LIBRARY);
            }
        }
        return new KeyShape<>(type, of, format, List.copyOf(parts));
    }
}
