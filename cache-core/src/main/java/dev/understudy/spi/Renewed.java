package dev.understudy.spi;

/**
 * Answer to a renewal.
 *
 * @param held whether a marker still held and now holds longer
 * @param deadlineMicros until when, by the shared replica's clock; 0 if lost
 */
public record Renewed(boolean held, long deadlineMicros) {}
