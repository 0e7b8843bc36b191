package dev.understudy.adapters.caffeine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.spi.NearReplicaContract;
import dev.understudy.spi.NearReplicaFactory;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

/** Caffeine against the contract of a near replica. */
final class CaffeineNearTest extends NearReplicaContract {
    @Override
    protected NearReplicaFactory factory() {
        return new CaffeineNear();
    }

    @Test
    void serviceLoader_findsIt() {
        assertThat(ServiceLoader.load(NearReplicaFactory.class)).hasOnlyElementsOfType(CaffeineNear.class);
    }
}
