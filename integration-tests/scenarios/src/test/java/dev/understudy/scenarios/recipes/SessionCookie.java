package dev.understudy.scenarios.recipes;

import dev.understudy.Session;
import dev.understudy.model.Invalid;
import org.jspecify.annotations.Nullable;

/** The cookie that carries a session from request to request and from instance to instance. Stateless. */
final class SessionCookie {
    static final String NAME = "us";

    private SessionCookie() {}

    /** The session of a cookie's text; a new one if there is none, or if the text is no token: forged or of another version. */
    static Session session(@Nullable String text) {
        if (text == null) {
            return Session.start();
        }
        try {
            return Session.resume(text);
        } catch (Invalid e) {
            // A session that has seen nothing is always right to begin with.
            return Session.start();
        }
    }
}
