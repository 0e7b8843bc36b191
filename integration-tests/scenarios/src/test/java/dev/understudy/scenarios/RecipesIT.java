package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.table;

import dev.understudy.CachedRepository;
import dev.understudy.Participation;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.scenarios.recipes.JdbiTransactions;
import dev.understudy.scenarios.recipes.JooqTransactions;
import dev.understudy.scenarios.recipes.JtaTransactions;
import dev.understudy.scenarios.recipes.LocalRegistry;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.jdbi.v3.core.Jdbi;
import org.jooq.DSLContext;
import org.jooq.SQLDialect;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.ds.PGSimpleDataSource;

/** Transactions that others manage: plain JDBC, jOOQ, Jdbi and JTA. */
class RecipesIT {
    private static final List<Long> IDS = List.of(1L, 2L, 3L);

    @RegisterExtension
    final Instances instances = new Instances();

    private Instance here;
    private CachedRepository<Long, Item> items;
    private CachedRepository<Long, Item> there;

    static Stream<Versioning> versionings() {
        return Stream.of(Versioning.none(), Versioning.column("us_version"), Versioning.columnAndTrigger("us_version"));
    }

    private void open(Versioning versioning) {
        instances.createItems(versioning);
        instances.sql().run("CREATE TABLE parent (id bigint PRIMARY KEY); INSERT INTO parent VALUES (1), (2), (3)");
        instances
                .sql()
                .run("ALTER TABLE item ADD FOREIGN KEY (id) REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED");
        here = instances.open();
        items = instances.items(here, versioning);
        there = instances.items(instances.open(), versioning);
        items.saveAll(List.of(Item.of(1, 1), Item.of(2, 1)));
        assertThat(items.findAll(IDS)).hasSize(2);
        assertThat(there.findAll(IDS)).hasSize(2);
    }

