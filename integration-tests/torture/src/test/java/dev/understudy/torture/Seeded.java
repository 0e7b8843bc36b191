package dev.understudy.torture;

/** A bug that is put into a worker on purpose, to see that the checks see it. */
enum Seeded {
    /** None. */
    NONE,
    /** Each twentieth row of a batch is left out and reported as stored. */
    ROWS_DROPPED,
    /** The batch is told to the shared replica as committed, and its transaction is rolled back. */
    COMMIT_LOST;

    /** The system property of a worker. */
    static final String PROPERTY = "torture.seeded";

    /** What this process was told to do wrong. */
    static Seeded ofThisProcess() {
        return valueOf(System.getProperty(PROPERTY, NONE.name()));
    }
}
