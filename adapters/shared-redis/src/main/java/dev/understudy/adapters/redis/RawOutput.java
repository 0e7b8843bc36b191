package dev.understudy.adapters.redis;

import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.CommandOutput;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A reply as it came: {@code byte[]}, {@code Long}, null, or a list of these; nested lists are flattened. Confined to the event
 * loop of its connection until the call is complete.
 */
final class RawOutput extends CommandOutput<byte[], byte[], Object> {
    private @Nullable Object single;
    private @Nullable List<@Nullable Object> list;

    @SuppressWarnings("NullAway") // the superclass knows of no nullness; its field is not used
    RawOutput() {
        super(ByteArrayCodec.INSTANCE, null);
    }

    @Override
    @SuppressWarnings("NullAway") // a null reply is null
    public Object get() {
        return list == null ? single : list;
    }

    @Override
    public void set(ByteBuffer bytes) {
        if (bytes == null) {
            add(null);
            return;
        }
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        add(copy);
    }

    @Override
    public void set(long number) {
        add(number);
    }

    @Override
    public void set(double number) {
        add((long) number);
    }

    @Override
    public void set(boolean flag) {
        add(flag ? 1L : 0L);
    }

    @Override
    public void multi(int count) {
        if (list == null && count >= 0) {
            list = new ArrayList<>(count);
        }
    }

    /** Replies never appear in logs. */
    @Override
    public String toString() {
        return "RawOutput";
    }

    private void add(@Nullable Object part) {
        if (list == null) {
            single = part;
        } else {
            list.add(part);
        }
    }
}
