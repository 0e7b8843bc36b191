package dev.understudy.spi;

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
    }
}
