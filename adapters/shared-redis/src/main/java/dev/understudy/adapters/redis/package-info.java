/** The shared replica on Redis: values, pending writes and their queue, all in scripts of one slot. */
@NullMarked
package dev.understudy.adapters.redis;

import org.jspecify.annotations.NullMarked;
