package dev.understudy.spi;

import dev.understudy.model.Invalid;
import dev.understudy.model.Tier;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;

/**
 * A codec without dependencies for strings and for records of scalars: one line {@code name=value} per component, {@code name}
 * alone for null. Immutable, thread-safe.
 */
public final class InMemoryCodec implements Codec {
    private static final Map<Class<?>, Function<String, Object>> PARSERS = Map.ofEntries(
            Map.entry(String.class, text -> text),
            Map.entry(long.class, Long::valueOf),
            Map.entry(Long.class, Long::valueOf),
            Map.entry(int.class, Integer::valueOf),
            Map.entry(Integer.class, Integer::valueOf),
            Map.entry(boolean.class, Boolean::valueOf),
            Map.entry(Boolean.class, Boolean::valueOf),
            Map.entry(double.class, Double::valueOf),
            Map.entry(Double.class, Double::valueOf),
            Map.entry(BigDecimal.class, BigDecimal::new),
            Map.entry(UUID.class, UUID::fromString),
            Map.entry(Instant.class, Instant::parse),
            Map.entry(LocalDate.class, LocalDate::parse));

    /** A codec. */
    public InMemoryCodec() {}

    @Override
    public <V> ValueCodec<V> of(Class<V> type) {
        if (type == String.class) {
            return new TextCodec<>(type);
        }
        RecordComponent[] components = type.isRecord() ? type.getRecordComponents() : new RecordComponent[0];
        if (components.length == 0
                || !Arrays.stream(components)
                        .allMatch(c ->
                                PARSERS.containsKey(c.getType()) || c.getType().isEnum())) {
            throw new Invalid("type " + type.getName() + " is not String or a record of scalars");
        }
        try {
            return new RecordCodec<>(type, components);
        } catch (ReflectiveOperationException e) {
            throw new Invalid("type " + type.getName() + " has no accessible constructor", e, Tier.LIBRARY);
        }
    }

    /** Strings as UTF-8. */
    private record TextCodec<V>(Class<V> type) implements ValueCodec<V> {
        @Override
        public byte[] encode(V value) {
            return value.toString().getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public V decode(byte[] bytes, int offset, int length) {
            return type.cast(new String(bytes, offset, length, StandardCharsets.UTF_8));
        }
    }

    /** Records as lines. */
    private static final class RecordCodec<V> implements ValueCodec<V> {
        private final Map<String, Method> accessors = new LinkedHashMap<>();
        private final List<Class<?>> types;
        private final Constructor<V> constructor;

        RecordCodec(Class<V> type, RecordComponent[] components) throws ReflectiveOperationException {
            types = Arrays.stream(components)
                    .<Class<?>>map(RecordComponent::getType)
                    .toList();
            constructor = type.getDeclaredConstructor(types.toArray(Class<?>[]::new));
            constructor.setAccessible(true);
            for (RecordComponent component : components) {
                component.getAccessor().setAccessible(true);
                accessors.put(component.getName(), component.getAccessor());
            }
        }

        @Override
        public byte[] encode(V value) throws ReflectiveOperationException {
            StringBuilder text = new StringBuilder();
            for (Map.Entry<String, Method> accessor : accessors.entrySet()) {
                Object part = accessor.getValue().invoke(value);
                text.append(accessor.getKey());
                if (part != null) {
                    String shown = part instanceof Enum<?> constant ? constant.name() : part.toString();
                    text.append('=').append(shown.replace("\\", "\\\\").replace("\n", "\\n"));
                }
                text.append('\n');
            }
            return text.toString().getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public V decode(byte[] bytes, int offset, int length) throws ReflectiveOperationException {
            String text = new String(bytes, offset, length, StandardCharsets.UTF_8);
            if (!text.endsWith("\n")) {
                throw new IllegalArgumentException("the bytes are cut off");
            }
            Map<String, String> lines = new HashMap<>();
            for (String line : text.split("\n")) {
                int end = line.indexOf('=');
                lines.put(end < 0 ? line : line.substring(0, end), end < 0 ? "" : line.substring(end));
            }
            Object[] parts = new Object[types.size()];
            int i = 0;
            for (String name : accessors.keySet()) {
                String part = lines.get(name);
                if (part == null || (part.isEmpty() && types.get(i).isPrimitive())) {
                    throw new IllegalArgumentException("component " + name + " is missing");
                }
                parts[i] = part.isEmpty() ? null : parse(types.get(i), unescaped(part.substring(1)));
                i++;
            }
            return constructor.newInstance(parts);
        }

        private static Object parse(Class<?> type, String text) {
            Function<String, Object> parser = PARSERS.get(type);
            if (parser != null) {
                return parser.apply(text);
            }
            return Arrays.stream(type.getEnumConstants())
                    .filter(constant -> ((Enum<?>) constant).name().equals(text))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("no such constant of " + type.getName()));
        }

        private static String unescaped(String text) {
            StringBuilder plain = new StringBuilder();
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                if (c == '\\') {
                    c = text.charAt(++i) == 'n' ? '\n' : '\\';
                }
                plain.append(c);
            }
            return plain.toString();
        }
    }
}
