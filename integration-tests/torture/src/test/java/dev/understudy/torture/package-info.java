/** Load under faults: workers that write through the public API and are killed inside named steps, and what must hold afterwards. */
@NullMarked
package dev.understudy.torture;

import org.jspecify.annotations.NullMarked;
