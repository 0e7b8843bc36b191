/** What applications use: {@link dev.understudy.Understudy} and {@link dev.understudy.CachedRepository}. */
@NullMarked
package dev.understudy;

import org.jspecify.annotations.NullMarked;
