/** A small application that knows nothing of the library, and the same put behind it. */
@NullMarked
package dev.understudy.scenarios.adoption;

import org.jspecify.annotations.NullMarked;
