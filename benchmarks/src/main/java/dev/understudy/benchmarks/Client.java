package dev.understudy.benchmarks;

import org.jspecify.annotations.Nullable;

/** One way to read and to write rows through its caches. Thread-safe. */
interface Client {
    /** The row; null if there is none. */
    @Nullable
    Object read(long id) throws Exception;

    /** Returns when the write is acknowledged. */
    void write(Doc doc) throws Exception;

    /** Waits for what acknowledged writes have left to do. */
    default void rest() throws Exception {}
}
