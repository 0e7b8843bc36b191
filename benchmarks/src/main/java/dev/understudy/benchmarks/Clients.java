package dev.understudy.benchmarks;

import com.alicp.jetcache.Cache;
import dev.understudy.CachedRepository;
import dev.understudy.model.Write;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RMap;
import org.redisson.api.map.MapLoader;
import org.redisson.api.map.WriteMode;

/** The library, its raw parts and other libraries, all with empty caches of the same size on the same servers. Not thread-safe; its clients are. */
final class Clients implements AutoCloseable {
    static final String RAW = "raw";
    static final String THROUGH = "write-through";
    static final String BACK = "write-back";

    private final Map<String, Client> all = new LinkedHashMap<>();
    private final CacheAside raw;
    private final World.Instance instance;
    private final Rivals rivals;

    /**
     * Opens all.
     *
     * @param name of their caches in Redis, which nobody used before
     * @param near entries of each near replica, at most
     */
    Clients(World world, String name, int near) {
        raw = new CacheAside(world, name + ":", near);
        instance = world.instance(settings -> settings.timeout(Duration.ofSeconds(30))
                .near(replica -> replica.maximumSize(near))
                .allowWriteBack(back -> back.maximumPending(1_000_000)));
        rivals = world.rivals();
        all.put(RAW, raw);
        all.put(THROUGH, ours(Write.through()));
        all.put(BACK, ours(Write.back()));
        all.put(Rivals.REDISSON, redisson(world, name, near));
        all.put(Rivals.JETCACHE, jetCache(world, name, near));
    }

    /** Each client by its name, {@link #RAW} first. */
    Map<String, Client> byName() {
        return all;
    }

    CacheAside raw() {
        return raw;
    }

    CachedRepository<Long, Doc> docs() {
        return instance.docs();
    }

    private Client ours(Write options) {
        CachedRepository<Long, Doc> docs = instance.docs();
        return new Client() {
            @Override
            public @Nullable Object read(long id) {
                return docs.find(id).orElse(null);
            }

            @Override
            public void write(Doc doc) {
                docs.save(doc, options);
            }

            @Override
            public void rest() {
                instance.drain();
            }
        };
    }

    private Client redisson(World world, String name, int near) {
        RMap<Long, Doc> map = rivals.redisson(
                name,
                near,
                Rivals.NEAR_LIFE,
                options -> options.loader(loader(world))
                        .writer(new RowWriter(world))
                        .writeMode(WriteMode.WRITE_THROUGH));
        return new Client() {
            @Override
            public @Nullable Object read(long id) {
                return map.get(id);
            }

            @Override
            public void write(Doc doc) {
                map.fastPut(doc.id(), doc);
            }
        };
    }

    private static MapLoader<Long, Doc> loader(World world) {
        return new MapLoader<>() {
            @Override
            public @Nullable Doc load(Long id) {
                try {
                    return world.select(id);
                } catch (SQLException e) {
                    throw new IllegalStateException("a row cannot be read", e);
                }
            }

            @Override
            public @Nullable Iterable<Long> loadAllKeys() {
                return null;
            }
        };
    }

    private Client jetCache(World world, String name, int near) {
        Cache<Long, Doc> cache = rivals.jetCache(name, near, Rivals.NEAR_LIFE);
        return new Client() {
            @Override
            public @Nullable Object read(long id) throws Exception {
                Doc cached = cache.get(id);
                if (cached != null) {
                    return cached;
                }
                Doc row = world.select(id);
                if (row != null) {
                    Rivals.put(cache, row);
                }
                return row;
            }

            @Override
            public void write(Doc doc) throws Exception {
                world.upsert(doc);
                Rivals.put(cache, doc);
            }
        };
    }

    @Override
    public void close() {
        rivals.close();
        instance.close();
    }
}
