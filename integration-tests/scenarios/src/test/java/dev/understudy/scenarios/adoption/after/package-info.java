/** The application behind Understudy. */
@NullMarked
package dev.understudy.scenarios.adoption.after;

import org.jspecify.annotations.NullMarked;
