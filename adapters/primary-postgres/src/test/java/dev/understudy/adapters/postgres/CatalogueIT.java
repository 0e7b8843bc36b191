package dev.understudy.adapters.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.model.Invalid;
import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.Change.Guard;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.Row;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The catalogue decides what a table allows; each refusal names the thing, and the statement where one helps. */
class CatalogueIT {
    private static Database database;
    private static int tables;

    record Product(long id, String name, Integer price) {}

    record Line(long orderId, int position, String note) {}

    record LineId(long orderId, int position) {}

    @BeforeAll
    static void createDatabase() {
        database = new Database("catalogue");
    }

    @AfterAll
    static void close() {
        database.close();
    }

    private static String table(String columns) {
        String name = "c" + ++tables;
        database.execute("CREATE TABLE " + name + " (" + columns + ")");
        return name;
    }

    private static PostgresTable<Long, Product> product(String table) {
        return PostgresTable.of(Product.class, table).key(Product::id);
    }

    private static void assertRefused(PostgresTable<?, ?> table, String... words) {
        assertThatThrownBy(() -> database.verified(table))
                .isInstanceOf(Invalid.class)
                .satisfies(e -> assertThat(e.getMessage()).contains(words));
    }

    private static <K, V> Applied<V> apply(PostgresTable<K, V> table, V value, Guard guard) {
        K key = table.keyOf(value);
        Change<K, V> change = new Change<>(key, Optional.of(value), new Version(1_700_000_000_000_000L), guard);
        return database.commit(connection -> table.apply(connection, List.of(change)))
                .get(key);
    }

    private static <K, V> Optional<V> load(PostgresTable<K, V> table, K key) {
        Map<K, Row<V>> rows = database.load(connection -> table.load(connection, List.of(key)));
        return Optional.ofNullable(rows.get(key)).map(Row::value);
    }

    @Test
    void verify_ofATableThatIsMissing_namesIt() {
        assertRefused(product("no_such"), "table no_such does not exist");
        assertRefused(product("nowhere.no_such"), "table nowhere.no_such does not exist");
    }

    @Test
    void verify_ofAColumnThatIsMissing_namesItAndItsComponent() {
        assertRefused(product(table("id bigint PRIMARY KEY, name text")), "no column price", "component price");
    }

    @ParameterizedTest
    @CsvSource({"text", "bigint", "numeric", "interval", "integer[]"})
    void verify_ofATypeThatDoesNotMatch_namesBoth(String type) {
        assertRefused(
                product(table("id bigint PRIMARY KEY, name text, price " + type)),
                "component price of type java.lang.Integer",
                "column price of type " + type);
    }

    @Test
    void verify_ofAPrimitiveForANullableColumn_namesBoth() {
        record Strict(long id, int price) {}
        assertRefused(
                PostgresTable.of(Strict.class, table("id bigint PRIMARY KEY, price int"))
                        .key(Strict::id),
                "column price",
                "may be NULL",
                "component price of type int");
    }

    @Test
    void verify_ofANullableUnmappedOrDefaultedColumn_passes() {
        PostgresTable<Long, Product> table = database.verified(
                product(table("id bigint PRIMARY KEY, name text, price int, a int, b int NOT NULL DEFAULT 7,"
                        + " c int GENERATED ALWAYS AS IDENTITY, d int GENERATED ALWAYS AS (7) STORED NOT NULL")));
        apply(table, new Product(1, "a", 1), Guard.NONE);
        assertThat(load(table, 1L)).contains(new Product(1, "a", 1));
    }

    @Test
    void verify_ofRequiredColumnsWithoutComponent_namesThem() {
        String table = table("id bigint PRIMARY KEY, name text, price int, tax int NOT NULL, owner text NOT NULL");
        assertRefused(product(table), "[tax, owner]", "updateOnly()");
        database.execute("INSERT INTO " + table + " VALUES (1, 'a', 1, 19, 'me')");
        PostgresTable<Long, Product> updates =
                database.verified(product(table).updateOnly().versioning(Versioning.none()));
        assertThat(apply(updates, new Product(1, "b", 2), Guard.NONE)).isInstanceOf(Applied.Stored.class);
        assertThat(apply(updates, new Product(2, "b", 2), Guard.EXISTS))
                .isEqualTo(new Applied.Refused<>(Version.ABSENT));
        assertThat(database.query("SELECT concat(name, price, tax, owner) FROM " + table))
                .containsExactly("b219me");
        for (Guard guard : List.of(Guard.NONE, Guard.MISSING)) {
            assertThatThrownBy(() -> apply(updates, new Product(2, "b", 2), guard))
                    .isInstanceOf(Invalid.class)
                    .hasMessageContaining("tax, owner");
        }
    }

