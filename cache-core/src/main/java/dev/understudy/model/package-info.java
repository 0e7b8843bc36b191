/** The words of the library as types: versions, positions, consistency, acks, errors. Immutable; depends on nothing else. */
@NullMarked
package dev.understudy.model;

import org.jspecify.annotations.NullMarked;
