package dev.understudy.engine;

import dev.understudy.model.Conflict;
import dev.understudy.model.Invalid;
import dev.understudy.model.OnPartition;
import dev.understudy.model.Outcome;
import dev.understudy.model.Tier;
import dev.understudy.model.Version;
import dev.understudy.model.Write;
import dev.understudy.model.WriteMode;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.Row;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/**
 * Read, change, write of one row, so that two callers who change different fields lose nothing: by version where rows have one, else under
 * the row's lock. Thread-safe.
 */
final class Updates<K, V> {
    private static final int ATTEMPTS = 16;
    private static final Duration PAUSE = Duration.ofMillis(1);

    private final CacheContext<K, V> context;
    private final SharedReads<K, V> reads;
    private final WriteThrough<K, V> through;

    Updates(CacheContext<K, V> context, SharedReads<K, V> reads, WriteThrough<K, V> through) {
        this.context = context;
        this.reads = reads;
        this.through = through;
    }

    /** Compare-and-set on the current version, at most {@value #ATTEMPTS} times. */
    WriteReceipt compareAndSet(
            K key,
            UnaryOperator<V> change,
            WriteMode mode,
            Write options,
            BiFunction<Mutation<K, V>, Write, Map<K, WriteReceipt>> writer) {
        Deadline deadline = context.deadline(options.timeout());
        for (int attempt = 1; ; attempt++) {
            Found<V> current = current(key, mode, deadline);
            options.ifVersion()
                    .filter(expected -> !expected.equals(current.version()))
                    .ifPresent(expected -> {
                        throw new Conflict("another version is current", current.tier(), current.version());
                    });
            Mutation<K, V> mutation = new Mutation<>(
                    key,
                    Optional.of(changed(key, change, current.value().orElseThrow())),
                    Mutation.Verb.UPDATE,
                    Optional.of(current.version()));
            Write conditional = new Write(
                    Optional.of(mode),
                    options.ack(),
                    Optional.empty(),
                    Optional.of(deadline.remaining()),
                    options.onPartition(),
                    OptionalInt.empty());
            try {
                return CacheContext.present(writer.apply(mutation, conditional).get(key), "the receipt");
            } catch (Conflict e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
                deadline.pause(PAUSE.multipliedBy(attempt), Tier.LIBRARY, Outcome.NOT_APPLIED);
            }
        }
    }

    /** Under the row's lock, in one transaction. */
    WriteReceipt locked(K key, UnaryOperator<V> change, Known<K> known, Deadline deadline, OnPartition onPartition) {
        Map<K, WriteReceipt> receipts = through.available(
                onPartition,
                () -> {
                    context.gate.enter();
                    return through.run(
                            List.of(key),
                            List.of(key),
                            known,
                            deadline,
                            (write, connection) -> write.write(connection, List.of(next(connection, key, change))));
                },
                () -> through.detached(
                        known,
                        deadline,
                        (write, connection) -> write.write(connection, List.of(next(connection, key, change)))));
        return CacheContext.present(receipts.get(key), "the receipt");
    }

    private Mutation<K, V> next(PrimaryConnection connection, K key, UnaryOperator<V> change) throws Exception {
        Row<V> row = context.store.lock(connection, List.of(key)).get(key);
        if (row == null) {
            throw new Conflict("the row does not exist", Tier.PRIMARY, Version.ABSENT);
        }
        return new Mutation<>(
                key, Optional.of(changed(key, change, row.value())), Mutation.Verb.UPDATE, Optional.empty());
    }

    private Found<V> current(K key, WriteMode mode, Deadline deadline) {
        Map<K, Found<V>> found =
                mode == WriteMode.BACK ? reads.read(List.of(key), deadline) : reads.readStrong(List.of(key), deadline);
        Found<V> current = CacheContext.present(found.get(key), "the answer");
        if (current.value().isEmpty()) {
            throw new Conflict("the row does not exist", Tier.PRIMARY, Version.ABSENT);
        }
        return current;
    }

    private V changed(K key, UnaryOperator<V> change, V value) {
        V next = CacheContext.present(change.apply(value), "the updated value");
        if (!key.equals(context.store.keyOf(next))) {
            throw new Invalid("an update changed the key of its row");
        }
        return next;
    }
}
