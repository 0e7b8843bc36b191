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

    /** A session that this caller has alone. */
    record Lent(String name, Session session) {}

    /** Creates the round's sessions. */
    void create() {
        try {
            for (int i = 0; i < COUNT; i++) {
                Files.writeString(free(i), Session.start().token());
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
                return new Lent(file.getFileName().toString(), Session.resume(Files.readString(taken)));
            } catch (IOException e) {
                // Somebody else has it.
            }
        }
        return new Lent(newName, Session.start());
    }

    /** Gives a session back, for anybody. */
    void giveBack(Lent lent) {
        Path taken = folder.resolve(lent.name() + "-taken");
        if (!Files.exists(taken)) {
            return;
        }
        try {
            Files.writeString(taken, lent.session().token());
            Files.move(taken, folder.resolve(lent.name()), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
