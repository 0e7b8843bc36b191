package dev.understudy.spi;

import dev.understudy.model.ShardKey;

/** A pending entry as the drain sees it. */
public record Pending(ShardKey key, SharedEntry entry) {}
