package dev.understudy.adapters.redis;

import io.lettuce.core.resource.NettyCustomizer;
import io.netty.channel.Channel;
import io.netty.handler.flush.FlushConsolidationHandler;

/** Has commands that were handed to a connection one after the other leave in one packet, where its thread finds several. Stateless. */
final class OneFlush implements NettyCustomizer {
    private static final int FLUSHES_MAX = 256;

    @Override
    public void afterChannelInitialized(Channel channel) {
        channel.pipeline().addFirst(new FlushConsolidationHandler(FLUSHES_MAX, true));
    }
}
