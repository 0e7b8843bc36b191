package dev.understudy.torture;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Cards drawn in a random order, and dealt anew when all are drawn: each comes as often as the others, give or take one. Not thread-safe. */
final class Deck<T> {
    private final List<T> cards;
    private final SplittableRandom random;
    private final List<T> left = new ArrayList<>();

    Deck(List<T> cards, SplittableRandom random) {
        this.cards = List.copyOf(cards);
        this.random = random;
    }

    boolean isEmpty() {
        return cards.isEmpty();
    }

    T draw() {
        if (left.isEmpty()) {
            left.addAll(cards);
        }
        return left.remove(random.nextInt(left.size()));
    }
}
