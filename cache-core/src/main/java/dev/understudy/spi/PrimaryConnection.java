package dev.understudy.spi;

/** A connection to the primary, inside a transaction, lent for the length of a call. Confined to the calling thread. */
public interface PrimaryConnection {
    /**
     * The connection as the adapter's own type, such as {@code java.sql.Connection}.
     *
     * @throws dev.understudy.model.Invalid if it is not of that type
     */
    <T> T unwrap(Class<T> type);
}
