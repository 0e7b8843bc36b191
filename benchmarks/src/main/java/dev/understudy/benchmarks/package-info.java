/** Figures of the library beside its raw parts: both in one run, in turns, so that a ratio compares like with like. */
@NullMarked
package dev.understudy.benchmarks;

import org.jspecify.annotations.NullMarked;
