package dev.understudy.scenarios;

import dev.understudy.CachedRepository;
import dev.understudy.RepositoryBuilder;
import dev.understudy.adapters.redis.Redis;
import dev.understudy.model.Versioning;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** What every child process begins with: an instance on the test's database and namespace. */
final class Child {
    static final Versioning COLUMN = Versioning.column("us_version");

    private Child() {}

    /** An instance on what the parent's system properties name. */
    static Instance open() {
        Set<Object> touched = ConcurrentHashMap.newKeySet();
        return new Instance(
                System.getProperty("scenario.namespace", ""),
                Redis.at(System.getProperty("scenario.redis", "")).connectTimeout(Duration.ofSeconds(30)),
                System.getProperty("scenario.jdbc", ""),
                name -> touched);
    }

    /** Its repository of items. */
    static CachedRepository<Long, Item> items(Instance instance, Consumer<RepositoryBuilder<Long, Item>> more) {
        return instance.repository(Item.table(COLUMN), settings -> {
            Instances.usual(settings);
            more.accept(settings);
        });
    }

    /** Tells the parent. */
    static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    /** Waits to be killed. */
    static void await() throws IOException {
        System.in.read();
    }
}
