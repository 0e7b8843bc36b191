package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.understudy.CachedRepository;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.PartlyWritten;
import dev.understudy.model.Read;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Calls with many rows: all or none, or in chunks. */
class ChunksIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final int ROWS = 1_000;
    private static final long REFUSED = 450;
    private static final Write CHUNKS = Write.through().inChunksOf(100);

    @RegisterExtension
    final Instances instances = new Instances();

    private CachedRepository<Long, Item> one;
    private CachedRepository<Long, Item> two;

    private void open(Versioning versioning) {
        instances.createItems(versioning);
        instances.sql().run("ALTER TABLE item ADD CHECK (amount <> 666)");
        one = instances.items(instances.open(), versioning);
        two = instances.items(instances.open(), versioning);
    }

    /** The rows 1 to {@link #ROWS}, one of which the table refuses. */
    private static List<Item> rows(long amount) {
        return LongStream.rangeClosed(1, ROWS)
                .mapToObj(id -> Item.of(id, id == REFUSED ? 666 : amount))
                .toList();
    }

    private List<Long> found(CachedRepository<Long, Item> items) {
        List<Long> found = new ArrayList<>();
        items.readAll(LongStream.rangeClosed(1, ROWS).boxed().toList(), Read.strong())
                .forEach((id, row) -> row.value().ifPresent(item -> found.add(id)));
        return found;
    }

    private void assertFirst(long rows) {
        List<Long> first = LongStream.rangeClosed(1, rows).boxed().toList();
        assertThat(instances.sql().rows("SELECT id FROM item ORDER BY id"))
                .containsExactlyElementsOf(first.stream().map(String::valueOf).toList());
        assertThat(found(one)).containsExactlyElementsOf(first);
        assertThat(found(two)).containsExactlyElementsOf(first);
    }

    private long transactions() {
        return instances.sql().number("SELECT count(DISTINCT xmin::text) FROM item");
    }

    @Test
    void saveAll_inChunks_keepsThoseBeforeTheOneThatFails() {
        open(COLUMN);
        PartlyWritten partly = catchThrowableOfType(PartlyWritten.class, () -> one.saveAll(rows(1), CHUNKS));
        assertThat(partly.written()).isEqualTo(400);
        assertThat(((UnderstudyException) partly.getCause()).outcome()).isEqualTo(Outcome.NOT_APPLIED);
        assertFirst(400);
        assertThat(transactions()).isEqualTo(4);

        List<Item> rest = rows(1).subList(partly.written(), ROWS).stream()
                .map(item -> Item.of(item.id(), 2))
                .toList();
        assertThat(one.saveAll(rest, CHUNKS)).hasSize(600);
        assertFirst(ROWS);
        assertThat(transactions()).isEqualTo(10);
    }

    @Test
    void saveAll_asOne_isAllOrNone() {
        open(COLUMN);
        UnderstudyException refused =
                catchThrowableOfType(UnderstudyException.class, () -> one.saveAll(rows(1), Write.through()));
        assertThat(refused).isNotInstanceOf(PartlyWritten.class);
        assertThat(refused.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        assertFirst(0);
        one.saveAll(rows(1).subList(0, 300), Write.through());
        assertFirst(300);
        assertThat(transactions()).isEqualTo(1);
    }

    @Test
    void saveAll_whoseFirstChunkFails_isThatFailure() {
        open(COLUMN);
        UnderstudyException refused = catchThrowableOfType(
                UnderstudyException.class,
                () -> one.saveAll(rows(1), Write.through().inChunksOf(500)));
        assertThat(refused).isNotInstanceOf(PartlyWritten.class);
        assertThat(refused.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        assertFirst(0);
    }

    @Test
    void deleteAll_inChunks_ofRowsWithoutOrder_deletesAll() {
        open(Versioning.none());
        one.saveAll(rows(1).subList(0, 300), CHUNKS);
        assertFirst(300);
        List<Long> all = LongStream.rangeClosed(1, ROWS).boxed().toList();
        assertThat(two.deleteAll(all, CHUNKS)).hasSize(ROWS);
        assertFirst(0);
    }

    @Test
    void insertAll_inChunks_writeBack_triesNoneAfterTheOneThatFails() {
        open(COLUMN);
        one.pauseDrain();
        two.pauseDrain();
        one.save(Item.of(15, 1), Write.back());
        List<Item> items = rows(2).subList(0, 30);
        PartlyWritten partly = catchThrowableOfType(
                PartlyWritten.class, () -> two.insertAll(items, Write.back().inChunksOf(10)));
        assertThat(partly.written()).isEqualTo(10);
        // Of the chunk that failed some may be logged, too.
        assertThat(found(one))
                .containsAll(LongStream.rangeClosed(1, 10).boxed().toList())
                .allMatch(id -> id <= 20);
        assertThat(one.read(15L, Read.strong()).value()).contains(Item.of(15, 1));
        assertThat(one.lag().entries()).isBetween(11L, 20L);
        one.resumeDrain();
        two.resumeDrain();
        assertThat(one.drain(Duration.ofSeconds(20))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM item"))
                .isEqualTo(found(two).size());
    }

    @Test
    void saveAll_inChunks_withAValueThatTheTableCannotHold_saysHowFarItGot() {
        open(COLUMN);
        List<Item> items = new ArrayList<>(rows(1).subList(0, 40));
        items.set(35, new Item(36, "a\0b", 1));
        assertThat(catchThrowableOfType(
                        Invalid.class, () -> one.saveAll(items, Write.back().inChunksOf(10))))
                .isNotNull();
        assertThat(one.lag().entries()).isZero();
        assertFirst(0);
        PartlyWritten partly = catchThrowableOfType(
                PartlyWritten.class, () -> one.saveAll(items, Write.through().inChunksOf(10)));
        assertThat(partly.written()).isEqualTo(30);
        assertThat(partly).hasCauseInstanceOf(Invalid.class);
        assertFirst(30);
    }
}
