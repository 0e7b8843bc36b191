package dev.understudy.spi;

/** The in-memory codec against the contract. */
final class InMemoryCodecTest extends CodecContract {
    @Override
    protected Codec codec() {
        return new InMemoryCodec();
    }
}
