/** Histories of operations on rows, and checks of what a history promises; for simulations and for runs on real servers. */
@NullMarked
package dev.understudy.checkers;

import org.jspecify.annotations.NullMarked;
