package dev.understudy.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.model.Version;
import dev.understudy.spi.Outbox.Missed;
import dev.understudy.spi.Primary.Use;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What every outbox of a primary must do; extended for each adapter and for the in-memory twin. */
public abstract class OutboxContract {
    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final String CACHE = "product";

    /** The primary under test; its outbox is empty when a test begins. */
    protected abstract Primary primary();

    private void record(Map<String, Version> changed) {
        primary().call(Use.COMMIT, TIMEOUT, connection -> {
            primary().outbox().record(connection, CACHE, changed);
            return true;
        });
    }

    private List<Missed> take(String cache, int limit) {
        return primary()
                .call(Use.COMMIT, TIMEOUT, connection -> primary().outbox().take(connection, cache, limit, true));
    }

    private boolean hasAny(String cache) {
        return primary()
                .call(Use.LOAD, TIMEOUT, connection -> primary().outbox().hasAny(connection, cache));
    }

    @Test
    void whyNot_withTheTable_isEmpty() {
        assertThat(primary()
                        .<Boolean>call(
                                Use.LOAD,
                                TIMEOUT,
                                connection ->
                                        primary().outbox().whyNot(connection).isEmpty()))
                .isTrue();
    }

    @Test
    void take_answersTheNotesOfTheCacheOnce_oldestFirst() {
        record(Map.of("a:\\:{}\",", new Version(7)));
        record(Map.of("b", Version.ABSENT));
        assertThat(hasAny("other")).isFalse();
        assertThat(take("other", 10)).isEmpty();
        assertThat(hasAny(CACHE)).isTrue();
        assertThat(take(CACHE, 1)).containsExactly(new Missed("a:\\:{}\",", new Version(7), false));
        assertThat(take(CACHE, 10)).containsExactly(new Missed("b", Version.ABSENT, false));
        assertThat(hasAny(CACHE)).isFalse();
        assertThat(take(CACHE, 10)).isEmpty();
    }

    @Test
    void take_ofANoteOfAll_tellsSo() {
        primary().call(Use.COMMIT, TIMEOUT, connection -> {
            primary().outbox().recordAll(connection, CACHE);
            return true;
        });
        assertThat(take(CACHE, 10))
                .singleElement()
                .satisfies(note -> assertThat(note.isAll()).isTrue());
    }

    @Test
    void notes_ofATransactionThatFails_areNotThere() {
        assertThatThrownBy(() -> primary().call(Use.COMMIT, TIMEOUT, connection -> {
                    primary().outbox().record(connection, CACHE, Map.of("a", new Version(7)));
                    throw new IllegalStateException("as asked");
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(hasAny(CACHE)).isFalse();
    }

    @Test
    void take_thatIsRolledBack_givesTheNotesBack() {
        record(Map.of("a", new Version(7)));
        assertThatThrownBy(() -> primary().call(Use.COMMIT, TIMEOUT, connection -> {
                    assertThat(primary().outbox().take(connection, CACHE, 10, false))
                            .hasSize(1);
                    throw new IllegalStateException("as asked");
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(take(CACHE, 10)).hasSize(1);
    }

    @Test
    void clockMicros_goesOn() {
        long before =
                primary().<Long>call(Use.LOAD, TIMEOUT, connection -> primary().clockMicros(connection));
        long after =
                primary().<Long>call(Use.LOAD, TIMEOUT, connection -> primary().clockMicros(connection));
        assertThat(after).isBetween(before, before + TIMEOUT.toNanos() / 1000);
    }
}
