package dev.understudy.adapters.redis;

import dev.understudy.model.Generation;
import dev.understudy.model.Position;
import dev.understudy.model.Version;
import dev.understudy.spi.DrainedReply;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.LeaseReply;
import dev.understudy.spi.Prepared;
import dev.understudy.spi.QueueLimit;
import dev.understudy.spi.WriteBackReply;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Locale;

/** The answers that have more than one form. */
final class EntryReading {
    private EntryReading() {}

    static Prepared prepared(Answer answer) {
        long pendingKind = answer.number(4);
        return new Prepared(
                new Version(answer.number(1)),
                answer.number(2),
                answer.number(3),
                pendingKind == 0 ? EntryKind.PLACEHOLDER : EntryKind.ofCode((int) pendingKind),
                new Version(answer.number(5)));
    }

    static LeaseReply lease(Answer answer) {
        return switch (answer.word()) {
            case "hit" -> new LeaseReply.Hit(EntryLayout.decode(answer.bytes(1)));
            case "granted" -> new LeaseReply.Granted();
            case "wait" -> new LeaseReply.Wait(Duration.of(answer.number(1), ChronoUnit.MICROS));
            default -> throw answer.unknown();
        };
    }

    static WriteBackReply writeBack(Answer answer, Generation generation) {
        return switch (answer.word()) {
            case "OK" ->
                new WriteBackReply.Accepted(
                        new Version(answer.number(1)),
                        new Position(generation, answer.number(2)),
                        answer.text(3).equals("dup"));
            case "COLD" -> new WriteBackReply.Cold();
            case "FOREIGN" -> new WriteBackReply.Foreign(new Version(answer.number(1)));
            case "MARKED" -> new WriteBackReply.Marked(Duration.of(answer.number(1), ChronoUnit.MICROS));
            case "CONFLICT" -> new WriteBackReply.Refused(new Version(answer.number(1)));
            case "FULL" ->
                new WriteBackReply.Full(
                        QueueLimit.Reached.valueOf(answer.text(1).toUpperCase(Locale.ROOT)));
            default -> throw answer.unknown();
        };
    }

    static DrainedReply drained(Answer answer) {
        return drained(answer.word());
    }

    static DrainedReply drained(String word) {
        return switch (word) {
            case "clean", "corrected" -> DrainedReply.CLEAN;
            case "conflict" -> DrainedReply.FORGOTTEN;
            case "again" -> DrainedReply.AGAIN;
            case "older" -> DrainedReply.OLDER;
            case "gone", "lost" -> DrainedReply.GONE;
            default -> throw new IllegalArgumentException("no such answer: " + word);
        };
    }
}
