/** The ports: what the engine asks of a primary, a shared replica, a near replica, a codec and a clock. */
@NullMarked
package dev.understudy.spi;

import org.jspecify.annotations.NullMarked;
