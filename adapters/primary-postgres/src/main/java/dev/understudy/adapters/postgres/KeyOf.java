package dev.understudy.adapters.postgres;

import java.io.Serializable;
import java.util.function.Function;

/**
 * The key of a value, as a method reference or lambda such as {@code Product::id}.
 *
 * <p>Serializable only so that the compiler writes down which method it stands for and of which type its result is; nothing
 * is ever serialized. Pure, thread-safe.
 */
@FunctionalInterface
public interface KeyOf<V, K> extends Function<V, K>, Serializable {}
