package dev.understudy.scenarios;

import dev.understudy.CachedRepository;
import dev.understudy.model.Write;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A process that writes back and never drains: {@code PendingWriter <writes> <batch>}; says how many were acknowledged, after each batch. */
final class PendingWriter {
    static final String ACKED = "acknowledged ";

    private PendingWriter() {}

    public static void main(String[] arguments) throws IOException {
        int writes = Integer.parseInt(arguments[0]);
        int batch = Integer.parseInt(arguments[1]);
        Instance instance = Child.open();
        CachedRepository<Long, Item> items =
                Child.items(instance, settings -> settings.allowWriteBack(back -> back.neverDrains()));
        for (int from = 1; from <= writes; from += batch) {
            List<Item> rows = new ArrayList<>();
            for (int id = from; id < from + batch; id++) {
                rows.add(Item.of(id, id));
            }
            Child.say(ACKED
                    + (from
                            - 1
                            + items.saveAll(rows, Write.back().timeout(Duration.ofSeconds(10)))
                                    .size()));
        }
        Child.await();
    }
}