    @Test
    void apply_ofADrainedWriteToAnUpdateOnlyTable_neverResurrects() {
        String table = table("id bigint PRIMARY KEY, name text, price int, tax int NOT NULL");
        database.execute("INSERT INTO " + table + " VALUES (1, 'a', 1, 19)");
        PostgresTable<Long, Product> updates = product(table).updateOnly().versioning(Versioning.column("us_version"));
        updates.install(database.dataSource());
        database.verified(updates);
        assertThat(apply(updates, new Product(1, "b", 2), Guard.OLDER)).isInstanceOf(Applied.Stored.class);
        assertThat(apply(updates, new Product(2, "b", 2), Guard.OLDER))
                .isEqualTo(new Applied.Refused<>(Version.ABSENT));
    }

    @Test
    void verify_ofAMissingVersionColumn_givesTheStatement() {
        PostgresTable<Long, Product> table = product(table("id bigint PRIMARY KEY, name text, price int"))
                .versioning(Versioning.column("us_version"));
        String name = "c" + tables;
        String statement = "ALTER TABLE \"public\".\"" + name
                + "\" ADD COLUMN IF NOT EXISTS \"us_version\" bigint NOT NULL DEFAULT 1;";
        assertRefused(table, "table " + name + " has no version column us_version", statement);
        database.execute(statement);
        database.verified(table);
    }

    @ParameterizedTest
    @CsvSource({
        "integer NOT NULL DEFAULT 1, not bigint",
        "bigint DEFAULT 1, SET NOT NULL",
        "bigint NOT NULL, SET DEFAULT 1",
        "bigint NOT NULL DEFAULT 0, SET DEFAULT 1",
    })
    void verify_ofAnUnfitVersionColumn_saysWhy(String type, String word) {
        String name = table("id bigint PRIMARY KEY, name text, price int, us_version " + type);
        assertRefused(product(name).versioning(Versioning.column("us_version")), name, "us_version", word);
    }

    @Test
    void verify_ofAMissingForeignOrDisabledTrigger_givesTheStatement() {
        String name = table("id bigint PRIMARY KEY, name text, price int");
        PostgresTable<Long, Product> table = product(name).versioning(Versioning.columnAndTrigger("us_version"));
        assertRefused(table, "CREATE OR REPLACE TRIGGER", "ADD COLUMN");
        database.execute("ALTER TABLE " + name + " ADD us_version bigint NOT NULL DEFAULT 1");
        assertRefused(table, "CREATE OR REPLACE TRIGGER", "FUNCTION");
        table.install(database.dataSource());
        database.verified(table);
        table.install(database.dataSource());
        database.verified(table);
        database.execute("ALTER TABLE " + name + " DISABLE TRIGGER zz_us_stamp");
        assertRefused(table, "no enabled trigger");
        database.execute(
                "CREATE FUNCTION other_" + name + "() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
                        + "CREATE OR REPLACE TRIGGER zz_us_stamp BEFORE INSERT OR UPDATE ON " + name
                        + " FOR EACH ROW EXECUTE FUNCTION other_" + name + "(); ALTER TABLE " + name
                        + " ENABLE TRIGGER zz_us_stamp");
        assertRefused(table, "no enabled trigger");
    }

    @Test
    void verify_ofWhatIsNoTableOfItsOwn_isRefused() {
        String name = table("id bigint PRIMARY KEY, name text, price int");
        database.execute(
                "CREATE VIEW v1 AS SELECT * FROM " + name + ";CREATE MATERIALIZED VIEW m1 AS SELECT * FROM " + name);
        assertRefused(product("v1"), "v1 is a view");
        assertRefused(product("m1"), "m1 is a materialized view");
        database.execute("ALTER TABLE " + name + " ENABLE ROW LEVEL SECURITY");
        assertRefused(product(name), name, "row level security");
    }

