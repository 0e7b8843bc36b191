package dev.understudy.engine;

import dev.understudy.model.Conflict;
import dev.understudy.model.DeadLetter;
import dev.understudy.model.Invalid;
import dev.understudy.model.Tier;
import dev.understudy.model.Version;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.DrainLedger;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryFailure;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The dead letters of one repository: list, retry, discard. Thread-safe. */
final class DeadLetterBox<K, V> {
    private static final Logger LOG = LoggerFactory.getLogger(DeadLetterBox.class);

    private final CacheContext<K, V> context;
    private final SharedReads<K, V> reads;
    private final WriteThrough<K, V> through;

    DeadLetterBox(CacheContext<K, V> context, SharedReads<K, V> reads, WriteThrough<K, V> through) {
        this.context = context;
        this.reads = reads;
        this.through = through;
    }

    List<DeadLetter<K, V>> list(int limit, Deadline deadline) {
        return onPrimary(
                        deadline,
                        connection -> context.primary.ledger().deadLetters(connection, context.store.name(), limit))
                .stream()
                .flatMap(letter -> decoded(letter).stream())
                .toList();
    }

    /** Writes the value through, unless the row is newer than the letter or was deleted after it; then discards the letter. */
    WriteReceipt retry(DeadLetter<K, V> letter, Deadline deadline) {
        if (letter.value().isEmpty() && !letter.isDelete()) {
            throw new Invalid("the dead letter's value does not decode in this version of the application");
        }
        String text = context.keys.text(letter.key());
        Version deleted = onPrimary(
                        deadline,
                        connection ->
                                context.primary.ledger().tombstones(connection, context.store.name(), List.of(text)))
                .getOrDefault(text, Version.ABSENT);
        Found<V> current = reads.readStrong(List.of(letter.key()), deadline).get(letter.key());
        Version present = current == null ? Version.ABSENT : current.version();
        if (present.isAfter(letter.version()) || deleted.isAfter(letter.version())) {
            throw new Conflict("the row has changed since the dead letter's write", Tier.PRIMARY, present);
        }
        Mutation.Verb verb = letter.isDelete() ? Mutation.Verb.DELETE : Mutation.Verb.SAVE;
        boolean isGone = letter.isDelete() && present.isAbsent();
        Mutation<K, V> mutation =
                new Mutation<>(letter.key(), letter.value(), verb, isGone ? Optional.empty() : Optional.of(present));
        Map<K, WriteReceipt> receipts = through.write(List.of(mutation), key -> letter.version(), deadline);
        ThroughReceipt.requireTold(receipts.values());
        discard(letter, deadline);
        return List.copyOf(receipts.values()).get(0);
    }

    boolean discard(DeadLetter<K, V> letter, Deadline deadline) {
        return onPrimary(
                deadline,
                connection -> context.primary
                        .ledger()
                        .discard(connection, context.store.name(), context.keys.text(letter.key()), letter.version()));
    }

    private Optional<DeadLetter<K, V>> decoded(DrainLedger.DeadLetter letter) {
        K key;
        try {
            key = context.keys.parse(letter.key());
        } catch (Invalid otherType) {
            LOG.warn("a dead letter of {} has a key of another type and is not listed", context.store.name());
            return Optional.empty();
        }
        boolean isDelete = letter.kind() == EntryKind.DELETED;
        byte[] payload = letter.payload();
        // A value with columns that this version does not know is for a version that does: a retry here would lose
        // them.
        Optional<V> value = isDelete || context.envelope.losesColumns(payload, 0, payload.length)
                ? Optional.empty()
                : context.envelope.open(payload, 0, payload.length);
        return Optional.of(new DeadLetter<>(
                key, value, isDelete, letter.version(), letter.sqlState(), letter.message(), letter.at()));
    }

    private <T> T onPrimary(Deadline deadline, Primary.Work<T> work) {
        if (!context.settings.writeBack()) {
            throw new Invalid("write-back is not allowed on " + context.store.name() + ": it has no dead letters");
        }
        try {
            return context.primary.call(Primary.Use.COMMIT, deadline.remaining(), work);
        } catch (PrimaryFailure e) {
            throw Replies.primary(e);
        }
    }
}
