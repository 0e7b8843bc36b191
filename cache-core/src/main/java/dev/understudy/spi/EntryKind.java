package dev.understudy.spi;

/** What an entry of the shared replica says of its key. The ordinal plus one is the wire value. */
public enum EntryKind {
    /** The row's value. */
    VALUE,
    /** The primary has no such row (a negative entry). */
    ABSENT,
    /** Deleted by a write-back (a tombstone). */
    DELETED,
    /** Nothing is known; somebody holds a lease or a marker. */
    PLACEHOLDER,
    /** What was known has been forgotten while writers are under way. */
    FORGOTTEN;

    private static final EntryKind[] KINDS = values();

    /** The number on the wire, from 1. */
    public int code() {
        return ordinal() + 1;
    }

    /** The kind of a number on the wire. */
    public static EntryKind ofCode(int code) {
        if (code < 1 || code > KINDS.length) {
            throw new IllegalArgumentException("no entry kind has the code " + code);
        }
        return KINDS[code - 1];
    }

    /** Whether the entry answers a read: there is a value, or there is certainly none. */
    public boolean isKnown() {
        return this == VALUE || this == ABSENT || this == DELETED;
    }
}
