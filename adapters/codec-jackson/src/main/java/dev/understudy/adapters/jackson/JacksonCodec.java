package dev.understudy.adapters.jackson;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.exc.InvalidDefinitionException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import com.fasterxml.jackson.module.paramnames.ParameterNamesModule;
import dev.understudy.model.Invalid;
import dev.understudy.model.Tier;
import dev.understudy.spi.Codec;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.util.HashSet;
import java.util.Set;

/**
 * Values as JSON, by Jackson. Immutable, thread-safe.
 *
 * <p>Types come from the caller and never from the bytes; default typing is off. What the type does not know is ignored, so that
 * bytes of a newer version of an application can be read; what a record knows must be there, so that those of an older one
 * are not mistaken for complete. Nulls are written. Numbers keep their scale (a negative one becomes 0), times their nanoseconds;
 * dates and times are text of ISO 8601, bytes are base64, enums go by their name, properties by the alphabet.
 *
 * <p>A record's parts are its properties, so that versions of an application with other columns read and merge each other's pending
 * writes. Whatever is written is a part, getters without a component too. Of other classes the values are taken as wholes.
 *
 * <p>Messages of failures name the type and the kind of failure, never what was in the bytes.
 */
public final class JacksonCodec implements Codec {
    /** Above every numeric that Postgres stores (131,072 digits before and 16,383 after the point). */
    private static final int NUMBER_LENGTH_MAX = 150_000;

    private static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNumberLength(NUMBER_LENGTH_MAX)
                            .maxStringLength(Integer.MAX_VALUE)
                            .build())
                    .build())
            .addModule(new Jdk8Module())
            .addModule(new JavaTimeModule())
            .addModule(new ParameterNamesModule())
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(DeserializationFeature.ADJUST_DATES_TO_CONTEXT_TIME_ZONE)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .enable(SerializationFeature.WRITE_DATES_WITH_ZONE_ID)
            .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
            .disable(SerializationFeature.WRITE_DURATIONS_AS_TIMESTAMPS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .enable(JsonGenerator.Feature.WRITE_BIGDECIMAL_AS_PLAIN)
            .build();

    /** A codec; {@link java.util.ServiceLoader} calls this too. */
    public JacksonCodec() {}

    @Override
    public <V> ValueCodec<V> of(Class<V> type) {
        requireBindable(type, MAPPER.constructType(type), new HashSet<>());
        return new Json<>(type, MAPPER.readerFor(type), MAPPER.writerFor(type), Columns.of(type, MAPPER));
    }

    /** Refuses a type whose values could be written and never be read again. */
    private static void requireBindable(Class<?> of, JavaType type, Set<JavaType> seen) {
        if (!seen.add(type)) {
            return;
        }
        for (JavaType part : type.getBindings().getTypeParameters()) {
            requireBindable(of, part, seen);
        }
        if (type.isContainerType() || type.isReferenceType()) {
            requireBindable(of, type.getContentType(), seen);
            return;
        }
        try {
            MAPPER.readerFor(type).readValue("{}");
        } catch (InvalidDefinitionException e) {
            throw new Invalid(
                    "values of type " + of.getName() + " cannot be decoded: Jackson cannot construct "
                            + type.toCanonical(),
                    e,
                    Tier.LIBRARY);
        } catch (JacksonException e) {
            // An empty object is no value of most types: what was asked is whether the type can be bound at all.
        }
        if (type.getRawClass().isRecord()) {
            for (RecordComponent component : type.getRawClass().getRecordComponents()) {
                requireBindable(
                        of,
                        MAPPER.getTypeFactory().resolveMemberType(component.getGenericType(), type.getBindings()),
                        seen);
            }
        }
    }

    /** JSON of one type. Immutable, thread-safe. */
    private static final class Json<V> implements ValueCodec<V> {
        private final Class<V> type;
        private final ObjectReader reader;
        private final ObjectWriter writer;
        private final Columns columns;

        Json(Class<V> type, ObjectReader reader, ObjectWriter writer, Columns columns) {
            this.type = type;
            this.reader = reader;
            this.writer = writer;
            this.columns = columns;
        }

        @Override
        public Set<String> names() {
            return columns.names();
        }

        @Override
        public Parts parts(byte[] bytes, int offset, int length) throws IOException {
            return columns.parts(tree(bytes, offset, length), MAPPER);
        }

        @Override
        public byte[] merge(byte[] older, byte[] newer) throws IOException {
            ObjectNode both = tree(older, 0, older.length);
            both.setAll(tree(newer, 0, newer.length));
            return MAPPER.writeValueAsBytes(both);
        }

        private ObjectNode tree(byte[] bytes, int offset, int length) throws IOException {
            try {
                if (MAPPER.readTree(bytes, offset, length) instanceof ObjectNode object) {
                    return object;
                }
            } catch (JacksonException e) { // its message may quote the bytes
                throw new IOException("the bytes are no JSON (" + e.getClass().getSimpleName() + ")");
            }
            throw new IOException("the bytes are no object");
        }

        @Override
        public byte[] encode(V value) throws IOException {
            return writer.writeValueAsBytes(value);
        }

        @Override
        public V decode(byte[] bytes, int offset, int length) throws IOException {
            V value;
            try {
                value = reader.readValue(bytes, offset, length);
            } catch (JacksonException e) { // its message may quote the bytes
                throw new IOException("the bytes are no " + type.getName() + " ("
                        + e.getClass().getSimpleName() + ")");
            }
            if (value == null) {
                throw new IOException("the bytes are no " + type.getName() + " but null");
            }
            return value;
        }
    }
}
