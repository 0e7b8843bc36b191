package dev.understudy.benchmarks;

/** A part of the run: one contest or several, and the figures that come of them. */
@FunctionalInterface
interface Part {
    void measure(Run run) throws Exception;
}
