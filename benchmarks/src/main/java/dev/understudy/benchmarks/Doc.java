package dev.understudy.benchmarks;

import java.util.SplittableRandom;

/** The row of every load: a key and a text. */
record Doc(long id, String body) {
    /** Characters that no server compresses: every body is a piece of them. */
    private static final String RANDOM = random(1 << 20);

    private static String random(int length) {
        SplittableRandom random = new SplittableRandom(1);
        StringBuilder text = new StringBuilder(length);
        for (int i = 0; i < length; i++) {
            text.append((char) ('0' + random.nextInt(64)));
        }
        return text.toString();
    }

    /** The row of a key as of a write of that number; its text has so many bytes. */
    static Doc of(long id, int bytes, long number) {
        int from = (int) Math.floorMod(id * 31 + number * 4_099, (long) RANDOM.length() - bytes);
        return new Doc(id, RANDOM.substring(from, from + bytes));
    }
}
