package dev.understudy.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class AgesTest {
    @Test
    void percentile_nothingAdded_isZero() {
        assertThat(new Ages().percentile(99)).isZero();
    }

    @Test
    void percentile_ofAThousandAges_isRightToASixteenth() {
        Ages ages = new Ages();
        for (int i = 1; i <= 1_000; i++) {
            ages.add(Duration.ofMillis(i).toNanos());
        }

        assertThat(ages.percentile(99)).isBetween(Duration.ofMillis(990), Duration.ofMillis(990 + 990 / 16 + 1));
        assertThat(ages.percentile(50)).isBetween(Duration.ofMillis(500), Duration.ofMillis(500 + 500 / 16 + 1));
    }

    @Test
    void add_extremes_areKept() {
        Ages ages = new Ages();
        ages.add(-1);
        ages.add(Long.MAX_VALUE);

        assertThat(ages.percentile(100)).isGreaterThan(Duration.ofDays(10_000));
        assertThat(ages.percentile(1)).isZero();
    }
}
