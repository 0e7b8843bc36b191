/** The application as it was. */
@NullMarked
package dev.understudy.scenarios.adoption.before;

import org.jspecify.annotations.NullMarked;
