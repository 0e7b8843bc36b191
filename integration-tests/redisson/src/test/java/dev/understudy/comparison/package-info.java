/** The write-behind of another library, on the servers of the torture tests and under the same kind of fault. */
@NullMarked
package dev.understudy.comparison;

import org.jspecify.annotations.NullMarked;
