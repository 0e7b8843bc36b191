/** Values as JSON, with the types given by the caller and never taken from the bytes. */
@NullMarked
package dev.understudy.adapters.jackson;

import org.jspecify.annotations.NullMarked;
