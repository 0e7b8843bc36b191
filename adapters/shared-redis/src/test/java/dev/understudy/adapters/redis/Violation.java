package dev.understudy.adapters.redis;

/** A simulated schedule in which the scripts broke a promise. */
final class Violation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Violation(String message) {
        super(message);
    }
}
