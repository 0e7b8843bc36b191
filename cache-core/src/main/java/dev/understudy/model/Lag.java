package dev.understudy.model;

import java.time.Duration;

/**
 * How far the primary trails the shared replica's log. Immutable.
 *
 * @param entries pending keys
 * @param oldest how long the oldest has been pending; zero if there is none
 * @param bytes of their values
 */
public record Lag(long entries, Duration oldest, long bytes) {}
