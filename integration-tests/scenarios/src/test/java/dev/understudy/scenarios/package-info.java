/** Scenarios of the whole library on real servers: several instances, crashes, races forced at a hook. */
@NullMarked
package dev.understudy.scenarios;

import org.jspecify.annotations.NullMarked;
