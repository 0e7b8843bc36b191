package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.understudy.CachedRepository;
import dev.understudy.Understudy;
import dev.understudy.adapters.jackson.JacksonCodec;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.adapters.redis.Redis;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Unavailable;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisServer;
import dev.understudy.spi.Codec;
import dev.understudy.spi.Primary;
import dev.understudy.spi.SharedReplica;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

/** Each wrong input gets an error that names the thing, and loses nothing. */
class BadInputIT {
    private static final Versioning COLUMN = Versioning.column("us_version");

    @RegisterExtension
    final Instances instances = new Instances();

    private interface Call {
        void run();
    }

    private static void assertInvalid(Call call, String... named) {
        Invalid invalid = catchThrowableOfType(Invalid.class, call::run);
        assertThat(invalid).isNotNull();
        assertThat(invalid).hasMessageContainingAll(named);
        assertThat(invalid.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        assertThat(invalid.isRetryable()).isFalse();
    }

    private CachedRepository<Long, Item> items() {
        instances.createItems(COLUMN);
        return instances.items(instances.open(), COLUMN, settings -> settings.maximumValueBytes(1_000));
    }

    @Test
    void nullArguments_areRefusedByName() {
        CachedRepository<Long, Item> items = items();
        items.save(Item.of(1, 1));
        assertInvalid(() -> items.find(null), "key is null");
        assertInvalid(() -> items.findAll(null), "keys is null");
        assertInvalid(() -> items.findAll(Arrays.asList(1L, null)), "key is null");
        assertInvalid(() -> items.read(null, Read.strong()), "key is null");
        assertInvalid(() -> items.read(1L, null), "options is null");
        for (Write mode : List.of(Write.through(), Write.back())) {
            assertInvalid(() -> items.save(null, mode), "value is null");
            assertInvalid(() -> items.insert(null, mode), "value is null");
            assertInvalid(() -> items.saveAll(Arrays.asList(Item.of(1, 9), null), mode), "value is null");
            assertInvalid(() -> items.update(1L, null, mode), "change is null");
            assertInvalid(() -> items.update(1L, item -> null, mode), "value is null");
            assertInvalid(() -> items.delete(null, mode), "key is null");
        }
        assertInvalid(() -> items.save(Item.of(1, 9), null), "options is null");
        assertThat(items.find(1L)).contains(Item.of(1, 1));
        assertThat(items.writeBackStatus().acked()).isZero();
    }

    @Test
    void oversizedValue_isRefusedWithTheLimit() {
        CachedRepository<Long, Item> items = items();
        items.save(Item.of(1, 1));
        Item large = new Item(1, "x".repeat(2_000), 9);
        for (Write mode : List.of(Write.through(), Write.back())) {
            assertInvalid(() -> items.save(large, mode), "maximumValueBytes = 1000");
            assertInvalid(() -> items.update(1L, item -> large, mode), "maximumValueBytes = 1000");
        }
        assertThat(items.read(1L, Read.strong()).value()).contains(Item.of(1, 1));
    }

    private record Label(String id, String text) {}

    @Test
    void oversizedKey_isRefusedWithTheLimit() {
        instances.sql().run("CREATE TABLE label (id text PRIMARY KEY, text text NOT NULL)");
        CachedRepository<String, Label> labels = instances.repository(
                instances.open(), PostgresTable.of(Label.class, "label").key(Label::id), settings -> {});
        String key = "k".repeat(513);
        assertInvalid(() -> labels.find(key), "512");
        assertInvalid(() -> labels.save(new Label(key, "text")), "512");
        assertInvalid(() -> labels.delete(key), "512");
        assertInvalid(() -> labels.invalidate(List.of(key)), "512");
        assertThat(instances.sql().rows("SELECT id FROM label")).isEmpty();
        labels.save(new Label("k".repeat(512), "text"));
        assertThat(labels.find("k".repeat(512))).isPresent();
    }

    @Test
    void writeBack_thatIsNotAllowed_isRefused() {
        instances.createItems(Versioning.none());
        CachedRepository<Long, Item> items = instances.items(instances.open(), Versioning.none());
        assertInvalid(() -> items.save(Item.of(1, 1), Write.back()), "item", "allowWriteBack");
        assertInvalid(() -> items.delete(1L, Write.back()), "item", "allowWriteBack");
        assertThat(instances.sql().rows("SELECT id FROM item")).isEmpty();
    }

    @Test
    void writeBack_withoutAVersionColumn_isRefusedAtBuild() {
        instances.createItems(Versioning.none());
        Instance instance = instances.open();
        assertInvalid(
                () -> instance.repository(
                        Item.table(Versioning.none()), settings -> settings.allowWriteBack(back -> {})),
                "item",
                "Versioning.column");
    }

    @Test
    void tablesThatDoNotMatch_areRefusedAtBuildWithTheStatementThatHelps() {
        Instance instance = instances.open();
        assertInvalid(() -> instance.repository(Item.table(Versioning.none()), settings -> {}), "item");
        instances.sql().run("CREATE TABLE item (id bigint PRIMARY KEY, name text NOT NULL)");
        assertInvalid(() -> instance.repository(Item.table(Versioning.none()), settings -> {}), "amount");
        instances.sql().run("ALTER TABLE item ADD COLUMN amount text NOT NULL DEFAULT ''");
        assertInvalid(() -> instance.repository(Item.table(Versioning.none()), settings -> {}), "amount");
        instances.sql().run("ALTER TABLE item DROP COLUMN amount, ADD COLUMN amount bigint NOT NULL");
        assertInvalid(
                () -> instance.repository(Item.table(COLUMN), settings -> {}), "us_version", "ALTER TABLE", "item");
        instances.sql().run(Item.table(COLUMN).migrationSql());
        assertInvalid(
                () -> instance.repository(Item.table(COLUMN), settings -> settings.allowWriteBack(back -> {})),
                "us_shard",
                "CREATE TABLE");
        assertInvalid(
                () -> instance.repository(Item.table(Versioning.columnAndTrigger("us_version")), settings -> {}),
                "trigger",
                "CREATE");
        instances.sql().run("ALTER TABLE item ADD COLUMN owner text NOT NULL");
        assertInvalid(() -> instance.repository(Item.table(Versioning.none()), settings -> {}), "owner");
        instances.sql().run("ALTER TABLE item DROP COLUMN owner; ALTER TABLE item ENABLE ROW LEVEL SECURITY");
        assertInvalid(() -> instance.repository(Item.table(Versioning.none()), settings -> {}), "row level security");
    }

    @Test
    void shardCount_thatDiffersFromTheStoredOne_isRefused() {
        CachedRepository<Long, Item> items = items();
        items.save(Item.of(1, 1), Write.back());
        Instance other = instances.open();
        assertInvalid(
                () -> other.repository(
                        Item.table(COLUMN),
                        settings -> settings.shared(shared -> shared.shards(16)).allowWriteBack(back -> {})),
                "8",
                "16");
        assertInvalid(
                () -> other.repository(Item.table(COLUMN), settings -> settings.shared(shared -> shared.shards(4))),
                "8",
                "4");
    }

    @Test
    void repository_ofANameThatIsTaken_isRefused() {
        instances.createItems(Versioning.none());
        Instance instance = instances.open();
        instances.items(instance, Versioning.none());
        assertInvalid(() -> instance.repository(Item.table(Versioning.none()), settings -> {}), "item");
    }

    private void build(Supplier<SharedReplica> shared, Supplier<Primary> primary) {
        Understudy.builder()
                .namespace(instances.namespace())
                .shared(shared)
                .primary(primary)
                .build()
                .close();
    }

    private static Supplier<Primary> postgres(String url) {
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(url);
        return PostgresPrimary.on(dataSource)::build;
    }

    @Test
    void servers_thatCannotBeReachedAtStart_areNamed() {
        Redis redis = Redis.at(instances.redisUri()).connectTimeout(Duration.ofSeconds(30));
        UnderstudyException noPrimary = catchThrowableOfType(
                UnderstudyException.class,
                () -> build(redis, postgres(instances.jdbcUrl().replaceFirst(":\\d+/", ":1/"))));
        assertThat(noPrimary).hasMessageContaining("primary");
        assertThat(noPrimary.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        UnderstudyException noReplica = catchThrowableOfType(
                UnderstudyException.class, () -> build(Redis.at("redis://127.0.0.1:1"), postgres(instances.jdbcUrl())));
        assertThat(noReplica).isInstanceOf(Unavailable.class).hasMessageContaining("127.0.0.1:1");
        assertInvalid(() -> Redis.at("http://:secret@host"), "Redis URI");
    }

    @Test
    void standby_asPrimary_isRefused() throws IOException {
        try (PostgresServer standby = PostgresServer.builder().start()) {
            standby.stop();
            Files.createFile(standby.dataFolder().resolve("standby.signal"));
            standby.start();
            assertInvalid(
                    () -> build(Redis.at(instances.redisUri()), postgres(standby.jdbcUrl())),
                    "cannot be the primary",
                    "standby");
        }
        instances
                .sql()
                .run("DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || quote_ident(current_database())"
                        + " || ' SET default_transaction_read_only = on'; END $$");
        assertInvalid(
                () -> build(Redis.at(instances.redisUri()), postgres(instances.jdbcUrl())),
                "cannot be the primary",
                "read only");
    }

    @Test
    void redisThatEvicts_withWriteBackAllowed_isRefused() {
        try (RedisServer evicting = RedisServer.builder()
                .arguments("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
                .start()) {
            instances.createItems(COLUMN);
            instances.redisUri(evicting.uri());
            Instance instance = instances.open();
            assertInvalid(
                    () -> instance.repository(Item.table(COLUMN), settings -> settings.allowWriteBack(back -> {})),
                    "maxmemory-policy",
                    "allkeys-lru");
            CachedRepository<Long, Item> through = instance.repository(Item.table(COLUMN), settings -> {});
            through.save(Item.of(1, 1));
            assertThat(through.find(1L)).contains(Item.of(1, 1));
            instances.close(instance, Duration.ofSeconds(1));
        }
    }

    @Test
    void codecThatThrows_isNamedAndNothingIsWritten() {
        instances.createItems(COLUMN);
        Codec inner = new JacksonCodec();
        CachedRepository<Long, Item> items = instances.items(
                instances.open(instances.jdbcUrl(), builder -> builder.codec(new Picky(inner))), COLUMN);
        items.save(Item.of(1, 1));
        for (Write mode : List.of(Write.through(), Write.back())) {
            assertInvalid(() -> items.save(Item.of(1, Picky.REFUSED), mode), "codec");
            assertInvalid(() -> items.update(1L, item -> Item.of(1, Picky.REFUSED), mode), "codec");
        }
        assertThat(items.find(1L)).contains(Item.of(1, 1));
        assertThat(instances.sql().rows("SELECT amount FROM item")).containsExactly("1");
        assertThat(items.writeBackStatus().acked()).isZero();
    }

    /** Refuses one amount when it encodes. */
    private record Picky(Codec codec) implements Codec {
        static final long REFUSED = 13;

        @Override
        public <V> ValueCodec<V> of(Class<V> type) {
            ValueCodec<V> inner = codec.of(type);
            return new ValueCodec<>() {
                @Override
                public byte[] encode(V value) throws Exception {
                    if (value instanceof Item item && item.amount() == REFUSED) {
                        throw new IOException("refused: " + item);
                    }
                    return inner.encode(value);
                }

                @Override
                public V decode(byte[] bytes, int offset, int length) throws Exception {
                    return inner.decode(bytes, offset, length);
                }
            };
        }
    }

    @Test
    void rowThatThePrimaryRefuses_isAnErrorOrADeadLetterAndHarmsNoNeighbour() {
        CachedRepository<Long, Item> items = items();
        instances.sql().run("ALTER TABLE item ADD CONSTRAINT positive CHECK (amount >= 0)");
        assertInvalid(() -> items.save(Item.of(1, -1)), "23514", "positive");
        items.saveAll(List.of(Item.of(1, 1), Item.of(2, -2), Item.of(3, 3)), Write.back());
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().rows("SELECT id FROM item ORDER BY id")).containsExactly("1", "3");
        assertThat(items.writeBackStatus().dead()).isEqualTo(1);
        assertThat(items.read(2L, Read.strong()).value()).isEmpty();
        assertThat(instances.sql().rows("SELECT key, sqlstate FROM us_dead_letter"))
                .containsExactly("2|23514");
    }
}
