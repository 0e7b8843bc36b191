package dev.understudy;

import dev.understudy.engine.Overflow;
import dev.understudy.engine.RepositorySettings;
import dev.understudy.model.Ack;
import dev.understudy.model.Consistency;
import dev.understudy.model.Invalid;
import dev.understudy.model.OnConflict;
import dev.understudy.model.OnPartition;
import dev.understudy.model.Versioning;
import dev.understudy.spi.PrimaryStore;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Settings of one repository. Every value is checked when it is set; nothing is repaired. Not thread-safe. */
public final class RepositoryBuilder<K, V> {
    private final PrimaryStore<K, V> store;
    private final Function<RepositoryBuilder<K, V>, CachedRepository<K, V>> make;
    private final Setting<Duration> timeout =
            new Setting<>("timeout", Duration.ofSeconds(2), Duration.ofMillis(10), Duration.ofHours(1));
    private final Setting<Integer> maximumValueBytes = new Setting<>("maximumValueBytes", 1 << 20, 64, 64 << 20);
    private final Near near = new Near();
    private final Shared shared = new Shared();
    private final Back back = new Back();
    private boolean writeBack;
    private @Nullable Consistency consistency;
    private @Nullable OnPartition onPartition;

    RepositoryBuilder(PrimaryStore<K, V> store, Function<RepositoryBuilder<K, V>, CachedRepository<K, V>> make) {
        this.store = store;
        this.make = make;
    }

    /** How long a call that names no timeout waits at most; 10 ms to 1 hour, default 2 s. */
    public RepositoryBuilder<K, V> timeout(Duration limit) {
        timeout.set(limit);
        return this;
    }

    /** Bytes of an encoded value, at most; 64 to 64 MiB, default 1 MiB. */
    public RepositoryBuilder<K, V> maximumValueBytes(int bytes) {
        maximumValueBytes.set(bytes);
        return this;
    }

    /** How fresh a read is that names nothing else; default bounded by the near replica's {@code maxStaleness}. */
    public RepositoryBuilder<K, V> consistency(Consistency level) {
        if (consistency != null) {
            throw new Invalid("consistency is set twice: " + consistency + ", then " + level);
        }
        consistency = EngineRepository.present(level, "consistency");
        return this;
    }

    /**
     * What a write-through that names nothing else does while the shared replica cannot be reached; default
     * {@link OnPartition#CONSISTENT}. {@link OnPartition#AVAILABLE} needs the library's table at the primary.
     */
    public RepositoryBuilder<K, V> onPartition(OnPartition behaviour) {
        if (onPartition != null) {
            throw new Invalid("onPartition is set twice: " + onPartition + ", then " + behaviour);
        }
        onPartition = EngineRepository.present(behaviour, "onPartition");
        return this;
    }

    /** Settings of the replica in this instance. */
    public RepositoryBuilder<K, V> near(Consumer<Near> settings) {
        settings.accept(near);
        return this;
    }

    /** Settings of the replica that all instances share. */
    public RepositoryBuilder<K, V> shared(Consumer<Shared> settings) {
        settings.accept(shared);
        return this;
    }

    /** Allows write-back, which needs a version column and the library's tables at the primary. */
    public RepositoryBuilder<K, V> allowWriteBack(Consumer<Back> settings) {
        writeBack = true;
        settings.accept(back);
        return this;
    }

    /**
     * Verifies the table, opens the replicas and starts.
     *
     * @throws Invalid if something is missing or contradicts, naming it
     * @throws dev.understudy.model.Unavailable if a server cannot be reached
     */
    public CachedRepository<K, V> build() {
        Versioning versioning = store.versioning();
        if (writeBack && !versioning.isVersioned()) {
            throw new Invalid("write-back on " + store.name() + " needs a version column: Versioning.column(...)");
        }
        return make.apply(this);
    }

    PrimaryStore<K, V> store() {
        return store;
    }

