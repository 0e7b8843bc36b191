package dev.understudy.spi;

/** The in-memory near replica against the contract. */
final class InMemoryNearReplicaTest extends NearReplicaContract {
    @Override
    protected NearReplicaFactory factory() {
        return InMemoryNearReplica.factory();
    }
}
