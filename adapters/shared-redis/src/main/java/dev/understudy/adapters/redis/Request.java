package dev.understudy.adapters.redis;

import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A request in the protocol's own form (RESP arrays of bulk strings). Immutable by contract. */
abstract sealed class Request {
    private static final byte[] EVAL = text("EVAL");
    private static final byte[] EVALSHA = text("EVALSHA");
    private static final byte[] CRLF = text("\r\n");

    /** What the server is asked, for logs and metrics. */
    abstract ProtocolKeyword type();

    /** What is asked, in words that may be shown. */
    abstract String name();

    /** Writes the request; {@code asText} sends a script's text where its hash was not known. */
    abstract void encode(ByteBuf out, boolean asText);

    /** A plain command. */
    static Request of(ProtocolKeyword type, byte[]... arguments) {
        return new Plain(type, arguments);
    }

    /** A script of one shard, with its arguments from {@code ARGV[1]} on. */
    static Request of(Scripts.Script script, byte[] entry, byte[] meta, byte[] queue, byte[]... arguments) {
        return of(script, List.of(entry, meta, queue), arguments);
    }

    /** A script of one shard that takes further entries, with its arguments from {@code ARGV[1]} on. */
    static Request of(Scripts.Script script, List<byte[]> keys, byte[]... arguments) {
        return new Scripted(script, keys, arguments);
    }

    static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] number(long number) {
        return Long.toString(number).getBytes(StandardCharsets.ISO_8859_1);
    }

    private static void array(ByteBuf out, int length) {
        out.writeByte('*');
        digits(out, length);
        out.writeBytes(CRLF);
    }

    private static void bulk(ByteBuf out, byte[] bytes) {
        out.writeByte('$');
        digits(out, bytes.length);
        out.writeBytes(CRLF);
        out.writeBytes(bytes);
        out.writeBytes(CRLF);
    }

    private static void digits(ByteBuf out, int number) {
        if (number >= 10) {
            digits(out, number / 10);
        }
        out.writeByte('0' + number % 10);
    }

    /** A command with its arguments. */
    private static final class Plain extends Request {
        private final ProtocolKeyword type;
        private final byte[][] arguments;

        Plain(ProtocolKeyword type, byte[][] arguments) {
            this.type = type;
            this.arguments = arguments;
        }

        @Override
        ProtocolKeyword type() {
            return type;
        }

        @Override
        String name() {
            return type.toString();
        }

        @Override
        void encode(ByteBuf out, boolean asText) {
            array(out, 1 + arguments.length);
            bulk(out, type.getBytes());
            for (byte[] argument : arguments) {
                bulk(out, argument);
            }
        }
    }

    /** A script with its keys and its arguments. */
    private static final class Scripted extends Request {
        private final Scripts.Script script;
        private final List<byte[]> keys;
        private final byte[][] arguments;

        Scripted(Scripts.Script script, List<byte[]> keys, byte[][] arguments) {
            this.script = script;
            this.keys = keys;
            this.arguments = arguments;
        }

        @Override
        ProtocolKeyword type() {
            return CommandType.EVALSHA;
        }

        @Override
        String name() {
            return "script " + script.name();
        }

        @Override
        void encode(ByteBuf out, boolean asText) {
            array(out, 3 + keys.size() + arguments.length);
            bulk(out, asText ? EVAL : EVALSHA);
            bulk(out, text(asText ? script.text() : script.sha1()));
            bulk(out, number(keys.size()));
            for (byte[] key : keys) {
                bulk(out, key);
            }
            for (byte[] argument : arguments) {
                bulk(out, argument);
            }
        }
    }
}
