package dev.understudy.scenarios.recipes;

import dev.understudy.Session;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.io.IOException;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;

/**
 * Recipe: a session for each request, from its cookie, as request attribute {@link #ATTRIBUTE}; the cookie is set when the answer's body begins, as a
 * header cannot follow it, so the request's writes come before that. Thread-safe.
 */
public final class SessionFilter implements Filter {
    /** Where the request's {@link Session} is found. */
    public static final String ATTRIBUTE = Session.class.getName();

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        Session session = SessionCookie.session(cookie((HttpServletRequest) request));
        request.setAttribute(ATTRIBUTE, session);
        CookieBeforeBody answer = new CookieBeforeBody((HttpServletResponse) response, session);
        chain.doFilter(request, answer);
        answer.setCookie();
    }

    private static @Nullable String cookie(HttpServletRequest request) {
        Cookie[] cookies = request.getCookies();
        if (cookies != null) {
            for (Cookie cookie : cookies) {
                if (cookie.getName().equals(SessionCookie.NAME)) {
                    return cookie.getValue();
                }
            }
        }
        return null;
    }

    /** Sets the cookie before the first byte of the body. Confined to its request. */
    private static final class CookieBeforeBody extends HttpServletResponseWrapper {
        private final Session session;
        private boolean isSet;

        CookieBeforeBody(HttpServletResponse response, Session session) {
            super(response);
            this.session = session;
        }

        void setCookie() {
            if (!isSet && !isCommitted()) {
                isSet = true;
                Cookie cookie = new Cookie(SessionCookie.NAME, session.token());
                cookie.setHttpOnly(true);
                cookie.setPath("/");
                addCookie(cookie);
            }
        }

        @Override
        public PrintWriter getWriter() throws IOException {
            setCookie();
            return super.getWriter();
        }

        @Override
        public ServletOutputStream getOutputStream() throws IOException {
            setCookie();
            return super.getOutputStream();
        }

        @Override
        public void flushBuffer() throws IOException {
            setCookie();
            super.flushBuffer();
        }

        @Override
        public void sendError(int status, String message) throws IOException {
            setCookie();
            super.sendError(status, message);
        }

        @Override
        public void sendError(int status) throws IOException {
            setCookie();
            super.sendError(status);
        }

        @Override
        public void sendRedirect(String location) throws IOException {
            setCookie();
            super.sendRedirect(location);
        }
    }
}
