package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.scenarios.adoption.HeldDataSource;
import dev.understudy.scenarios.adoption.Product;
import dev.understudy.scenarios.adoption.Warehouse;
import dev.understudy.servers.ChildJvm;
import dev.understudy.servers.RedisServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * An application with plain SQL through Jdbi and a cache-aside, on a table without version column, connected as a role without CREATE; and
 * the same behind Understudy. What goes stale before does not go stale after, or only within the stated bound.
 */
class AdoptionIT {
    /** The default life of a marker and the time to live that the application gives its near replica. */
    private static final Duration BOUND = Duration.ofSeconds(12);

    private static final int LINES = 30;

    @RegisterExtension
    final Instances instances = new Instances();

    private RedisServer redis;
    private String role;
    private HeldDataSource reading;
    private HeldDataSource writing;

    enum Kind {
        BEFORE,
        AFTER;

        Warehouse open(DataSource dataSource, String redisUri) {
            return this == BEFORE
                    ? new dev.understudy.scenarios.adoption.before.JdbiWarehouse(dataSource, redisUri)
                    : new dev.understudy.scenarios.adoption.after.JdbiWarehouse(dataSource, redisUri);
        }
    }

    @BeforeEach
    void createShop() {
        redis = instances.closing(RedisServer.builder().start());
        instances.redisUri(redis.uri());
        role = "clerk_" + instances.namespace();
        instances
                .sql()
                .run("CREATE TABLE product (id bigint PRIMARY KEY, name text NOT NULL, stock integer NOT NULL);"
                        + " INSERT INTO product VALUES (1, 'lamp', 10), (2, 'desk', 0);"
                        + " CREATE ROLE " + role + " LOGIN PASSWORD 'clerk';"
                        + " REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
                        + " GRANT SELECT, INSERT, UPDATE, DELETE ON product TO " + role);
        instances.atEnd(() -> instances.sql().run("DROP OWNED BY " + role + "; DROP ROLE " + role));
        reading = new HeldDataSource(pool());
        writing = new HeldDataSource(pool());
    }

    private String url() {
        String anybody = instances.jdbcUrl().replaceAll("[?&](user|password)=[^&]*", "");
        return anybody + (anybody.contains("?") ? "&" : "?") + "user=" + role + "&password=clerk";
    }

    private HikariDataSource pool() {
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl(url());
        pool.setMaximumPoolSize(4);
        pool.setMinimumIdle(1);
        return instances.closing(pool);
    }

    private Warehouse open(Kind kind, HeldDataSource on) {
        return instances.closing(kind.open(on.dataSource(), redis.uri()));
    }

    @Test
    void role_ofTheApplication_mayNotCreate() {
        assertThatThrownBy(() -> new Sql(url()).run("CREATE TABLE more (id bigint)"))
                .hasMessageContaining("permission denied");
        assertThat(new Sql(url()).number("SELECT count(*) FROM product")).isEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void reader_heldAfterItsSelect_installsTheOldRowOnlyBefore(Kind kind) {
        Warehouse reader = open(kind, reading);
        Warehouse writer = open(kind, writing);
        Gate gate = new Gate();
        reading.afterNext(gate::pass);
        Background<Optional<Product>> late = Background.begin(() -> reader.find(1));
        gate.awaitArrival();
        writer.save(new Product(1, "lamp", 9));
        gate.open();
        late.end();
        int expected = kind == Kind.BEFORE ? 10 : 9;
        assertThat(writer.find(1).orElseThrow().stock()).isEqualTo(expected);
        // The reader's near replica hears of the write a moment after it: within the bound, and for good.
        await().atMost(BOUND).until(() -> reader.find(1).orElseThrow().stock() == expected);
        assertThat(reader.find(1).orElseThrow().stock()).isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void transaction_thatIsRolledBack_leavesItsValuesOnlyBefore(Kind kind) {
        Warehouse writer = open(kind, writing);
        Warehouse reader = open(kind, reading);
        assertThat(reader.find(2).orElseThrow().stock()).isZero();
        assertThatThrownBy(() -> writer.move(1, 2, 100)).isInstanceOf(IllegalArgumentException.class);
        int expected = kind == Kind.BEFORE ? 100 : 0;
        assertThat(reader.find(2).orElseThrow().stock()).isEqualTo(expected);
        assertThat(writer.find(2).orElseThrow().stock()).isEqualTo(expected);
        assertThat(writer.soldOut()).containsExactly(new Product(2, "desk", 0));
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void process_killedAfterItsCommit_leavesTheOldRowForLongOnlyBefore(Kind kind) {
        Warehouse reader = open(kind, reading);
        try (ChildJvm writer = instances.child(KilledWarehouse.class, kind.name(), url())) {
            writer.await(KilledWarehouse.HELD, Duration.ofSeconds(60));
            assertThat(reader.find(1).orElseThrow().stock())
                    .as("not acknowledged yet")
                    .isEqualTo(10);
            writer.kill();
        }
        assertThat(instances.sql().number("SELECT stock FROM product WHERE id = 1"))
                .isEqualTo(77);
        if (kind == Kind.BEFORE) {
            await().during(Duration.ofSeconds(2))
                    .atMost(Duration.ofSeconds(5))
                    .until(() -> reader.find(1).orElseThrow().stock() == 10);
        } else {
            await().atMost(BOUND)
                    .untilAsserted(() ->
                            assertThat(reader.find(1).orElseThrow().stock()).isEqualTo(77));
        }
    }

    @Test
    void application_behindUnderstudy_worksAsBefore() {
        for (Kind kind : Kind.values()) {
            Warehouse one = open(kind, writing);
            Warehouse other = open(kind, reading);
            one.save(new Product(3, "a | b", 5));
            one.move(3, 2, 2);
            await().atMost(Duration.ofSeconds(5)).untilAsserted(() -> {
                assertThat(other.find(3)).contains(new Product(3, "a | b", 3));
                assertThat(other.find(2)).contains(new Product(2, "desk", 2));
            });
            one.move(2, 3, 2);
            one.remove(3);
            assertThat(one.find(3)).isEmpty();
            await().atMost(Duration.ofSeconds(5))
                    .untilAsserted(() -> assertThat(other.find(3)).isEmpty());
            assertThat(one.soldOut()).hasSize(1);
        }
    }

    @Test
    void change_ofTheApplication_isThirtyLinesAtMost() throws IOException {
        List<String> before = source("before");
        List<String> after = source("after").stream()
                .map(line -> line.replace("adoption.after", "adoption.before"))
                .toList();
        int common = commonLines(before, after);
        assertThat(after.size() - common).as("lines added or changed").isBetween(1, LINES);
        assertThat(before.size() - common).as("lines removed or changed").isBetween(1, LINES);
    }

    private static List<String> source(String version) throws IOException {
        Path inModule = Path.of("src/test/java/dev/understudy/scenarios/adoption", version, "JdbiWarehouse.java");
        Path inProject = Path.of("integration-tests/scenarios").resolve(inModule);
        return Files.readAllLines(Files.exists(inModule) ? inModule : inProject);
    }

    /** The length of the longest common subsequence, as diff finds it. */
    private static int commonLines(List<String> one, List<String> other) {
        int[][] length = new int[one.size() + 1][other.size() + 1];
        for (int i = one.size() - 1; i >= 0; i--) {
            for (int j = other.size() - 1; j >= 0; j--) {
                length[i][j] = one.get(i).equals(other.get(j))
                        ? 1 + length[i + 1][j + 1]
                        : Math.max(length[i + 1][j], length[i][j + 1]);
            }
        }
        return length[0][0];
    }
}