    RepositorySettings settings() {
        RepositorySettings.Near nearSettings = near.settings();
        Duration maxStaleness = nearSettings.maxStaleness();
        return new RepositorySettings(
                shared.shards.get(),
                timeout.get(),
                consistency == null ? Consistency.bounded(maxStaleness) : consistency,
                nearSettings,
                shared.timeToLive.get(),
                shared.negativeTimeToLive.get(),
                shared.marker.get(),
                shared.lease.get(),
                maximumValueBytes.get(),
                onPartition == null ? OnPartition.CONSISTENT : onPartition,
                writeBack,
                new RepositorySettings.Back(
                        back.byDefault,
                        back.ack,
                        back.degrades,
                        back.maximumPending.get(),
                        back.maximumBytes == null ? OptionalLong.empty() : OptionalLong.of(back.maximumBytes.get()),
                        back.maximumLag.get(),
                        back.overflow,
                        back.delay.get(),
                        back.batch.get(),
                        back.lease.get(),
                        back.drains,
                        back.parentWait.get(),
                        back.onConflict,
                        back.restorableBytes.get()));
    }

    /** Settings of the near replica. */
    public static final class Near {
        private final Setting<Long> maximumSize = new Setting<>("near.maximumSize", 10_000L, 0L, 100_000_000L);
        private final Setting<Duration> maxStaleness =
                new Setting<>("near.maxStaleness", Duration.ofSeconds(5), Duration.ofMillis(500), Duration.ofHours(1));
        private final Setting<Duration> timeToLive =
                new Setting<>("near.timeToLive", Duration.ofSeconds(60), Duration.ofMillis(1), Duration.ofDays(1));
        private final Setting<Long> maximumBytes = new Setting<>("near.maximumBytes", 0L, 1L << 10, 1L << 40);
        private final Setting<Duration> refreshAhead =
                new Setting<>("near.refreshAhead", Duration.ZERO, Duration.ZERO, Duration.ofDays(1));
        private final Setting<Duration> maxStale =
                new Setting<>("near.maxStale", Duration.ZERO, Duration.ZERO, Duration.ofDays(1));
        private final Setting<Duration> patience =
                new Setting<>("near.patience", Duration.ofMillis(100), Duration.ZERO, Duration.ofMinutes(1));
        private boolean encoded;

        private Near() {}

        private RepositorySettings.Near settings() {
            if (maximumBytes.isSet() && maximumSize.isSet()) {
                throw new Invalid(
                        "near.maximumSize and near.maximumBytes are both set; one of them bounds the replica");
            }
            Duration life = timeToLive.get();
            if (refreshAhead.get().compareTo(life.dividedBy(2)) > 0) {
                throw new Invalid(
                        "near.refreshAhead = " + refreshAhead.get() + " is over half of near.timeToLive = " + life);
            }
            if (patience.isSet() && maxStale.get().isZero()) {
                throw new Invalid("near.patience means nothing without near.maxStale");
            }
            return new RepositorySettings.Near(
                    maximumSize.get(),
                    maximumBytes.get(),
                    encoded,
                    maxStaleness.get(),
                    life,
                    refreshAhead.get(),
                    maxStale.get(),
                    patience.get());
        }

        /**
         * Bytes of encoded values and their keys, at most, in place of a number of entries; 1 KiB to 1 TiB. Every value is encoded once more when it
         * is installed, to be weighed.
         */
        public Near maximumBytes(long bytes) {
            maximumBytes.set(bytes);
            return this;
        }

        /** Keeps encoded bytes and decodes them for each read: for values that are not immutable. A hit then allocates what the codec does. */
        public Near encoded() {
            encoded = true;
            return this;
        }

        /**
         * A hit so long before its entry's end renews the entry in the background, while callers are served as before; zero (never, the default) to half of
         * {@link #timeToLive}.
         */
        public Near refreshAhead(Duration time) {
            refreshAhead.set(time);
            return this;
        }

