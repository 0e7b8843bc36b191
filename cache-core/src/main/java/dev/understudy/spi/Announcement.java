package dev.understudy.spi;

import dev.understudy.model.Position;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;

/**
 * One change of a shard, told to every instance.
 *
 * @param key the key that changed
 * @param position generation, and the position after the change
 * @param version the key's version now; {@link Version#UNKNOWN} evicts whatever is held
 * @param pending whether the change waits for the drain
 */
public record Announcement(ShardKey key, Position position, Version version, boolean pending) {}
