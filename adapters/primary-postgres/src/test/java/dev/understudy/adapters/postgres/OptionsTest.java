package dev.understudy.adapters.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.model.Invalid;
import dev.understudy.model.Versioning;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.ds.PGSimpleDataSource;

/** Options of tables and primaries: what is inferred, what is refused; no server. */
class OptionsTest {
    record Product(long id, String name, UUID tag) {}

    record Pair(Integer left, String right) {}

    record Nothing() {}

    private static PostgresTable<Long, Product> products() {
        return PostgresTable.of(Product.class, "shop.product").key(Product::id);
    }

    private static void assertInvalid(ThrowingCallable code, String word) {
        assertThatThrownBy(code).isInstanceOf(Invalid.class).hasMessageContaining(word);
    }

    @Test
    void key_byMethodReferenceOrLambda_tellsItsType() {
        assertThat(products().keyType()).isEqualTo(Long.class);
        assertThat(PostgresTable.of(Product.class, "p").key(Product::tag).keyType())
                .isEqualTo(UUID.class);
        assertThat(PostgresTable.of(Product.class, "p")
                        .key(product -> new Pair((int) product.id(), product.name()))
                        .keyType())
                .isEqualTo(Pair.class);
        assertThat(PostgresTable.of(Product.class, "p")
                        .key(product -> product.name())
                        .keyType())
                .isEqualTo(String.class);
        assertThat(products().keyOf(new Product(7, "a", new UUID(0, 0)))).isEqualTo(7);
    }

    @Test
    void key_ofATypeThatIsNone_isRefused() {
        assertInvalid(() -> PostgresTable.of(Product.class, "p").key(product -> 0.5), "Double");
        assertInvalid(() -> PostgresTable.of(Product.class, "p").key(Object.class, product -> product), "Object");
    }

    @Test
    void of_whatIsNoRecordOrNoTable_isRefused() {
        assertInvalid(() -> PostgresTable.of(String.class, "p"), "not a record");
        assertInvalid(() -> PostgresTable.of(Nothing.class, "p"), "not a record");
        for (String name : new String[] {"", "a.b.c", "a.", ".b", "\"a", "x".repeat(64), "nul\0"}) {
            assertInvalid(() -> PostgresTable.of(Product.class, name), "table");
        }
    }

    @Test
    void table_isANewOneForEachOption() {
        PostgresTable<Long, Product> table = products();
        assertThat(table.name()).isEqualTo("product");
        assertThat(table.versioning()).isEqualTo(Versioning.none());
        assertThat(table.migrationSql()).isEmpty();
        PostgresTable<Long, Product> versioned =
                table.versioning(Versioning.column("v")).name("goods").updateOnly();
        assertThat(versioned.name()).isEqualTo("goods");
        assertThat(versioned.migrationSql())
                .isEqualTo(
                        "ALTER TABLE \"shop\".\"product\" ADD COLUMN IF NOT EXISTS \"v\" bigint NOT NULL DEFAULT 1;\n");
        assertThat(table.name()).isEqualTo("product");
    }

    @Test
    void options_thatAreBadOrGivenTwice_areRefused() {
        assertInvalid(() -> products().column("nothing", "x"), "no component nothing");
        assertInvalid(() -> products().column("name", "x").column("name", "y"), "twice");
        assertInvalid(() -> products().column("name", ""), "column");
        assertInvalid(() -> products().name("Upper"), "Upper");
        assertInvalid(() -> products().versioning(Versioning.column("x".repeat(64))), "63 bytes");
        assertInvalid(
                () -> PostgresTable.of(Product.class, "Ärger").key(Product::id).name(), "name(...)");
        assertInvalid(() -> products().check(new Product(1, "a", new UUID(0, 0))), "not verified");
    }

    @Test
    void primary_optionsOutOfRangeOrGivenTwice_areRefused() {
        PGSimpleDataSource none = new PGSimpleDataSource();
        assertInvalid(() -> PostgresPrimary.on(none).connections(0), "connections 0");
        assertInvalid(() -> PostgresPrimary.on(none).connections(1).connections(1), "twice");
        assertInvalid(() -> PostgresPrimary.on(none).statementTimeout(Duration.ZERO), "PT0S");
        assertInvalid(() -> PostgresPrimary.on(none).tombstoneRetention(Duration.ofMinutes(9)), "PT10M");
        assertInvalid(() -> PostgresPrimary.on(none).ledgerPrefix("x".repeat(60)), "63 bytes");
        try (PostgresPrimary primary = PostgresPrimary.on(none)
                .ledgerSchema("cache")
                .ledgerPrefix("u_")
                .build()) {
            assertThat(primary.migrationSql())
                    .contains("\"cache\".\"u_shard\"", "\"cache\".\"u_tombstone\"", "\"cache\".\"u_dead_letter\"")
                    .contains("\"cache\".\"u_invalidation\"");
        }
    }

    @ParameterizedTest
    @CsvSource({"id,id", "orderLineId,order_line_id", "parentURL,parent_url", "URLPath,url_path", "line2,line2"})
    void column_ofAComponent_isItsSnakeCase(String component, String column) {
        assertThat(TableOptions.snakeCase(component)).isEqualTo(column);
        TableOptions options = new TableOptions(new TableName("", "t"), Map.of("id", "ID"), Versioning.none(), false);
        assertThat(options.column("id")).isEqualTo("ID");
    }
}
