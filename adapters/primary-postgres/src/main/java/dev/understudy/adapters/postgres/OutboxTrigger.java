package dev.understudy.adapters.postgres;

import java.util.ArrayList;
import java.util.List;

/**
 * The DDL of the trigger by which a table tells the outbox of rows that others change. Stateless.
 *
 * <p>Statements of the library itself are left out, at the price of one comparison a row: they run with {@link #WRITER} set to {@code on},
 * for their transaction only.
 */
final class OutboxTrigger {
    /** A setting that is {@code on} while the library's own statements run. */
    static final String WRITER = "understudy.writer";

    private static final String NAME = "zz_us_note";

    private OutboxTrigger() {}

    /** Sets {@link #WRITER} until the transaction ends or it is set again. */
    static String writer(boolean isOn) {
        return "SELECT set_config('" + WRITER + "', '" + (isOn ? "on" : "off") + "', true)";
    }

    /**
     * The statements; they may be run again.
     *
     * @param outbox the outbox's table, as SQL
     * @param cache the repository's name
     * @param keyColumns as SQL, in the order of the key's parts
     * @param isRecord whether the key is a record, whose text is escaped
     * @param version the expression of a changed row's version, with {@code NEW}; {@code 0} if the row does not tell
     */
    static String sql(
            TableName table, String outbox, String cache, List<String> keyColumns, boolean isRecord, String version) {
        String rowFunction = table.qualified("us_note_" + table.table());
        String insert = "INSERT INTO " + outbox + " (cache, key, version) VALUES (" + Identifier.literal(cache) + ", ";
        String isChanged = key("OLD", keyColumns, isRecord) + " IS DISTINCT FROM " + key("NEW", keyColumns, isRecord);
        String body = """

                -- Understudy: tells the cache of rows that writers change which go around the library.
                BEGIN
                  IF TG_OP = 'DELETE' THEN
                    %1$s%2$s, 0);
                    RETURN NULL;
                  END IF;
                  IF TG_OP = 'UPDATE' AND %4$s THEN
                    %1$s%2$s, 0);
                  END IF;
                  %1$s%3$s, %5$s);
                  RETURN NULL;
                END
                """.formatted(
                        insert, key("OLD", keyColumns, isRecord), key("NEW", keyColumns, isRecord), isChanged, version);
        String when = " WHEN (current_setting('" + WRITER + "', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION ";
        return function(rowFunction, body) + "\nCREATE OR REPLACE TRIGGER " + NAME
                + " AFTER INSERT OR UPDATE OR DELETE ON " + table.sql() + " FOR EACH ROW" + when + rowFunction + "();";
    }

    private static String function(String name, String body) {
        String quote = "$us$";
        for (int i = 1; body.contains(quote); i++) {
            quote = "$us" + i + "$";
        }
        return "CREATE OR REPLACE FUNCTION " + name + "() RETURNS trigger LANGUAGE plpgsql AS " + quote + body + quote
                + ";";
    }

    /** The canonical text of a row's key. */
    private static String key(String row, List<String> columns, boolean isRecord) {
        List<String> parts = new ArrayList<>();
        for (String column : columns) {
            String text = row + "." + column + "::text";
            parts.add(isRecord ? "replace(replace(" + text + ", '\\', '\\\\'), ':', '\\:')" : text);
        }
        return String.join(" || ':' || ", parts);
    }
}
