/** What an application does to work with the library inside transactions that others manage, and to carry a session through HTTP; run as tests. */
@org.jspecify.annotations.NullMarked
package dev.understudy.scenarios.recipes;