    private Connection connect() throws SQLException {
        Connection connection = DriverManager.getConnection(instances.jdbcUrl());
        connection.setAutoCommit(false);
        return connection;
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private void assertBoth(Item... expected) {
        for (CachedRepository<Long, Item> on : List.of(items, there)) {
            await().atMost(Instances.MAX_STALENESS)
                    .untilAsserted(() -> assertThat(on.findAll(IDS).values()).containsExactly(expected));
            for (Item item : expected) {
                assertThat(on.read(item.id(), Read.strong()).value()).contains(item);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void savepointRollback_ofSomeOfTheWrites_leavesTheCopiesAgreeing(Versioning versioning) throws Exception {
        open(versioning);
        try (Connection connection = connect()) {
            Participation part = here.understudy().participate(connection);
            part.on(items).save(Item.of(1, 5));
            Savepoint savepoint = connection.setSavepoint();
            part.on(items).save(Item.of(1, 9));
            part.on(items).delete(2L);
            part.on(items).insert(Item.of(3, 9));
            execute(connection, "UPDATE item SET amount = amount + 1 WHERE id = 1");
            part.changed(items, List.of(1L));
            assertThat(part.on(items).findAll(IDS).values()).containsExactlyInAnyOrder(Item.of(1, 10), Item.of(3, 9));
            connection.rollback(savepoint);
            assertThat(part.on(items).findAll(IDS).values()).containsExactlyInAnyOrder(Item.of(1, 5), Item.of(2, 1));
            assertThat(there.find(1L)).as("before commit").contains(Item.of(1, 1));
            part.beforeCommit();
            connection.commit();
            part.afterCommit();
            assertThatThrownBy(part::afterRollback).isInstanceOf(Invalid.class);
        }
        assertBoth(Item.of(1, 5), Item.of(2, 1));
    }

    /** Neither the write nor the delete that was rolled back may take what is pending with it. */
    @Test
    void savepointRollback_overAPendingWrite_leavesIt() throws Exception {
        Versioning versioning = Versioning.column("us_version");
        instances.createItems(versioning);
        Instance one = instances.open();
        CachedRepository<Long, Item> repository = instances.items(one, versioning);
        repository.pauseDrain();
        repository.save(Item.of(1, 7), Write.back());
        repository.save(Item.of(2, 8), Write.back());
        try (Connection connection = connect()) {
            Participation part = one.understudy().participate(connection);
            Savepoint savepoint = connection.setSavepoint();
            part.on(repository).save(Item.of(1, 9));
            part.on(repository).delete(2L);
            connection.rollback(savepoint);
            part.beforeCommit();
            connection.commit();
            part.afterCommit();
        }
        assertThat(repository.read(1L, Read.strong()).value()).contains(Item.of(1, 7));
        assertThat(repository.read(2L, Read.strong()).value()).contains(Item.of(2, 8));

        repository.resumeDrain();

        assertThat(repository.drain(Duration.ofSeconds(20))).isZero();
        assertThat(repository.read(1L, Read.strong()).value()).contains(Item.of(1, 7));
        assertThat(repository.read(2L, Read.strong()).value()).contains(Item.of(2, 8));
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void commitFailure_ofADeferredConstraint_leavesAllCopiesAsTheyWere(Versioning versioning) throws Exception {
        open(versioning);
        instances.sql().run("DELETE FROM parent WHERE id = 3");
        try (Connection connection = connect()) {
            Participation part = here.understudy().participate(connection);
            part.on(items).save(Item.of(1, 5));
            part.on(items).insert(Item.of(3, 5));
            part.beforeCommit();
            assertThatThrownBy(connection::commit).isInstanceOf(SQLException.class);
            part.afterRollback();
        }
        assertBoth(Item.of(1, 1), Item.of(2, 1));
        assertThatThrownBy(() -> here.understudy().inTransaction(tx -> {
                    tx.on(items).save(Item.of(1, 6));
                    return tx.on(items).insert(Item.of(3, 6));
                }))
                .isInstanceOfSatisfying(
                        UnderstudyException.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED));
        assertBoth(Item.of(1, 1), Item.of(2, 1));
    }

    @Test
    void participate_onAConnectionThatCommitsByItself_isRefused() throws Exception {
        open(Versioning.none());
        try (Connection connection = DriverManager.getConnection(instances.jdbcUrl())) {
            Participation part = here.understudy().participate(connection);
            assertThatThrownBy(() -> part.on(items).save(Item.of(1, 5))).isInstanceOf(Invalid.class);
            part.afterRollback();
        }
        assertThatThrownBy(() ->
                        here.understudy().participate("no connection").on(items).find(1L))
                .isInstanceOf(Invalid.class);
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void jooq_nestedTransactionsAndRollbacks_areFollowed(Versioning versioning) {
        open(versioning);
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(instances.jdbcUrl());
        DSLContext dsl = DSL.using(dataSource, SQLDialect.POSTGRES);
        JooqTransactions.run(dsl, here.understudy(), (outer, part) -> {
            outer.dsl()
                    .update(table("item"))
                    .set(field("amount", Long.class), 7L)
                    .where("id = 1")
                    .execute();
            part.changed(items, List.of(1L));
            assertThatThrownBy(() -> outer.dsl().transaction(inner -> {
                        part.on(items).delete(2L);
                        throw new IllegalStateException("the inner one");
                    }))
                    .hasMessageContaining("the inner one");
            outer.dsl().transaction(inner -> part.on(items).insert(Item.of(3, 3)));
        });
        assertBoth(Item.of(1, 7), Item.of(2, 1), Item.of(3, 3));
        assertThatThrownBy(() -> JooqTransactions.run(dsl, here.understudy(), (outer, part) -> {
                    part.on(items).deleteAll(IDS);
                    throw new IllegalStateException("the caller's own");
                }))
                .hasMessageContaining("the caller's own");
        assertBoth(Item.of(1, 7), Item.of(2, 1), Item.of(3, 3));
        items.delete(3L);
        instances.sql().run("DELETE FROM parent WHERE id = 3");
        assertThatThrownBy(() -> JooqTransactions.run(dsl, here.understudy(), (outer, part) -> {
                    part.on(items).save(Item.of(1, 8));
                    part.on(items).insert(Item.of(3, 8));
                }))
                .isInstanceOf(DataAccessException.class);
        assertBoth(Item.of(1, 7), Item.of(2, 1));
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void jdbi_commitAndRollback_areFollowed(Versioning versioning) throws Exception {
        open(versioning);
        Jdbi jdbi = Jdbi.create(instances.jdbcUrl());
        JdbiTransactions.run(jdbi, here.understudy(), (handle, part) -> {
            handle.execute("UPDATE item SET amount = 7 WHERE id = 1");
            part.changed(items, List.of(1L));
            part.on(items).insert(Item.of(3, 3));
        });
        assertBoth(Item.of(1, 7), Item.of(2, 1), Item.of(3, 3));
        assertThatThrownBy(() -> JdbiTransactions.run(jdbi, here.understudy(), (handle, part) -> {
                    part.on(items).deleteAll(IDS);
                    throw new IllegalStateException("the caller's own");
                }))
                .hasMessageContaining("the caller's own");
        assertBoth(Item.of(1, 7), Item.of(2, 1), Item.of(3, 3));
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void jta_synchronization_isFollowed(Versioning versioning) throws Exception {
        open(versioning);
        try (Connection connection = connect()) {
            LocalRegistry registry = new LocalRegistry(connection);
            JtaTransactions transactions = new JtaTransactions(registry, here.understudy());
            transactions.participation(connection).on(items).save(Item.of(1, 7));
            transactions.participation(connection).on(items).delete(2L);
            assertThat(registry.commit()).isTrue();
            assertBoth(Item.of(1, 7));
            LocalRegistry next = new LocalRegistry(connection);
            new JtaTransactions(next, here.understudy())
                    .participation(connection)
                    .on(items)
                    .delete(1L);
            next.setRollbackOnly();
            assertThat(next.commit()).isFalse();
        }
        assertBoth(Item.of(1, 7));
    }
}
