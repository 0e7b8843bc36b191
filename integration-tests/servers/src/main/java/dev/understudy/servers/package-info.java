/** Real Redis and Postgres servers for tests and the demo, and the means to break them. */
@NullMarked
package dev.understudy.servers;

import org.jspecify.annotations.NullMarked;