    @Test
    void verify_ofAKeyWithoutAUniqueIndex_isRefused() {
        assertRefused(product(table("id bigint NOT NULL, name text, price int")), "[id]", "unique index");
        String partial = table("id bigint NOT NULL, name text, price int");
        database.execute("CREATE UNIQUE INDEX ON " + partial + " (id) WHERE price > 0");
        assertRefused(product(partial), "[id]");
        assertRefused(
                product(table("id bigint PRIMARY KEY DEFERRABLE, name text, price int")), "[id]", "not deferrable");
        PostgresTable<Long, Product> unique =
                database.verified(product(table("id bigint UNIQUE NOT NULL, name text, price int")));
        apply(unique, new Product(1, "a", 1), Guard.NONE);
        assertThat(load(unique, 1L)).isPresent();
        record Boxed(Long id, String name) {}
        assertRefused(
                PostgresTable.of(Boxed.class, table("id bigint UNIQUE, name text"))
                        .key(Boxed::id),
                "key column id",
                "NULL");
    }

    @Test
    void verify_ofAKeyWhoseTextsDiffer_isRefused() {
        record Named(String id, Integer price) {}
        assertRefused(
                PostgresTable.of(Named.class, table("id char(5) PRIMARY KEY, price int"))
                        .key(Named::id),
                "key column id");
        database.execute(
                "CREATE COLLATION ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
        assertRefused(
                PostgresTable.of(Named.class, table("id text COLLATE ignoring_case PRIMARY KEY, price int"))
                        .key(Named::id),
                "key column id");
    }

    @Test
    void key_ofTwoColumns_isFoundByItsComponents() {
        String name = table("order_id bigint, position int, note text, PRIMARY KEY (position, order_id)");
        PostgresTable<LineId, Line> lines = database.verified(
                PostgresTable.of(Line.class, name).key(line -> new LineId(line.orderId(), line.position())));
        assertThat(lines.keyType()).isEqualTo(LineId.class);
        Line line = new Line(7, 3, "seven");
        apply(lines, line, Guard.NONE);
        apply(lines, new Line(7, 4, "eight"), Guard.NONE);
        Map<LineId, Row<Line>> rows = database.load(
                connection -> lines.load(connection, List.of(new LineId(7, 3), new LineId(7, 4), new LineId(3, 7))));
        assertThat(rows).containsOnlyKeys(new LineId(7, 3), new LineId(7, 4));
        assertThat(load(lines, new LineId(7, 3))).contains(line);
        PostgresTable<LineId, Line> given = database.verified(PostgresTable.of(Line.class, name)
                .key(LineId.class, each -> new LineId(each.orderId(), each.position())));
        Change<LineId, Line> delete =
                new Change<>(new LineId(7, 3), Optional.empty(), Version.UNVERSIONED, Guard.EXISTS);
        Map<LineId, Applied<Line>> deleted = database.commit(connection -> given.apply(connection, List.of(delete)));
        assertThat(deleted).containsValue(new Applied.Deleted<>(true));
        assertThat(load(given, new LineId(7, 3))).isEmpty();
    }

    @Test
    void key_ofAGivenType_isThePrimaryKey() {
        record Tagged(UUID tag, String name) {}
        PostgresTable<UUID, Tagged> table =
                database.verified(PostgresTable.of(Tagged.class, table("tag uuid PRIMARY KEY, name text"))
                        .key(UUID.class, tagged -> tagged.tag()));
        Tagged tagged = new Tagged(new UUID(1, 2), "a");
        apply(table, tagged, Guard.NONE);
        assertThat(load(table, tagged.tag())).contains(tagged);
    }

    @Test
    void identity_thatIsTheKey_isWrittenAsGiven() {
        PostgresTable<Long, Product> table = database.verified(
                product(table("id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, price int")));
        for (Guard guard : List.of(Guard.MISSING, Guard.NONE, Guard.EXISTS)) {
            assertThat(apply(table, new Product(42, "a", 1), guard)).isInstanceOf(Applied.Stored.class);
        }
        assertThat(load(table, 42L)).isPresent();
    }

    @Test
    void identity_thatIsNoKey_isReadAndNeverWritten() {
        record Numbered(long id, Integer serial) {}
        PostgresTable<Long, Numbered> table = database.verified(PostgresTable.of(
                        Numbered.class,
                        table("id bigint PRIMARY KEY, serial int GENERATED ALWAYS AS IDENTITY (START 100)"))
                .key(Numbered::id));
        table.check(new Numbered(1, null));
        apply(table, new Numbered(1, null), Guard.NONE);
        apply(table, new Numbered(1, 7), Guard.NONE);
        assertThat(load(table, 1L)).contains(new Numbered(1, 100));
    }

    @Test
    void partitionedTable_isAllowed() {
        String name = "parted";
        database.execute("CREATE TABLE parted (id bigint PRIMARY KEY, name text, price int) PARTITION BY RANGE (id);"
                + "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);"
                + "CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20)");
        PostgresTable<Long, Product> table = product(name).versioning(Versioning.columnAndTrigger("us_version"));
        table.install(database.dataSource());
        database.verified(table);
        for (Guard guard : List.of(Guard.OLDER, Guard.NONE, Guard.EXISTS, Guard.NONE)) {
            assertThat(apply(table, new Product(15, "a", 1), guard)).isInstanceOf(Applied.Stored.class);
        }
        assertThat(load(table, 15L)).isPresent();
    }

    @Test
    void names_thatAreOdd_areQuotedEverywhere() {
        record Odd(long id, String select, String quoted, String dotted) {}
        database.execute("""
                CREATE SCHEMA "Shop ""1"".x";
                CREATE TABLE "Shop ""1"".x"."Order; drop--" ("ID" bigint PRIMARY KEY, "select" text, "a""b" text, "ä.ö ?" text)
                """);
        PostgresTable<Long, Odd> table = PostgresTable.of(Odd.class, "\"Shop \"\"1\"\".x\".Order; drop--")
                .key(Odd::id)
                .column("id", "ID")
                .column("quoted", "a\"b")
                .column("dotted", "ä.ö ?")
                .name("odd")
                .versioning(Versioning.columnAndTrigger("Ver'sion $us$"));
        assertThat(table.name()).isEqualTo("odd");
        table.install(database.dataSource());
        database.verified(table);
        Odd odd = new Odd(1, "a", "b", "c");
        for (Guard guard : List.of(
                Guard.NONE,
                Guard.EXISTS,
                Guard.OLDER,
                new Guard.AtMost(Version.UNKNOWN),
                new Guard.Exactly(Version.UNKNOWN))) {
            apply(table, odd, guard);
        }
        assertThat(load(table, 1L)).contains(odd);
    }

    @Test
    void table_ofTheSchemaThatIsNamed_isUsed() {
        database.execute("CREATE SCHEMA other; CREATE TABLE other.twice (id bigint PRIMARY KEY, name text, price int);"
                + "CREATE TABLE twice (id bigint PRIMARY KEY, name text, price int)");
        PostgresTable<Long, Product> table = database.verified(product("other.twice"));
        apply(table, new Product(1, "a", 1), Guard.NONE);
        assertThat(database.query("SELECT id FROM other.twice")).hasSize(1);
        assertThat(database.query("SELECT id FROM twice")).isEmpty();
    }

    @Test
    void apply_ofARowThatATriggerSuppresses_isTheDatasFault() {
        String name = table("id bigint PRIMARY KEY, name text, price int");
        database.execute("CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
                + "CREATE TRIGGER nothing BEFORE INSERT OR UPDATE ON " + name
                + " FOR EACH ROW EXECUTE FUNCTION nothing()");
        PostgresTable<Long, Product> table = database.verified(product(name));
        assertThatThrownBy(() -> apply(table, new Product(1, "a", 1), Guard.NONE))
                .isInstanceOfSatisfying(
                        PrimaryFailure.class, e -> assertThat(e.kind()).isEqualTo(PrimaryFailure.Kind.DATA));
    }

    @Test
    void open_withoutTables_givesTheStatements() throws Exception {
        try (PostgresPrimary other =
                PostgresPrimary.on(database.dataSource()).ledgerPrefix("mine_").build()) {
            assertThatThrownBy(() -> other.call(Primary.Use.COMMIT, Database.TIMEOUT, connection -> {
                        other.ledger().open(connection, "product", 8);
                        return "";
                    }))
                    .isInstanceOf(Invalid.class)
                    .hasMessageContaining("\"mine_shard\"")
                    .hasMessageContaining("CREATE TABLE IF NOT EXISTS \"mine_tombstone\"")
                    .hasMessageContaining("CREATE TABLE IF NOT EXISTS \"mine_dead_letter\"");
            other.install();
            other.install();
            other.call(Primary.Use.COMMIT, Database.TIMEOUT, connection -> {
                other.ledger().open(connection, "product", 8);
                return "";
            });
        }
        assertThat(database.query("SELECT count(*) FROM mine_shard")).containsExactly("8");
    }
}
