package dev.understudy.scenarios;

import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.scenarios.adoption.HeldDataSource;
import dev.understudy.scenarios.adoption.Product;
import dev.understudy.scenarios.adoption.Warehouse;
import java.io.IOException;

/** A process of the application that stops after it has committed a change and before its cache knows: {@code KilledWarehouse <kind> <url>}. */
final class KilledWarehouse {
    static final String HELD = "held";

    private KilledWarehouse() {}

    @SuppressWarnings("MustBeClosedChecker") // the process is killed
    public static void main(String[] arguments) throws IOException {
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl(arguments[1]);
        pool.setMaximumPoolSize(4);
        HeldDataSource held = new HeldDataSource(pool);
        Warehouse warehouse =
                AdoptionIT.Kind.valueOf(arguments[0]).open(held.dataSource(), System.getProperty("scenario.redis", ""));
        Product product = warehouse.find(1).orElseThrow();
        Gate gate = new Gate();
        held.afterNext(gate::pass);
        Background.begin(() -> {
            warehouse.save(product.withStock(77));
            return true;
        });
        gate.awaitArrival();
        Child.say(HELD);
        Child.await();
    }
}
