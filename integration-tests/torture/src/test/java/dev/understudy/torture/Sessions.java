package dev.understudy.torture;

import dev.understudy.Session;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.SplittableRandom;

/**
 * The sessions of a round, that callers in all processes take over from one another as text, in files: one caller at a time has a session.
 * A session whose caller is killed is gone.
 */
record Sessions(Path folder, long round) {
    private static final int COUNT = 8;

    /**
     * A session that this caller has alone.
     *
     * @param file where it was taken from, or would be
     * @param age how many sessions were there before it
     */
    record Lent(String file, long age, Session session) {
        /** Its own name. */
        String name() {
            return file + "-" + age;
        }
    }

    /** Creates the round's sessions. */
    void create() {
        try {
            for (int i = 0; i < COUNT; i++) {
                Files.writeString(free(i), text(0, Session.start()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path free(int number) {
        return folder.resolve("session-" + round + "-" + number);
    }

    /** Takes any session, or a new one if all are taken. */
    Lent take(SplittableRandom random, String newName) {
        int first = random.nextInt(COUNT);
        for (int i = 0; i < COUNT; i++) {
            Path file = free((first + i) % COUNT);
            Path taken = folder.resolve(file.getFileName() + "-taken");
            try {
                // Atomically: else two may both take what they find moved already.
                Files.move(file, taken, StandardCopyOption.ATOMIC_MOVE);
                String[] words = Files.readString(taken).split(" ", -1);
                return new Lent(file.getFileName().toString(), Long.parseLong(words[0]), Session.resume(words[1]));
            } catch (IOException e) {
                // Somebody else has it.
            }
        }
        return new Lent(newName, 0, Session.start());
    }

    private static String text(long age, Session session) {
        return age + " " + session.token();
    }

    /** Gives a session back, for anybody, or ends it and leaves a new one in its place. */
    void giveBack(Lent lent, boolean isOver) {
        Path taken = folder.resolve(lent.file() + "-taken");
        if (!Files.exists(taken)) {
            return;
        }
        try {
            Files.writeString(taken, isOver ? text(lent.age() + 1, Session.start()) : text(lent.age(), lent.session()));
            Files.move(taken, folder.resolve(lent.file()), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
