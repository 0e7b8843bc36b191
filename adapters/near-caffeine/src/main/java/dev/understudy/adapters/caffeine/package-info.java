/** The near replica on Caffeine: bounded copies in the heap of one instance. */
@NullMarked
package dev.understudy.adapters.caffeine;

import org.jspecify.annotations.NullMarked;
