package dev.understudy.servers;

import java.net.URI;

/** A Redis that somebody else runs. Immutable. */
final class GivenRedis implements RedisServer {
    private final URI uri;

    GivenRedis(String uri) {
        this.uri = URI.create(uri);
        if (this.uri.getHost() == null
                || !("redis".equals(this.uri.getScheme()) || "rediss".equals(this.uri.getScheme()))) {
            throw new IllegalArgumentException("-D" + Servers.REDIS + " must be redis://[user:password@]host[:port]");
        }
    }

    @Override
    public String description() {
        return "given Redis at " + host() + ":" + port();
    }

    @Override
    public String host() {
        return uri.getHost();
    }

    @Override
    public int port() {
        return uri.getPort() < 0 ? 6379 : uri.getPort();
    }

    @Override
    public boolean isOwned() {
        return false;
    }

    @Override
    public String uri() {
        return uri.toString();
    }

    @Override
    public void close() {
        // somebody else's server goes on
    }
}
