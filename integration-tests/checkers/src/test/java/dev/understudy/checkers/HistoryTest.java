package dev.understudy.checkers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class HistoryTest {
    private final AtomicLong time = new AtomicLong();
    private final History history = new History(time::incrementAndGet);

    @Test
    void call_answered_carriesTimesAndValue() {
        history.read(1, "s", "k", Level.SESSION, 0).found(7, 12);

        Operation read = history.operations().get(0);
        assertThat(read.invoked()).isEqualTo(1);
        assertThat(read.responded()).isEqualTo(2);
        assertThat(read.value()).isEqualTo(7);
        assertThat(read.outcome()).isEqualTo(Outcome.OK);
    }

    @Test
    void call_neverAnswered_isOfUnknownOutcome() {
        history.write(1, "", "k", 1);

        assertThat(history.operations().get(0).outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(history.operations().get(0).responded()).isEqualTo(Operation.NEVER);
    }

    @Test
    void call_answeredTwice_keepsTheFirst() {
        History.Call call = history.write(1, "", "k", 1);
        call.failed();
        call.done(4);

        assertThat(history.operations().get(0).outcome()).isEqualTo(Outcome.FAIL);
    }

    @Test
    void writers_valueWrittenTwice_isRefused() {
        history.write(1, "", "k", 1).done(2);
        history.write(1, "", "k", 1).done(4);
        List<Operation> operations = history.operations();

        assertThatThrownBy(() -> History.writers(operations)).isInstanceOf(IllegalArgumentException.class);
    }
}
