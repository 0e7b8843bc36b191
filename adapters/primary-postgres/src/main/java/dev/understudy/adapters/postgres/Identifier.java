package dev.understudy.adapters.postgres;

import dev.understudy.model.Invalid;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Names of schemas, tables and columns: validated, taken literally (no folding of case), always quoted. Stateless. */
final class Identifier {
    /** The longest name that Postgres keeps, in bytes of UTF-8; it cuts longer ones silently. */
    static final int MAXIMUM_BYTES = 63;

    private Identifier() {}

    /** The name in double quotes. Refuses an empty or too long one and one with a NUL character. */
    static String quoted(String what, String name) {
        if (name.isEmpty()) {
            throw new Invalid("the " + what + " has no name");
        }
        if (name.indexOf('\0') >= 0) {
            throw new Invalid("the name of the " + what + " contains a NUL character");
        }
        if (name.getBytes(StandardCharsets.UTF_8).length > MAXIMUM_BYTES) {
            throw new Invalid("the name of the " + what + " \"" + name + "\" is over " + MAXIMUM_BYTES + " bytes");
        }
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    /** The literal in single quotes, for messages and scripts; statements use parameters. */
    static String literal(String text) {
        return "'" + text.replace("'", "''") + "'";
    }

    /**
     * The parts of {@code table} or {@code schema.table}; a part with a dot of its own is written in double quotes, in which
     * {@code ""} stands for a double quote.
     */
    static List<String> parts(String what, String path) {
        List<String> parts = new ArrayList<>();
        StringBuilder part = new StringBuilder();
        boolean isQuoted = false;
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            if (c == '"') {
                boolean isDoubled = isQuoted && i + 1 < path.length() && path.charAt(i + 1) == '"';
                if (isDoubled) {
                    part.append('"');
                    i++;
                } else {
                    isQuoted = !isQuoted;
                }
            } else if (c == '.' && !isQuoted) {
                parts.add(part.toString());
                part.setLength(0);
            } else {
                part.append(c);
            }
        }
        parts.add(part.toString());
        if (isQuoted || parts.size() > 2) {
            throw new Invalid("the " + what + " " + path + " is neither a table nor schema.table");
        }
        parts.forEach(each -> quoted(what, each));
        return parts;
    }
}
