package dev.understudy.adapters.postgres;

import dev.understudy.model.Versioning;
import dev.understudy.servers.SwitchingDataSource;
import dev.understudy.spi.Item;
import dev.understudy.spi.LedgerContract;
import dev.understudy.spi.OutboxContract;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryContract;
import dev.understudy.spi.PrimaryStore;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.postgresql.ds.PGSimpleDataSource;

/** The contracts of primary and ledger, directly and as if through a transaction pooler. */
class PostgresPrimaryIT {
    private static Database database;
    private static SwitchingDataSource switching;
    private static PostgresPrimary pooled;

    @BeforeAll
    static void createDatabase() {
        database = new Database("primary_contract");
        for (String table : new String[] {"item", "item_column", "item_trigger"}) {
            database.execute(
                    "CREATE TABLE " + table + " (id bigint PRIMARY KEY, name text NOT NULL, amount int NOT NULL)");
        }
        tables(Versioning.column("us_version")).install(database.dataSource());
        tables(Versioning.columnAndTrigger("us_version")).install(database.dataSource());
        database.primary().install();
        PGSimpleDataSource server = new PGSimpleDataSource();
        server.setUrl(database.url() + "&prepareThreshold=0");
        switching = new SwitchingDataSource(server);
        pooled = PostgresPrimary.on(switching).connections(8).build();
    }

    @AfterAll
    static void close() {
        pooled.close();
        database.close();
    }

    private static PostgresTable<Long, Item> tables(Versioning versioning) {
        String name = versioning.trigger() ? "item_trigger" : versioning.isVersioned() ? "item_column" : "item";
        return PostgresTable.of(Item.class, name).key(Item::id).versioning(versioning);
    }

    private static void empty() {
        database.execute(
                "TRUNCATE item, item_column, item_trigger, us_shard, us_tombstone, us_dead_letter, us_invalidation, us_drainer");
    }

    private abstract static class Rows extends PrimaryContract {
        private final Map<Versioning, PrimaryStore<Long, Item>> stores = new HashMap<>();

        @BeforeEach
        void emptyTables() {
            empty();
        }

        @Override
        protected abstract PostgresPrimary primary();

        @Override
        protected PrimaryStore<Long, Item> store(Versioning versioning) {
            return stores.computeIfAbsent(versioning, each -> Database.verified(primary(), tables(each)));
        }
    }

    @Nested
    class DirectRows extends Rows {
        @Override
        protected PostgresPrimary primary() {
            return database.primary();
        }
    }

    @Nested
    class PooledRows extends Rows {
        @Override
        protected PostgresPrimary primary() {
            return pooled;
        }
    }

    @Nested
    class DirectLedger extends EmptiedLedger {
        @Override
        protected Primary primary() {
            return emptied(database.primary());
        }
    }

    @Nested
    class PooledLedger extends EmptiedLedger {
        @Override
        protected Primary primary() {
            return emptied(pooled);
        }
    }

    @Nested
    class Notes extends OutboxContract {
        @BeforeEach
        void emptyTables() {
            empty();
        }

        @Override
        protected Primary primary() {
            return pooled;
        }
    }

    /** The contract opens the ledger before each test: the tables are emptied when it first asks for the primary. */
    private abstract static class EmptiedLedger extends LedgerContract {
        private boolean isEmptied;

        Primary emptied(Primary primary) {
            if (!isEmptied) {
                isEmptied = true;
                empty();
            }
            return primary;
        }
    }
}
