/** The primary on Postgres: a table described by a record class. */
@NullMarked
package dev.understudy.adapters.postgres;

import org.jspecify.annotations.NullMarked;
