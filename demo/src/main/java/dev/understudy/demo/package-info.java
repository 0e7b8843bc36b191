/** The demonstration that the first command of the README runs. */
@NullMarked
package dev.understudy.demo;

import org.jspecify.annotations.NullMarked;
