package dev.understudy.adapters.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;

/** What HikariCP says of its pool, where it is used; other data sources, and a missing HikariCP, are unknown. Stateless. */
final class HikariPool {
    private static final boolean IS_PRESENT = isPresent();

    private HikariPool() {}

    /** The size of the pool. */
    static OptionalInt size(DataSource dataSource) {
        return IS_PRESENT ? Inside.size(dataSource) : OptionalInt.empty();
    }

    /** Whether there is no connection at all, idle or in use: the server cannot be reached. */
    static BooleanSupplier emptyProbe(DataSource dataSource) {
        return IS_PRESENT ? Inside.emptyProbe(dataSource) : () -> false;
    }

    private static boolean isPresent() {
        try {
            Class.forName("com.zaxxer.hikari.HikariDataSource", false, HikariPool.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            // Optional: then the data source is some other one.
            return false;
        }
    }

    /** Loaded only where HikariCP is. */
    private static final class Inside {
        static OptionalInt size(DataSource dataSource) {
            return dataSource instanceof HikariConfig config
                    ? OptionalInt.of(config.getMaximumPoolSize())
                    : OptionalInt.empty();
        }

        static BooleanSupplier emptyProbe(DataSource dataSource) {
            if (!(dataSource instanceof HikariDataSource hikari)) {
                return () -> false;
            }
            return () -> {
                HikariPoolMXBean pool = hikari.getHikariPoolMXBean();
                return pool != null && pool.getTotalConnections() == 0;
            };
        }
    }
}
