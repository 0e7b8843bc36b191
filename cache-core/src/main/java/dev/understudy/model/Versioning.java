package dev.understudy.model;

/**
 * How the rows of a table are ordered, which is also the level of adoption: nothing, a column, or a column and a trigger.
 * Immutable.
 *
 * @param column the version column; empty with {@link #none()}
 * @param trigger whether a trigger stamps writers that go around the library
 */
public record Versioning(String column, boolean trigger) {
    private static final Versioning NONE = new Versioning("", false);

    /** No DDL: write-through only, and a write makes the replicas forget the row instead of installing it. */
    public static Versioning none() {
        return NONE;
    }

    /** A {@code bigint not null default 1} column of that name: write-back, conditions on versions, values installed. */
    public static Versioning column(String column) {
        return new Versioning(required(column), false);
    }

    /** The column and a trigger that orders writers which go around the library too. */
    public static Versioning columnAndTrigger(String column) {
        return new Versioning(required(column), true);
    }

    /** Whether rows carry a version at all. */
    public boolean isVersioned() {
        return !column.isEmpty();
    }

    private static String required(String column) {
        if (column.isBlank()) {
            throw new Invalid("the version column has no name");
        }
        return column;
    }
}
