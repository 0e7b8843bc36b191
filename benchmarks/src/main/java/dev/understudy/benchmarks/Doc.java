package dev.understudy.benchmarks;

/** The row of every load: a key and a text. */
record Doc(long id, String body) {
    static Doc of(long id, int bytes, long number) {
        String start = id + "/" + number + "/";
        return new Doc(id, start + "x".repeat(Math.max(0, bytes - start.length())));
    }
}
