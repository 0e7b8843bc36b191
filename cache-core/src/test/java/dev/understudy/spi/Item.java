package dev.understudy.spi;

/** The row that the contracts of the primary are written with: table columns {@code id}, {@code name}, {@code amount}. */
public record Item(long id, String name, int amount) {}
