package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DeckTest {
    @Test
    void deck_drawsEachCardAsOftenInAnotherOrder() {
        Deck<Integer> deck = new Deck<>(List.of(1, 2, 3, 3), new SplittableRandom(1));
        List<Integer> drawn = Stream.generate(deck::draw).limit(40).toList();
        assertThat(drawn).filteredOn(card -> card == 1).hasSize(10);
        assertThat(drawn).filteredOn(card -> card == 3).hasSize(20);
        assertThat(drawn.subList(0, 20)).isNotEqualTo(drawn.subList(20, 40));
    }
}
