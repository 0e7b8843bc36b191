package dev.understudy.torture;

import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisConsole;
import dev.understudy.servers.RedisServer;
import dev.understudy.servers.TcpProxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** What goes wrong during a round. Each fault is over when it returns, but for a process that is to end at a point. */
enum FaultKind {
    /** A process is killed at any moment. */
    PROCESS_KILLED(false) {
        @Override
        void happen(Setting setting) {
            Actors.Place place = setting.place();
            place.process.kill();
            setting.actors.replace(place, setting.round);
        }
    },
    /** A process ends itself at the next of the points of a write-through and of the drain, or is killed if it does not come there. */
    PROCESS_CRASHED(false) {
        @Override
        void happen(Setting setting) {
            Actors.Place place = setting.place();
            place.process.send(Actor.CRASH + setting.points.next());
            long end = System.nanoTime() + LIMIT.toNanos();
            while (place.process.isAlive() && System.nanoTime() < end) {
                pause(Duration.ofMillis(20));
            }
            place.process.kill();
            setting.actors.replace(place, setting.round);
        }
    },
    /** At the end of a round all processes end themselves, each at the next of the points, so that nobody writes again what they leave. */
    PROCESSES_CRASHED(false) {
        @Override
        void happen(Setting setting) {
            List<Actors.Place> places = setting.actors.places();
            places.forEach(place -> place.process.send(Actor.CRASH + setting.points.next()));
            long end = System.nanoTime() + LIMIT.toNanos();
            while (places.stream().anyMatch(place -> place.process.isAlive()) && System.nanoTime() < end) {
                pause(Duration.ofMillis(20));
            }
            places.forEach(place -> place.process.kill());
            places.forEach(place -> setting.actors.replaceIdle(place, setting.round));
        }
    },
    /** A process does nothing for a while and goes on, in part for longer than its leases. */
    PROCESS_FROZEN(false) {
        @Override
        void happen(Setting setting) {
            Actors.Place place = setting.place();
            place.process.pause();
            pause(setting.between(200, 2_500));
            place.process.resume();
        }
    },
    REDIS_KILLED(false) {
        @Override
        void happen(Setting setting) {
            setting.redis.kill();
            pause(setting.between(50, 1_000));
            setting.redis.start();
        }
    },
    REDIS_FROZEN(false) {
        @Override
        void happen(Setting setting) {
            setting.redis.pause();
            pause(setting.between(200, 2_500));
            setting.redis.resume();
        }
    },
    /** Redis refuses what needs memory. */
    REDIS_FULL(false) {
        @Override
        void happen(Setting setting) {
            setting.tellRedis("CONFIG SET maxmemory 1mb");
            pause(setting.between(200, 1_500));
            setting.tellRedis("CONFIG SET maxmemory 0");
        }
    },
    POSTGRES_KILLED(false) {
        @Override
        void happen(Setting setting) {
            setting.postgres.kill();
            pause(setting.between(50, 1_000));
            setting.postgres.start();
        }
    },
    /** SIGQUIT. */
    POSTGRES_STOPPED(false) {
        @Override
        void happen(Setting setting) {
            setting.postgres.stopImmediate();
            pause(setting.between(50, 1_000));
            setting.postgres.start();
        }
    },
    POSTGRES_FROZEN(false) {
        @Override
        void happen(Setting setting) {
            setting.postgres.pause();
            pause(setting.between(200, 2_000));
            setting.postgres.resume();
        }
    },
    /** Postgres takes longer for all processes. */
    POSTGRES_SLOW(false) {
        @Override
        void happen(Setting setting) {
            setting.everywhere(
                    place -> place.postgres.latency(setting.between(5, 40)),
                    place -> place.postgres.latency(Duration.ZERO));
        }
    },
    /** A stranger locks a table, or some rows of it. */
    POSTGRES_LOCKED(false) {
        @Override
        void happen(Setting setting) {
            Rows rows = Rows.values()[setting.random.nextInt(Rows.values().length)];
            String lock = setting.random.nextBoolean()
                    ? "LOCK TABLE " + rows.table() + " IN EXCLUSIVE MODE"
                    : "SELECT 1 FROM " + rows.table() + " WHERE id % 3 = 0 ORDER BY id FOR UPDATE";
            try (Connection stranger = DriverManager.getConnection(setting.jdbcUrl);
                    Statement statement = stranger.createStatement()) {
                stranger.setAutoCommit(false);
                statement.execute("SET LOCAL lock_timeout = 2000");
                statement.execute(lock);
                pause(setting.between(200, 2_000));
                stranger.rollback();
            } catch (SQLException e) {
                // The lock was not to be had: the wait for it was fault enough.
                setting.notes.append("no lock: ").append(e.getSQLState()).append('\n');
            }
        }
    },
    /** Connections of a process to a server are refused. */
    NETWORK_DOWN(false) {
        @Override
        void happen(Setting setting) {
            TcpProxy proxy = setting.proxy();
            proxy.refuse();
            pause(setting.between(100, 2_000));
            proxy.pass();
        }
    },
    /** Nothing goes through in both directions. */
    NETWORK_BLACKHOLE(false) {
        @Override
        void happen(Setting setting) {
            TcpProxy proxy = setting.proxy();
            proxy.blackhole();
            pause(setting.between(100, 2_500));
            proxy.pass();
        }
    },
    /** Requests go through and replies do not. */
    NETWORK_HALF_OPEN(false) {
        @Override
        void happen(Setting setting) {
            TcpProxy proxy = setting.proxy();
            proxy.holdReplies();
            pause(setting.between(100, 2_500));
            if (setting.random.nextBoolean()) {
                proxy.cut();
            }
            proxy.pass();
        }
    },
    NETWORK_RESET(false) {
        @Override
        void happen(Setting setting) {
            setting.proxy().cut();
        }
    },
    NETWORK_SLOW(false) {
        @Override
        void happen(Setting setting) {
            TcpProxy proxy = setting.proxy();
            proxy.latency(setting.between(5, 80));
            pause(setting.between(300, 2_000));
            proxy.latency(Duration.ZERO);
        }
    },
    /** Bytes come a few at a time. */
    NETWORK_SLICED(false) {
        @Override
        void happen(Setting setting) {
            TcpProxy proxy = setting.proxy();
            proxy.slices(setting.random.nextInt(1, 40));
            pause(setting.between(300, 2_000));
            proxy.slices(0);
        }
    },
    /** A process writes back rows that Postgres will refuse. */
    ROWS_POISONED(false) {
        @Override
        void happen(Setting setting) {
            Actors.Place place = setting.place();
            place.process.send(Actor.POISON);
            place.process.await(Actor.POISONED, Actors.LIMIT);
        }
    },
    /** Of what Redis announces to a process, half is lost. */
    MESSAGES_LOST(false) {
        @Override
        void happen(Setting setting) {
            setting.announcing(() -> ThreadLocalRandom.current().nextBoolean() ? List.of() : List.of(Duration.ZERO));
        }
    },
    /** What Redis announces to a process comes up to ten seconds late, in another order, in part after the fault is over. */
    MESSAGES_LATE(false) {
        @Override
        void happen(Setting setting) {
            setting.announcing(() -> {
                int millis = ThreadLocalRandom.current().nextInt(1, 10_000);
                return List.of(Duration.ofMillis(ThreadLocalRandom.current().nextBoolean() ? millis : millis / 50));
            });
        }
    },
    /** What Redis announces comes late to all processes, in its order. */
    MESSAGES_BEHIND(false) {
        @Override
        void happen(Setting setting) {
            List<Duration> copies = List.of(setting.between(50, 600));
            setting.everywhere(
                    place -> place.redis.messages(frame -> copies),
                    place -> place.redis.messages(TcpProxy.Messages.PASS));
        }
    },
    MESSAGES_TWICE(false) {
        @Override
        void happen(Setting setting) {
            int later = setting.random.nextInt(100);
            setting.announcing(() -> List.of(Duration.ZERO, Duration.ofMillis(later)));
        }
    },
    /** What Redis answers to each process comes later than what it announces to it meanwhile. */
    ANSWERS_LATE(false) {
        @Override
        void happen(Setting setting) {
            setting.everywhere(
                    place -> place.redis.answersLate(setting.between(20, 120)),
                    place -> place.redis.answersLate(Duration.ZERO));
        }
    },
    /** A process loses the connection on which it listens, and no other. */
    SUBSCRIPTION_CUT(false) {
        @Override
        void happen(Setting setting) {
            setting.place().redis.cutSubscribers();
        }
    },
    /** Redis evicts some of what it may evict: what has a time to live is neither pending nor marked. */
    ENTRIES_EVICTED(false) {
        @Override
        void happen(Setting setting) {
            setting.tellRedis("EVAL \"local n=0; for _,k in ipairs(redis.call('KEYS','*:e:*')) do "
                    + "if n<200 and k:byte(-1)%3=="
                    + setting.random.nextInt(3)
                    + " and redis.call('PTTL',k)>0 then redis.call('UNLINK',k); n=n+1 end end; return n\" 0");
        }
    },
    /** FLUSHALL. */
    REDIS_FLUSHED(true) {
        @Override
        void happen(Setting setting) {
            setting.tellRedis("FLUSHALL");
        }
    },
    /** Redis is killed and comes back as it was some time ago. */
    REDIS_POWER_LOSS(true) {
        @Override
        void happen(Setting setting) {
            RedisServer.AppendLog kept = setting.redis.appendLog();
            pause(setting.between(50, 800));
            setting.redis.killLosing(kept);
            setting.redis.start();
        }
    },
    /** Redis is killed and comes back without data. */
    REDIS_EMPTY(true) {
        @Override
        void happen(Setting setting) {
            setting.redis.kill();
            try (Stream<Path> files = Files.walk(setting.redis.dataFolder().resolve("appendonlydir"))) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            setting.redis.start();
        }
    };

