package dev.understudy;

import dev.understudy.engine.RepositorySettings;
import dev.understudy.spi.PrimaryStore;
import java.util.function.Consumer;

/** The settings that an application's builder would come to. Stateless. */
public final class SimulatedSettings {
    private SimulatedSettings() {}

    /** The settings after the customization. */
    public static <K, V> RepositorySettings of(
            PrimaryStore<K, V> store, Consumer<RepositoryBuilder<K, V>> customization) {
        RepositoryBuilder<K, V> builder = new RepositoryBuilder<>(store, unused -> {
            throw new IllegalStateException("a simulated repository is not built by its builder");
        });
        customization.accept(builder);
        return builder.settings();
    }
}
