package dev.understudy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.servers.ChildJvm;
import dev.understudy.servers.Servers;
import io.lettuce.core.RedisClient;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Small runs of the demo on real servers. */
class DemoIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();

    @ParameterizedTest
    @CsvSource({
        "race, Race: a late fill",
        "kill, Kill: a process with pending writes",
        "bench, Bench: the same mix three ways"
    })
    void run_onePartOnEmbeddedServers_allChecksHold(String part, String title) {
        int code = run("--only", part, "--seconds", "1", "--rows", "500", "--threads", "2");

        assertThat(text(output)).contains(title, "Closing comparison", " 0 differ.", "All checks held.");
        assertThat(text(errors)).isEmpty();
        assertThat(code).isZero();
        assertThat(text(output).lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(100));
    }

    @Test
    void run_onGivenServers_leavesNothingThere() throws SQLException {
        String url = Servers.shared().postgres().jdbcUrl();
        String redis = Servers.shared().redis().uri();

        int code = run("--only", "race", "--seconds", "1", "--rows", "500", "--url", url, "--redis", redis);

        assertThat(text(errors)).isEmpty();
        assertThat(code).isZero();
        assertThat(schemas(url)).isEmpty();
        assertThat(keys(redis)).isEmpty();
    }

    @Test
    void run_interruptedOnGivenServers_leavesNothingThere() throws SQLException {
        String url = Servers.shared().postgres().jdbcUrl();
        String redis = Servers.shared().redis().uri();
        try (ChildJvm child = ChildJvm.builder(Demo.class)
                .arguments("--only", "race", "--seconds", "60", "--rows", "500", "--url", url, "--redis", redis)
                .start()) {
            child.await("1. Race", LIMIT);
            assertThat(schemas(url)).hasSize(1);

            child.destroy();
        }

        assertThat(schemas(url)).isEmpty();
        assertThat(keys(redis)).isEmpty();
    }

    @Test
    void run_unreachableDatabase_saysSoAndAnswers1() {
        int code = run("--url", "jdbc:postgresql://127.0.0.1:1/none?user=none");

        assertThat(code).isEqualTo(1);
        assertThat(text(errors))
                .startsWith("The demo failed: ")
                .contains("refused")
                .doesNotContain("\tat ");
    }

    @Test
    void comparison_rowChangedBehindTheCaches_isCountedAndFails() {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        Report report = new Report(new PrintStream(printed, true, StandardCharsets.UTF_8));
        Settings settings = new Settings(
                Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), 1, 1, 500, 1);
        try (Shop shop = new Shop(settings)) {
            Address address = shop.start(report);
            shop.fill(address, report);
            Sql sql = new Sql(shop.onClose(Instance.pool(address, 2)), Shop.TABLE);
            Instance first = shop.onClose(Instance.open(address, 100, true));
            Instance second = shop.onClose(Instance.open(address, 100, false));
            Instance fresh = shop.onClose(Instance.open(address, 0, false));
            first.products().find(1L);
            sql.update(Product.written(1, 7));

            new Comparison(report, sql).run(List.of(1L, 2L, 3L), fresh.products(), first.products(), second.products());
        }

        assertThat(report.failures()).containsExactly("no copy differs from Postgres");
        assertThat(printed.toString(StandardCharsets.UTF_8))
                .contains("differs: key 1, Redis")
                .doesNotContain(" 0 differ.");
    }

    private int run(String... arguments) {
        return Demo.run(printer(output), printer(errors), arguments);
    }

    private static PrintStream printer(ByteArrayOutputStream target) {
        return new PrintStream(target, true, StandardCharsets.UTF_8);
    }

    private static String text(ByteArrayOutputStream source) {
        return source.toString(StandardCharsets.UTF_8);
    }

    private static List<String> schemas(String url) throws SQLException {
        List<String> found = new ArrayList<>();
        try (Connection connection = DriverManager.getConnection(url);
                ResultSet rows = connection
                        .createStatement()
                        .executeQuery("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'understudy_demo_%'")) {
            while (rows.next()) {
                found.add(rows.getString(1));
            }
        }
        return found;
    }

    private static List<String> keys(String uri) {
        RedisClient client = RedisClient.create(uri);
        try {
            return client.connect().sync().keys("demo-*");
        } finally {
            client.shutdown();
        }
    }
}
