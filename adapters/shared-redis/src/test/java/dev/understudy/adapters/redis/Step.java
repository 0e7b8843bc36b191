package dev.understudy.adapters.redis;

import org.jspecify.annotations.Nullable;

/** One indivisible step of a simulated process; answers the next one, or null at the end. */
@FunctionalInterface
interface Step {
    @Nullable
    Step run();
}
