package dev.understudy.model;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/**
 * The canonical text form of the keys of one type: Long, Integer, String, UUID, or a record of these. Immutable.
 *
 * <p>Two keys are equal exactly if their texts are. A record's components are joined by {@code :}, with {@code :} and
 * {@code \} escaped by {@code \}. At most {@link #MAXIMUM_BYTES} bytes of UTF-8.
 */
public final class KeyFormat<K> {
    /** The longest text of a key, in bytes of UTF-8. */
    public static final int MAXIMUM_BYTES = 512;

    private final Class<K> type;
    private final List<Part> parts;
    private final MethodHandle constructor;

    private record Part(Class<?> type, MethodHandle accessor) {}

    private KeyFormat(Class<K> type, List<Part> parts, MethodHandle constructor) {
        this.type = type;
        this.parts = parts;
        this.constructor = constructor;
    }

    /** The format of a key type. Refuses any type but the ones named above. */
    public static <K> KeyFormat<K> of(Class<K> type) {
        if (isScalar(type)) {
            return new KeyFormat<>(type, List.of(), MethodHandles.identity(Object.class));
        }
        RecordComponent[] components = type.isRecord() ? type.getRecordComponents() : new RecordComponent[0];
        if (components.length == 0) {
            throw new Invalid(
                    "key type " + type.getName() + " is not Long, Integer, String, UUID or a record of these");
        }
        try {
            MethodHandles.Lookup lookup = MethodHandles.privateLookupIn(type, MethodHandles.lookup());
            List<Part> parts = new ArrayList<>();
            for (RecordComponent component : components) {
                if (!isScalar(boxed(component.getType()))) {
                    throw new Invalid("key component " + component.getName() + " of " + type.getName()
                            + " is not Long, Integer, String or UUID");
                }
                parts.add(new Part(boxed(component.getType()), lookup.unreflect(component.getAccessor())));
            }
            Class<?>[] types =
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
            MethodHandle constructor = lookup.unreflectConstructor(type.getDeclaredConstructor(types));
            return new KeyFormat<>(type, List.copyOf(parts), constructor);
        } catch (ReflectiveOperationException e) {
            throw new Invalid("key type " + type.getName() + " cannot be read by reflection", e, Tier.LIBRARY);
        }
    }

    /** The key type. */
    public Class<K> type() {
        return type;
    }

    /** The canonical text. Refuses a null component and a text over {@link #MAXIMUM_BYTES}. */
    public String text(K key) {
        String text;
        if (key instanceof Long || key instanceof Integer || key instanceof UUID) {
            return key.toString();
        } else if (key instanceof String string) {
            text = string;
        } else {
            text = joined(key);
        }
        if (text.length() > MAXIMUM_BYTES
                || (text.length() > MAXIMUM_BYTES / 3
                        && text.getBytes(StandardCharsets.UTF_8).length > MAXIMUM_BYTES)) {
            throw new Invalid("a key of " + text.length() + " characters is over the limit of " + MAXIMUM_BYTES
                    + " bytes of UTF-8");
        }
        return text;
    }

    /** The key of a canonical text. Refuses a text that no key of this type has. */
    public K parse(String text) {
        try {
            if (parts.isEmpty()) {
                return type.cast(scalar(type, text));
            }
            List<String> texts = split(text);
            if (texts.size() != parts.size()) {
                throw new Invalid("a key text has " + texts.size() + " components instead of " + parts.size());
            }
            Object[] arguments = new Object[parts.size()];
            for (int i = 0; i < arguments.length; i++) {
                arguments[i] = scalar(parts.get(i).type(), texts.get(i));
            }
            return type.cast(constructor.invokeWithArguments(arguments));
        } catch (UnderstudyException e) {
            throw e;
        } catch (Throwable e) {
            throw new Invalid("a key text does not parse as " + type.getName());
        }
    }

    private String joined(K key) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < parts.size(); i++) {
            Object component;
            try {
                component = parts.get(i).accessor().invoke(key);
            } catch (Throwable e) {
                throw new Invalid("component " + i + " of a key of " + type.getName() + " cannot be read");
            }
            if (component == null) {
                throw new Invalid("component " + i + " of a key of " + type.getName() + " is null");
            }
            if (i > 0) {
                text.append(':');
            }
            text.append(component.toString().replace("\\", "\\\\").replace(":", "\\:"));
        }
        return text.toString();
    }

    private static List<String> split(String text) {
        List<String> parts = new ArrayList<>();
        StringBuilder part = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && i + 1 < text.length()) {
                part.append(text.charAt(++i));
            } else if (c == ':') {
                parts.add(part.toString());
                part.setLength(0);
            } else {
                part.append(c);
            }
        }
        parts.add(part.toString());
        return parts;
    }

    private static Object scalar(Class<?> type, String text) {
        if (type == Long.class) {
            return Long.valueOf(text);
        } else if (type == Integer.class) {
            return Integer.valueOf(text);
        } else if (type == UUID.class) {
            return UUID.fromString(text);
        }
        return text;
    }

    private static boolean isScalar(Class<?> type) {
        return type == Long.class || type == Integer.class || type == String.class || type == UUID.class;
    }

    private static Class<?> boxed(Class<?> type) {
        return type == long.class ? Long.class : type == int.class ? Integer.class : type;
    }
}
