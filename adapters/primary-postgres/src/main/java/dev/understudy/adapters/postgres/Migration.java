package dev.understudy.adapters.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;

/** The DDL that goes with a versioned table, and its installation on request. Stateless. */
final class Migration {
    /** The trigger's name; it sorts late, so that it sees what other BEFORE triggers changed. */
    static final String TRIGGER = "zz_us_stamp";

    private static final String STAMP = """

            -- Understudy: orders writers that go around the library. A proposed version is kept if it is even (allocated by
            -- the shared replica), newer than the row's and less than a day ahead; any other is replaced by an odd one.
            DECLARE
              now_us bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
              proposed bigint := NEW.%1$s;
              floor_us bigint := 1;
            BEGIN
              IF TG_OP = 'UPDATE' THEN
                floor_us := OLD.%1$s;
              END IF;
              IF proposed IS NULL OR proposed %% 2 <> 0 OR proposed <= floor_us OR proposed >= now_us + 86400000000 THEN
                NEW.%1$s := greatest(floor_us + 1, now_us) | 1;
              END IF;
              RETURN NEW;
            END
            """;

    private Migration() {}

    /** The statement that adds the version column. */
    static String versionColumn(String table, String column) {
        return "ALTER TABLE " + table + " ADD COLUMN IF NOT EXISTS " + column + " bigint NOT NULL DEFAULT 1;";
    }

    /** The body of the trigger's function; a verified trigger runs exactly this. */
    static String stampBody(String column) {
        return STAMP.formatted(column);
    }

    /** The statements that add the trigger and its function. */
    static String trigger(TableName table, String columnName) {
        String function = table.qualified(functionName(columnName));
        String body = stampBody(Identifier.quoted("version column", columnName));
        String quote = "$us$";
        for (int i = 1; body.contains(quote); i++) {
            quote = "$us" + i + "$";
        }
        return "CREATE OR REPLACE FUNCTION " + function + "() RETURNS trigger LANGUAGE plpgsql AS " + quote + body
                + quote
                + ";\nCREATE OR REPLACE TRIGGER " + TRIGGER + " BEFORE INSERT OR UPDATE ON " + table.sql()
                + " FOR EACH ROW EXECUTE FUNCTION " + function + "();";
    }

    /** One function per schema and name of the version column. */
    private static String functionName(String columnName) {
        return "us_stamp_" + columnName;
    }

    /** Runs a script in one transaction. */
    static void run(DataSource dataSource, String script) {
        if (script.isEmpty()) {
            return;
        }
        try (Connection connection = dataSource.getConnection()) {
            boolean autoCommit = connection.getAutoCommit();
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                // A busy table must not queue its readers behind us for long.
                statement.execute("SET LOCAL lock_timeout = '5s';\n" + script);
                connection.commit();
            } catch (SQLException e) {
                connection.rollback();
                throw e;
            } finally {
                connection.setAutoCommit(autoCommit);
            }
        } catch (SQLException e) {
            throw Failures.ofStatement(e);
        }
    }
}
