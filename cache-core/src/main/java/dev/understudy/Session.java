package dev.understudy;

import dev.understudy.engine.SessionState;
import org.jspecify.annotations.Nullable;

/**
 * What one user wrote and saw, carried from call to call and from instance to instance as text. Thread-safe.
 *
 * <p>Gives read-your-writes, monotonic reads, monotonic writes and writes-follow-reads over all repositories and instances of a namespace.
 * A forged token can only make its owner's reads slower.
 */
public final class Session {
    private final SessionState state;

    private Session(SessionState state) {
        this.state = state;
    }

    /** A session that has seen nothing. */
    public static Session start() {
        return new Session(new SessionState());
    }

    /**
     * The session of a token.
     *
     * @throws dev.understudy.model.Invalid if the text is not a token
     */
    public static Session resume(@Nullable String token) {
        return new Session(SessionState.resume(EngineRepository.present(token, "token")));
    }

    /** What the session wrote and saw so far: URL-safe text of at most 3,800 characters, typically a few hundred: it fits a cookie. */
    public String token() {
        return state.token();
    }

    SessionState state() {
        return state;
    }
}
