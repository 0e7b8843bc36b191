package dev.understudy.engine;

import dev.understudy.model.Position;
import dev.understudy.model.Version;

/** Tokens that no session ever was. */
public final class ForgedToken {
    private ForgedToken() {}

    /** A session that claims to have been shown a version of a key by the primary. */
    public static String shown(String cache, String key, Version version) {
        SessionState state = new SessionState();
        state.shown(cache, key, version, 0);
        return state.token();
    }

    /** A session that claims to have seen a position of a shard. */
    public static String saw(String cache, int shard, Position position) {
        SessionState state = new SessionState();
        state.saw(cache, shard, position);
        return state.token();
    }
}
