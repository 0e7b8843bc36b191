package dev.understudy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.servers.RedisServer;
import dev.understudy.servers.Servers;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/** The README's program on real servers. */
class ReadmeIT {
    private static final String TABLE =
            "CREATE TABLE product (id bigint PRIMARY KEY, name text NOT NULL, price numeric(10,2) NOT NULL)";

    @Test
    void main_onAnEmptyTable_printsWhatTheReadmeSays() throws SQLException {
        String url = Servers.shared().postgres().createDatabase("readme");
        try (RedisServer redis = RedisServer.builder().start();
                Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            statement.execute(TABLE);

            String chair = "Optional[Product[id=42, name=chair, price=75.00]]";
            String printed = printed(url, redis.uri());

            assertThat(printed.lines()).containsExactly(chair, chair, "0");
            try (ResultSet rows = statement.executeQuery("SELECT price FROM product WHERE id = 42")) {
                assertThat(rows.next()).isTrue();
                assertThat(rows.getBigDecimal(1)).isEqualByComparingTo("75");
            }
        }
    }

    private static String printed(String... arguments) {
        ByteArrayOutputStream target = new ByteArrayOutputStream();
        PrintStream before = System.out;
        System.setOut(new PrintStream(target, true, StandardCharsets.UTF_8));
        try {
            ReadmeProgram.main(arguments);
        } finally {
            System.setOut(before);
        }
        return target.toString(StandardCharsets.UTF_8);
    }
}
