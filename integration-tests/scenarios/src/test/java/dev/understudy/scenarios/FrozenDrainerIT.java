package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.scenarios.HeldDrainer.Moment;
import dev.understudy.servers.ChildJvm;
import java.time.Duration;
import java.util.stream.LongStream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A drainer is stopped (SIGSTOP) for longer than its lease and goes on afterwards. */
class FrozenDrainerIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final Duration START = Duration.ofSeconds(60);
    private static final Duration TWO_LEASES = HeldDrainer.LEASE.multipliedBy(2);
    private static final int ROWS = 300;

    @RegisterExtension
    final Instances instances = new Instances();

    @ParameterizedTest
    @EnumSource(
            value = Moment.class,
            names = {"READ", "WRITTEN", "COMMITTED"})
    void drainer_frozenOverItsLease_isFollowedInTwoLeasesAndChangesNothingWhenItWakes(Moment moment) {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = instances.items(
                instances.open(), COLUMN, settings -> settings.allowWriteBack(back -> back.lease(HeldDrainer.LEASE)));
        items.pauseDrain();
        items.saveAll(
                LongStream.rangeClosed(1, ROWS).mapToObj(id -> Item.of(id, id)).toList(),
                Write.back().timeout(Duration.ofSeconds(10)));
        try (ChildJvm drainer = instances.child(HeldDrainer.class, moment.name())) {
            drainer.await(HeldDrainer.HELD, START);
            drainer.pause();
            items.delete(2L, Write.back());
            items.resumeDrain();
            assertThat(items.drain(TWO_LEASES)).as("left after two leases").isZero();
            assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = id"))
                    .isEqualTo(ROWS - 1);
            items.save(Item.of(1, 7), Write.back());
            items.delete(3L, Write.through());
            items.save(Item.of(4, 7), Write.through());
            items.delete(5L, Write.back());
            assertThat(items.drain(Duration.ofSeconds(5))).isZero();
            // Frozen for so long that the fence alone is left to keep its old rows out.
            instances.sql().run("DELETE FROM us_tombstone");
            drainer.resume();
            drainer.send("go on");
            drainer.await(HeldDrainer.WENT_ON, Duration.ofSeconds(10));
        }
        assertThat(items.drain(Duration.ofSeconds(5))).isZero();
        assertThat(instances.sql().rows("SELECT id, amount FROM item WHERE amount <> id OR id < 6 ORDER BY id"))
                .containsExactly("1|7", "4|7");
        assertThat(instances.sql().number("SELECT count(*) FROM item")).isEqualTo(ROWS - 3);
        assertThat(items.read(2L, Read.strong()).value()).isEmpty();
        assertThat(items.read(3L, Read.strong()).value()).isEmpty();
        assertThat(items.writeBackStatus().dead()).isZero();
    }
}
