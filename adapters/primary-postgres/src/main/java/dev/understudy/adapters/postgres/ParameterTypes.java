package dev.understudy.adapters.postgres;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The types of a statement's parameters as the driver names them: that of the cast behind each {@code ?}, so that the server reads a value
 * once, when it is bound; {@code text} where there is none or the driver would have to ask for it. The statement then casts the text, which
 * may happen for every row that it looks at. Thread-safe.
 */
final class ParameterTypes {
    private static final String TEXT = "text";
    /** Types that the driver knows by itself, by their names in casts. */
    private static final Map<String, String> KNOWN = Map.ofEntries(
            Map.entry(TEXT, TEXT),
            Map.entry("varchar", "varchar"),
            Map.entry("bpchar", "bpchar"),
            Map.entry("smallint", "int2"),
            Map.entry("integer", "int4"),
            Map.entry("bigint", "int8"),
            Map.entry("numeric", "numeric"),
            Map.entry("float4", "float4"),
            Map.entry("float8", "float8"),
            Map.entry("bool", "bool"),
            Map.entry("bytea", "bytea"),
            Map.entry("date", "date"),
            Map.entry("timestamp", "timestamp"),
            Map.entry("timestamptz", "timestamptz"),
            Map.entry("json", "json"),
            Map.entry("jsonb", "jsonb"));

    /** As many as there are shapes of statements, which tables and their columns bound. */
    private static final Map<String, List<String>> BY_SQL = new ConcurrentHashMap<>();

    private ParameterTypes() {}

    /** Whether values cast to that type are read once, when they are bound. */
    static boolean isKnown(String cast) {
        return KNOWN.containsKey(cast);
    }

    static List<String> of(String sql) {
        return BY_SQL.computeIfAbsent(sql, ParameterTypes::read);
    }

    private static List<String> read(String sql) {
        List<String> types = new ArrayList<>();
        char quote = 0;
        for (int i = 0; i < sql.length(); i++) {
            char c = sql.charAt(i);
            if (quote != 0) {
                quote = c == quote ? 0 : quote;
            } else if (c == '\'' || c == '"') {
                quote = c;
            } else if (c == '?') {
                types.add(sql.startsWith("::", i + 1) ? type(sql, i + 3) : TEXT);
            }
        }
        return List.copyOf(types);
    }

    private static String type(String sql, int from) {
        int end = from;
        while (end < sql.length() && Character.isLetterOrDigit(sql.charAt(end))) {
            end++;
        }
        String known = KNOWN.get(sql.substring(from, end));
        return known == null ? TEXT : sql.startsWith("[]", end) ? known + "[]" : known;
    }
}