        /**
         * How old an answer may be where there is no fresher one: an entry whose time to live has ended serves while it is loaded anew, and an
         * entry serves when a load fails or takes longer than {@link #patience}. A read that asks for a bound itself is never answered older than that
         * bound, a session never behind what it saw. Zero (never) to one day, default zero.
         */
        public Near maxStale(Duration age) {
            maxStale.set(age);
            return this;
        }

        /** How long a load may take where there is an answer within {@link #maxStale}; zero to 1 minute, default 100 ms. */
        public Near patience(Duration time) {
            patience.set(time);
            return this;
        }

        /** Entries, at most; 0 (no near replica) to 100,000,000, default 10,000. */
        public Near maximumSize(long entries) {
            maximumSize.set(entries);
            return this;
        }

        /** The staleness bound; 500 ms to 1 hour, default 5 s. Positions are pulled every third of it. */
        public Near maxStaleness(Duration bound) {
            maxStaleness.set(bound);
            return this;
        }

        /** An entry's time to live, which bounds how long changes that nobody announced stay unseen; default 60 s. */
        public Near timeToLive(Duration life) {
            timeToLive.set(life);
            return this;
        }
    }

    /** Settings of the shared replica. */
    public static final class Shared {
        private final Setting<Integer> shards = new Setting<>("shared.shards", 64, 1, 4096);
        private final Setting<Duration> timeToLive =
                new Setting<>("shared.timeToLive", Duration.ofMinutes(10), Duration.ofMillis(100), Duration.ofDays(30));
        private final Setting<Duration> negativeTimeToLive = new Setting<>(
                "shared.negativeTimeToLive", Duration.ofSeconds(5), Duration.ofMillis(1), Duration.ofHours(1));
        private final Setting<Duration> marker =
                new Setting<>("shared.marker", Duration.ofSeconds(10), Duration.ofMillis(500), Duration.ofMinutes(10));
        private final Setting<Duration> lease =
                new Setting<>("shared.lease", Duration.ofSeconds(3), Duration.ofMillis(100), Duration.ofMinutes(1));

        private Shared() {}

        /** Shards, the unit of ordering and ownership; 1 to 4096, default 64, the same for all instances. */
        public Shared shards(int count) {
            shards.set(count);
            return this;
        }

        /** A clean entry's time to live, spread by a tenth; 100 ms to 30 days, default 10 minutes. */
        public Shared timeToLive(Duration life) {
            timeToLive.set(life);
            return this;
        }

        /** The time to live of "there is no such row"; 1 ms to 1 hour, default 5 s. */
        public Shared negativeTimeToLive(Duration life) {
            negativeTimeToLive.set(life);
            return this;
        }

        /** The longest that a write-through may take to commit; 500 ms to 10 minutes, default 10 s. */
        public Shared marker(Duration life) {
            marker.set(life);
            return this;
        }

        /** The longest that a fill may take; 100 ms to 1 minute, default 3 s. */
        public Shared lease(Duration life) {
            lease.set(life);
            return this;
        }
    }

    /** Settings of write-back. */
    public static final class Back {
        private final Setting<Integer> maximumPending = new Setting<>("back.maximumPending", 100_000, 1, 100_000_000);
        private final Setting<Duration> maximumLag =
                new Setting<>("back.maximumLag", Duration.ofHours(1), Duration.ofMillis(100), Duration.ofDays(7));
        private @Nullable Setting<Long> maximumBytes;
        private final Setting<Long> restorableBytes = new Setting<>("back.restorableBytes", 1L << 26, 0L, 1L << 40);
        private final Setting<Duration> delay =
                new Setting<>("back.delay", Duration.ofMillis(50), Duration.ZERO, Duration.ofMinutes(1));
        private final Setting<Integer> batch = new Setting<>("back.batch", 1_000, 1, 10_000);
        private final Setting<Duration> lease =
                new Setting<>("back.lease", Duration.ofSeconds(15), Duration.ofMillis(500), Duration.ofMinutes(5));
        private final Setting<Duration> parentWait =
                new Setting<>("back.parentWait", Duration.ofSeconds(30), Duration.ZERO, Duration.ofHours(1));
        private Ack ack = Ack.ACCEPTED;
        private Overflow overflow = Overflow.WRITE_THROUGH;
        private OnConflict onConflict = OnConflict.LAST_WRITER_WINS;
        private boolean byDefault;
        private boolean degrades;
        private boolean drains = true;

