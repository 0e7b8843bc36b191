package dev.understudy.scenarios.recipes;

import dev.understudy.Session;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.Cookie;

/** Recipe: a session for each request of a Javalin application, carried by a cookie. Stateless. */
public final class SessionHandlers {
    private SessionHandlers() {}

    /** Adds the handlers before and after every request. */
    public static void addTo(JavalinConfig config) {
        config.routes.before(context ->
                context.attribute(SessionCookie.NAME, SessionCookie.session(context.cookie(SessionCookie.NAME))));
        // Javalin sends the body after this, so a cookie still gets through, also after an exception that a handler has
        // turned into an answer.
        config.routes.after(context -> {
            Cookie cookie = new Cookie(SessionCookie.NAME, session(context).token());
            cookie.setHttpOnly(true);
            context.cookie(cookie);
        });
    }

    /** The request's session. */
    public static Session session(Context context) {
        Session session = context.attribute(SessionCookie.NAME);
        if (session == null) {
            throw new IllegalStateException("the request came past the handlers");
        }
        return session;
    }
}