    private static final Duration LIMIT = Duration.ofSeconds(2);
    /** How many times each loss of memory comes for one of the others, where there are any. */
    private static final int LOSSES = 3;

    private final boolean losesMemory;

    FaultKind(boolean losesMemory) {
        this.losesMemory = losesMemory;
    }

    /** What can happen during a round; where Redis loses its memory the writers live on, since what they hold is what is left. */
    static List<FaultKind> of(boolean losing, List<FaultKind> kinds) {
        return kinds.stream()
                .filter(kind -> kind != PROCESSES_CRASHED)
                .filter(kind -> losing ? kind != PROCESS_KILLED && kind != PROCESS_CRASHED : !kind.losesMemory)
                .flatMap(kind -> Collections.nCopies(kind.losesMemory ? LOSSES : 1, kind).stream())
                .toList();
    }

    boolean losesMemory() {
        return losesMemory;
    }

    /** What a fault can act on. */
    record Setting(
            Actors actors,
            RedisServer redis,
            PostgresServer postgres,
            String jdbcUrl,
            SplittableRandom random,
            CrashTurn points,
            long round,
            StringBuilder notes) {
        Actors.Place place() {
            return actors.places().get(random.nextInt(Actors.COUNT));
        }

        /** A command to Redis, past the processes. */
        void tellRedis(String command) {
            try (RedisConsole console = new RedisConsole(redis)) {
                console.call(command);
            }
        }

        /** One process's way to one server. */
        TcpProxy proxy() {
            Actors.Place place = place();
            return random.nextInt(3) == 0 ? place.postgres : place.redis;
        }

        /** Lets a process's announcements come like that for a while. */
        void announcing(Supplier<List<Duration>> copies) {
            TcpProxy proxy = place().redis;
            proxy.messages(frame -> copies.get());
            pause(between(500, 2_000));
            proxy.messages(TcpProxy.Messages.PASS);
        }

        /** Has all processes suffer from something for a while. */
        void everywhere(Consumer<Actors.Place> begin, Consumer<Actors.Place> end) {
            actors.places().forEach(begin);
            pause(between(1_000, 2_500));
            actors.places().forEach(end);
        }

        Duration between(int leastMillis, int mostMillis) {
            return Duration.ofMillis(random.nextInt(leastMillis, mostMillis));
        }
    }

    /** Makes it happen and ends it. */
    abstract void happen(Setting setting);

    /** How long a fault or the time between two lasts. */
    static void pause(Duration duration) {
        long end = System.nanoTime() + duration.toNanos();
        for (long left = duration.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
