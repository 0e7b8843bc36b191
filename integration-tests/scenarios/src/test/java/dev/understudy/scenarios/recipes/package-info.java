/** How to take part in transactions that others manage: to be copied, each compiled and run by {@code RecipesIT}. */
@org.jspecify.annotations.NullMarked
package dev.understudy.scenarios.recipes;
