package dev.understudy.scenarios;

import dev.understudy.CachedRepository;
import dev.understudy.model.OnPartition;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** A process that, once told, commits without Redis and waits to be killed. */
final class CutOffWriter {
    static final String READY = "ready";
    static final String GO = "go";
    static final String COMMITTED = "committed";

    private CutOffWriter() {}

    public static void main(String[] arguments) throws IOException {
        Instance instance = Child.open();
        CachedRepository<Long, Item> items =
                Child.items(instance, settings -> settings.onPartition(OnPartition.AVAILABLE));
        items.find(1L);
        Child.say(READY);
        BufferedReader parent = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        parent.readLine();
        items.save(Item.of(1, 2));
        Child.say(COMMITTED);
        parent.readLine();
    }
}
