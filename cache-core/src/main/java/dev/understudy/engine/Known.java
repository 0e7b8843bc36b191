package dev.understudy.engine;

import dev.understudy.model.Version;

/** The highest version that a writer knows for a key: its write is ordered after it. {@link Version#ABSENT} if none. */
@FunctionalInterface
interface Known<K> {
    Version of(K key);
}
