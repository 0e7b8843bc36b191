package dev.understudy.torture;

import dev.understudy.servers.ChildJvm;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisServer;
import dev.understudy.servers.TcpProxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The processes under torture, each with a proxy in front of each server; one that is gone is replaced at once by one that has started
 * meanwhile. Not thread-safe.
 */
final class Actors implements AutoCloseable {
    static final int COUNT = 3;

    static final Duration LIMIT = Duration.ofSeconds(60);
    /** One of the processes has to do with a single connection. */
    private static final int[] CONNECTIONS = {8, 4, 1};

    private final RedisServer redis;
    private final String jdbcUrl;
    private final Path folder;
    private final SplittableRandom random;
    private final Seeded bug;
    private final String classPath;
    private final List<Place> places = new ArrayList<>();
    private final List<Path> journals = new ArrayList<>();
    private Caller.Mix mix = Caller.Mix.ALL;
    private int started;
    private Spare spare;

    /** A process that has no place yet. */
    private record Spare(ChildJvm process, Path journal) {}

    /** Where a process runs, one after the other. */
    static final class Place {
        final TcpProxy redis;
        final TcpProxy postgres;
        private final int connections;
        ChildJvm process;

        private Place(TcpProxy redis, TcpProxy postgres, int connections, ChildJvm process) {
            this.redis = redis;
            this.postgres = postgres;
            this.connections = connections;
            this.process = process;
        }

        /** All bytes pass. */
        void heal() {
            for (TcpProxy proxy : List.of(redis, postgres)) {
                proxy.latency(Duration.ZERO);
                proxy.slices(0);
                proxy.pass();
            }
            redis.messages(TcpProxy.Messages.PASS);
            redis.answersLate(Duration.ZERO);
        }
    }

    Actors(
            RedisServer redis,
            PostgresServer postgres,
            String jdbcUrl,
            Path folder,
            SplittableRandom random,
            Seeded bug,
            String classPath) {
        this.classPath = classPath;
        this.redis = redis;
        this.jdbcUrl = jdbcUrl;
        this.folder = folder;
        this.random = random;
        this.bug = bug;
        this.spare = start();
        for (int i = 0; i < COUNT; i++) {
            TcpProxy toRedis = TcpProxy.to(redis);
            toRedis.messages(TcpProxy.Messages.PASS);
            TcpProxy toPostgres = TcpProxy.to(postgres);
            places.add(new Place(toRedis, toPostgres, CONNECTIONS[i], take(toRedis, toPostgres, CONNECTIONS[i])));
        }
    }

    List<Place> places() {
        return places;
    }

    /** The journals of all processes so far. */
    List<Path> journals() {
        return journals;
    }

    /** Gives the process that has started a place and starts the next. */
    private ChildJvm take(TcpProxy toRedis, TcpProxy toPostgres, int connections) {
        Spare next = spare;
        next.process.await(Actor.LOADED, LIMIT);
        next.process.send(Actor.OPEN + toRedis.redisUri() + " " + toPostgres.jdbcUrl(jdbcUrl) + " " + connections);
        next.process.await(Actor.READY, LIMIT);
        journals.add(next.journal);
        spare = start();
        return next.process;
    }

    private Spare start() {
        int number = ++started;
        Path journal = folder.resolve("actor" + number);
        ChildJvm process = ChildJvm.builder(Actor.class)
                .classPath(classPath)
                .options("-Xmx192m")
                .property(Actor.REDIS, redis.uri())
                .property(Actor.JDBC, jdbcUrl)
                .property(Actor.FOLDER, folder.toString())
                .property(Actor.JOURNAL, journal.toString())
                .property(Seeded.PROPERTY, bug.name())
                .arguments("" + number, "" + random.nextLong())
                .start();
        return new Spare(process, journal);
    }

    /** Tells every process that lives. */
    void tell(String line) {
        places.forEach(place -> place.process.send(line));
    }

    /** Puts another process where one was killed; it takes part in the round. */
    void replace(Place place, long round) {
        replace(place, Actor.round(round, mix));
    }

    /** The same, for the end of the round: it makes no calls. */
    void replaceIdle(Place place, long round) {
        replace(place, Actor.WATCH + round);
    }

    private void replace(Place place, String line) {
        place.process.close();
        place.process = take(place.redis, place.postgres, place.connections);
        place.process.send(line);
    }

    /** Begins a round. */
    void begin(long round, Caller.Mix calls) {
        mix = calls;
        tell(Actor.round(round, calls));
    }

    /** Ends the calls of the round. */
    void stop() {
        tell(Actor.STOP);
        places.forEach(place -> place.process.await(Actor.STOPPED, LIMIT));
    }

    /** What the processes serve without asking the primary, by place: the lines after {@link Actor#COPY}. */
    List<List<String>> copies() {
        return copies(Actor.COMPARE);
    }

    /** The same, as that line asks for them. */
    List<List<String>> copies(String line) {
        tell(line);
        List<List<String>> all = new ArrayList<>();
        for (Place place : places) {
            List<String> lines = new ArrayList<>();
            for (String told = place.process.nextLine(LIMIT);
                    !told.equals(Actor.COMPARED);
                    told = place.process.nextLine(LIMIT)) {
                if (told.startsWith(Actor.COPY)) {
                    lines.add(told.substring(Actor.COPY.length()));
                }
            }
            all.add(lines);
        }
        return all;
    }

    /** What the near replicas say of themselves, by place. */
    List<Near> nears() {
        tell(Actor.NEAR);
        return places.stream()
                .map(place -> Near.of(place.process.await(Actor.NEAR, LIMIT)))
                .toList();
    }

    /** A process's near replicas: the fewest pulls of one, the hits of all. */
    record Near(long pulls, long hits) {
        private static Near of(String line) {
            String[] words = line.split(" ", -1);
            return new Near(Long.parseLong(words[1]), Long.parseLong(words[2]));
        }
    }

    @Override
    public void close() {
        spare.process.close();
        places.forEach(place -> {
            place.process.close();
            place.redis.close();
            place.postgres.close();
        });
    }
}
