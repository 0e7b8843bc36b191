/**
 * How the promises are kept: the read path, write-through, write-back, the drain, and the near replica's coherence, each in a
 * class of its own over the ports.
 */
@NullMarked
package dev.understudy.engine;

import org.jspecify.annotations.NullMarked;
