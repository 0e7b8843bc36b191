package dev.understudy.spi;

import java.util.function.ToIntBiFunction;

/** Makes near replicas. Found by {@link java.util.ServiceLoader} unless one is given. Thread-safe. */
public interface NearReplicaFactory {
    /** A map of at most so many entries. */
    <K, E> NearReplica<K, E> ofSize(long maximumSize);

    /** A map of at most so much weight in all; an entry's weight is at least 1. */
    <K, E> NearReplica<K, E> ofWeight(long maximumWeight, ToIntBiFunction<? super K, ? super E> weigher);
}
