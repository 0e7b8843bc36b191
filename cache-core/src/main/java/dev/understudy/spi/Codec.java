package dev.understudy.spi;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Turns values into bytes. Found by {@link java.util.ServiceLoader} unless one is given. Thread-safe. */
public interface Codec {
    /**
     * The codec of one type. The type comes from the caller, never from bytes.
     *
     * @throws dev.understudy.model.Invalid if values of the type cannot be encoded
     */
    <V> ValueCodec<V> of(Class<V> type);

    /** Codec of one type. Thread-safe. */
    interface ValueCodec<V> {
        /** The bytes of a value; the same bytes for equal values. Throws anything if the value cannot be encoded. */
        byte[] encode(V value) throws Exception;

        /**
         * The value in the bytes. Ignores parts the type does not know; throws anything if a part that it knows is missing or the bytes
         * are not of this form.
         */
        V decode(byte[] bytes, int offset, int length) throws Exception;

        /**
         * The names under which a value's parts are found in the bytes, so that versions of an application with other columns are told
         * apart. Empty, the default, if the codec does not name parts: every value is then taken as a whole, and {@link #parts} and
         * {@link #merge} are not called.
         */
        default Set<String> names() {
            return Set.of();
        }

        /** What bytes of another version of the type carry. Throws anything if they are not of this form. */
        default Parts parts(byte[] bytes, int offset, int length) throws Exception {
            throw new UnsupportedOperationException("the codec does not name parts");
        }

        /** The newer bytes, with those parts of the older that the newer do not have. Throws anything if either is not of this form. */
        default byte[] merge(byte[] older, byte[] newer) throws Exception {
            throw new UnsupportedOperationException("the codec does not name parts");
        }
    }

    /**
     * A value part by part. Immutable.
     *
     * @param names of all parts in the bytes, as {@link ValueCodec#names}
     * @param components those that the type knows, by the name of the type's component; empty for null
     */
    record Parts(Set<String> names, Map<String, Optional<Object>> components) {
        /** Copies both. */
        public Parts {
            names = Set.copyOf(names);
            components = Map.copyOf(components);
        }

        /** Values never appear in logs or messages. */
        @Override
        public String toString() {
            return "Parts" + names;
        }
    }
}
