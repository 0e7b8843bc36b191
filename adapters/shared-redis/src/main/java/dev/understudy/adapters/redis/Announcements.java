package dev.understudy.adapters.redis;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.understudy.model.Generation;
import dev.understudy.model.Position;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.Announcement;
import dev.understudy.spi.AnnouncementListener;
import dev.understudy.spi.SharedCache;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the shards announce, one channel per cache on a connection of its own. Thread-safe.
 *
 * <h2>Threads</h2>
 * The event loop tells the listeners itself, under the lock of their topic, so that one message is told at a time and in the order of arrival;
 * interruptions come from the keeper's thread too. Listeners do not wait, and take their own locks below this one.
 *
 * <h2>Bounds</h2>
 * What comes faster than it is heard waits on the connection and is heard late, in order; the near replica's bound does not depend on it, as
 * positions are pulled. The server bounds what waits there ({@code client-output-buffer-limit pubsub}) and ends the connection; then every
 * listener is interrupted, as after any loss of it.
 */
final class Announcements implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Announcements.class);
    private static final int PENDING = 8;

    /** One cache's channel. */
    private static final class Topic {
        private final int shards;
        private final List<AnnouncementListener> listeners = new CopyOnWriteArrayList<>();

        Topic(int shards) {
            this.shards = shards;
        }

        /** One at a time, also while the last message of a lost connection meets the first of the next. */
        synchronized void arrived(byte[] message) {
            Announcement announcement = announcement(message);
            listeners.forEach(listener -> tell(listener, announcement));
        }

        synchronized void interrupted(List<AnnouncementListener> some) {
            some.forEach(listener -> tell(listener, null));
        }

        /** Null if it says that a shard was opened or distrusted, or if nothing is known of what it means. */
        private @Nullable Announcement announcement(byte[] message) {
            if (dropsShard(message)) {
                return null;
            }
            try {
                return parsed(message, shards);
            } catch (RuntimeException e) { // a stranger published on the channel
                LOG.warn("a message of {} bytes on an announcement channel is not understood", message.length);
                return null;
            }
        }

        /** @param announcement null: an interruption */
        private static void tell(AnnouncementListener listener, @Nullable Announcement announcement) {
            try {
                if (announcement == null) {
                    listener.interrupted();
                } else {
                    listener.announced(announcement);
                }
            } catch (RuntimeException e) {
                // A listener's failure must not keep the others from hearing; it may have missed this one.
                LOG.error("a listener of announcements failed", e);
            }
        }
    }

    private final LinkKeeper keeper;
    private volatile boolean closed;

    @GuardedBy("this")
    private final Map<String, Topic> topics = new HashMap<>();

    Announcements(Connector connector, ScheduledExecutorService scheduler) {
        keeper = new LinkKeeper(
                "announcement",
                onLost -> connector.forMessages(this::channels, this::arrived, onLost),
                scheduler,
                this::ready,
                this::interruptAll);
        keeper.start();
    }

    /** Tells the listener of every change on the channel from now on, an interruption first. */
    SharedCache.Subscription subscribe(String channel, int shards, AnnouncementListener listener) {
        Topic topic;
        synchronized (this) {
            topic = topics.computeIfAbsent(channel, name -> new Topic(shards));
            topic.listeners.add(listener);
        }
        Link link = keeper.current();
        if (link != null) {
            link.subscribe(Set.of(channel)).whenComplete((done, failure) -> {
                if (failure == null) {
                    interrupt(topic, List.of(listener));
                } else {
                    link.lost(); // the next connection subscribes to it
                }
            });
        }
        return () -> unsubscribe(channel, topic, listener);
    }

    private void unsubscribe(String channel, Topic topic, AnnouncementListener listener) {
        synchronized (this) {
            topic.listeners.remove(listener);
            if (!topic.listeners.isEmpty() || !topics.remove(channel, topic)) {
                return;
            }
        }
        Link link = keeper.current();
        if (link != null) {
            link.unsubscribe(channel);
        }
    }

    /** The connection, or null. */
    @Nullable
    Link current() {
        return keeper.current();
    }

    @Override
    public void close() {
        closed = true;
        keeper.close();
    }

    private synchronized Set<String> channels() {
        return Set.copyOf(topics.keySet());
    }

    /** Subscribes to what was added while the connection was being made, and tells all that they may have missed something. */
    private void ready(Link link) {
        link.subscribe(channels()).whenComplete((done, failure) -> {
            if (failure == null) {
                interruptAll();
            } else {
                link.lost();
            }
        });
    }

    private void interruptAll() {
        List<Topic> all;
        synchronized (this) {
            all = List.copyOf(topics.values());
        }
        all.forEach(topic -> interrupt(topic, topic.listeners));
    }

    private void interrupt(Topic topic, List<AnnouncementListener> some) {
        if (!closed) {
            topic.interrupted(some);
        }
    }

    private void arrived(String channel, byte[] message) {
        Topic topic;
        synchronized (this) {
            topic = topics.get(channel);
        }
        if (topic != null && !closed) {
            topic.arrived(message);
        }
    }

    /** Whether the flags are 0 and no key follows them. A key may end in anything. */
    private static boolean dropsShard(byte[] message) {
        int at = 0;
        for (int numbers = 0; numbers < 3 && at < message.length; at++) {
            numbers += message[at] == ' ' ? 1 : 0;
        }
        return message.length == at + 2 && message[at] == '0' && message[at + 1] == ' ';
    }

    /** {@code <generation> <position> <version> <flags> <key>}. */
    static Announcement parsed(byte[] message, int shards) {
        long[] numbers = new long[4];
        int at = 0;
        for (int i = 0; i < 4; i++) {
            long number = 0;
            int from = at;
            for (; message[at] != ' '; at++) {
                int digit = message[at] - '0';
                if (digit < 0 || digit > 9 || at - from > 16) {
                    throw new IllegalArgumentException("no announcement");
                }
                number = number * 10 + digit;
            }
            numbers[i] = number;
            at++;
        }
        String key = new String(message, at, message.length - at, StandardCharsets.UTF_8);
        return new Announcement(
                ShardKey.of(key, shards),
                new Position(new Generation(numbers[0]), numbers[1]),
                new Version(numbers[2]),
                numbers[3] >= PENDING);
    }
}
