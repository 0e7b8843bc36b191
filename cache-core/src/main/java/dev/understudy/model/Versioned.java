package dev.understudy.model;

import java.time.Duration;
import java.util.Optional;

/**
 * The answer to a read, with where it came from and how old it can be. Immutable.
 *
 * @param value the value; empty if there is no row
 * @param version its version; {@link Version#ABSENT} if there is no row, {@link Version#UNVERSIONED} without a version column
 * @param ageBound every change applied longer ago than this is contained
 * @param tier the copy that served it
 * @param mayTrail whether acknowledged write-backs may be missing because the shared replica could not be asked
 */
public record Versioned<V>(Optional<V> value, Version version, Duration ageBound, Tier tier, boolean mayTrail) {}