        private Back() {}

        /** What an acknowledgement promises unless a call says otherwise; default {@link Ack#ACCEPTED}. */
        public Back ack(Ack level) {
            ack = EngineRepository.present(level, "back.ack");
            return this;
        }

        /** Makes write-back the mode of writes that name none. */
        public Back byDefault() {
            byDefault = true;
            return this;
        }

        /** Lets a write whose ack level is not reached in time return with {@code ACCEPTED} instead of failing. */
        public Back degradeOnAckTimeout() {
            degrades = true;
            return this;
        }

        /** Pending keys, at most, spread evenly over the shards; 1 to 100,000,000, default 100,000. */
        public Back maximumPending(int keys) {
            maximumPending.set(keys);
            return this;
        }

        /**
         * Bytes of pending values, at most, spread evenly over the shards, where one value always fits; 64 KiB to 1 TiB, default 64 MiB or
         * a tenth of the shared replica's {@code maxmemory}, if that is less.
         */
        public Back maximumBytes(long bytes) {
            maximumBytes = new Setting<>("back.maximumBytes", 1L << 26, 1L << 16, 1L << 40);
            maximumBytes.set(bytes);
            return this;
        }

        /**
         * Bytes of this instance's own acknowledged values that it keeps until they are at the primary, so as to put them back if the shared
         * replica loses its memory; 0 to 1 TiB, default 64 MiB. Writes over it are reported lost then, by their keys' hashes.
         */
        public Back restorableBytes(long bytes) {
            restorableBytes.set(bytes);
            return this;
        }

        /** How old the oldest pending write of a shard may be; 100 ms to 7 days, default 1 hour. */
        public Back maximumLag(Duration age) {
            maximumLag.set(age);
            return this;
        }

        /** What happens at these bounds; default {@link Overflow#WRITE_THROUGH}. */
        public Back overflow(Overflow policy) {
            overflow = EngineRepository.present(policy, "back.overflow");
            return this;
        }

        /**
         * How much time lies between the beginnings of two rounds of the drain at least, so that writes of a key merge: a write that comes
         * while nothing is pending waits as long. 0 to 1 minute, default 50 ms.
         */
        public Back delay(Duration least) {
            delay.set(least);
            return this;
        }

        /** Rows of one drain transaction; 1 to 10,000, default 1,000. */
        public Back batch(int rows) {
            batch.set(rows);
            return this;
        }

        /** How long a shard belongs to an instance that has fallen silent; 500 ms to 5 minutes, default 15 s. */
        public Back lease(Duration life) {
            lease.set(life);
            return this;
        }

        /**
         * How long a row whose foreign key does not hold (SQLSTATE 23503) stays pending, because the missing parent, or the delete of the
         * child, may still be pending itself; then it goes to the dead letters. 0 to 1 hour, default 30 s.
         */
        public Back parentWait(Duration limit) {
            parentWait.set(limit);
            return this;
        }

        /**
         * What happens to a pending write whose row was changed around the cache; default {@link OnConflict#LAST_WRITER_WINS}. The same for
         * all instances, as any of them may drain the write.
         */
        public Back onConflict(OnConflict behaviour) {
            onConflict = EngineRepository.present(behaviour, "back.onConflict");
            return this;
        }

        /** This instance never drains; others must. */
        public Back neverDrains() {
            drains = false;
            return this;
        }
    }
}
