package dev.understudy.spi;

import dev.understudy.model.Position;

/**
 * A shard's generation and position as read. Immutable.
 *
 * @param shard the shard
 * @param position {@link Position#NONE} if the shard has no data at all
 */
public record ShardPosition(int shard, Position position) {}
