package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.scenarios.recipes.JooqTransactions;
import dev.understudy.servers.Servers;
import dev.understudy.servers.TcpProxy;
import dev.understudy.spi.Primary;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.Savepoint;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jooq.SQLDialect;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.ds.PGSimpleDataSource;

/** The connection to Postgres fails at COMMIT, or the commit itself does: the caller is told the truth, and the copies agree afterwards. */
class CommitLostIT {
    private static final Duration MARKER = Duration.ofSeconds(5);
    private static final Duration NEAR_LIFE = Duration.ofSeconds(1);
    private static final Duration PATIENT = Duration.ofSeconds(5);
    private static final Duration IMPATIENT = Duration.ofMillis(600);
    private static final List<Long> IDS = List.of(1L, 2L, 3L, 4L, 5L, 6L);

    @RegisterExtension
    final Instances instances = new Instances();

    private TcpProxy proxy;
    private Instance behind;
    private CachedRepository<Long, Item> items;
    private CachedRepository<Long, Item> there;

    /** What happens to a COMMIT. */
    enum Loss {
        /** It arrives, and its answer does not. */
        ANSWER_LOST(PATIENT, Optional.of(Outcome.APPLIED)),
        /** It does not arrive. */
        COMMIT_LOST(PATIENT, Optional.of(Outcome.NOT_APPLIED)),
        /** It arrives after its caller has gone, or never. */
        COMMIT_LATE(IMPATIENT, Optional.of(Outcome.UNKNOWN));

        private final Duration timeout;
        private final Optional<Outcome> told;

        Loss(Duration timeout, Optional<Outcome> told) {
            this.timeout = timeout;
            this.told = told;
        }
    }

    static Stream<Versioning> versionings() {
        return Stream.of(Versioning.none(), Versioning.column("us_version"), Versioning.columnAndTrigger("us_version"));
    }

    static Stream<Arguments> losses() {
        return versionings()
                .flatMap(versioning -> Stream.of(Loss.values()).map(loss -> Arguments.of(versioning, loss)));
    }

    private void open(Versioning versioning) {
        instances.createItems(versioning);
        proxy = instances.closing(TcpProxy.to(Servers.shared().postgres()));
        behind = instances.open(proxy.jdbcUrl(instances.jdbcUrl()));
        items = repository(behind, versioning);
        there = repository(instances.open(), versioning);
        items.saveAll(IDS.stream().map(id -> Item.of(id, 1)).toList());
        assertThat(items.findAll(IDS)).hasSize(IDS.size());
        assertThat(there.findAll(IDS)).hasSize(IDS.size());
    }

    private CachedRepository<Long, Item> repository(Instance instance, Versioning versioning) {
        return instances.items(
                instance,
                versioning,
                settings -> settings.shared(shared -> shared.marker(MARKER)).near(near -> near.timeToLive(NEAR_LIFE)));
    }

    /** What the caller was told. */
    private static Outcome told(Background<?> call) {
        try {
            call.end();
            return Outcome.APPLIED;
        } catch (UnderstudyException e) {
            return e.outcome();
        }
    }

    /** Lets the held transaction go on to its COMMIT, which meets the loss. */
    private Outcome lose(Loss loss, Gate beforeCommit, Background<?> call, long id) {
        Optional<String> before = row(id);
        beforeCommit.awaitArrival();
        if (loss == Loss.ANSWER_LOST) {
            proxy.holdReplies();
            beforeCommit.open();
            await("committed").atMost(PATIENT).until(() -> !row(id).equals(before));
            proxy.cut();
        } else {
            proxy.blackhole();
            beforeCommit.open();
            if (loss == Loss.COMMIT_LOST) {
                proxy.cut();
            } else {
                await("the caller goes").atMost(PATIENT).until(call::isDone);
            }
        }
        proxy.pass();
        return told(call);
    }

    private Optional<String> row(long id) {
        return instances.sql().row("SELECT amount FROM item WHERE id = " + id);
    }

    private void assertTruth(Loss loss, Outcome told, long id, Optional<String> written) {
        assertThat(Optional.of(told)).as("%s of row %s", loss, id).isEqualTo(loss.told);
        if (told == Outcome.UNKNOWN) {
            return;
        }
        assertThat(row(id))
                .as("%s of row %s", loss, id)
                .isEqualTo(told == Outcome.APPLIED ? written : Optional.of("1"));
        for (CachedRepository<Long, Item> on : List.of(items, there)) {
            assertThat(on.read(id, Read.strong()).value().map(item -> "" + item.amount()))
                    .isEqualTo(row(id));
        }
    }

    @ParameterizedTest
    @MethodSource("losses")
    void commit_thatMeetsALoss_isToldAsItIs(Versioning versioning, Loss loss) {
        open(versioning);
        instances.agreeWithin(MARKER.plus(NEAR_LIFE).plus(PATIENT));
        Write through = Write.through().timeout(loss.timeout);
        Map<Long, Runnable> calls = Map.of(
                1L, () -> items.save(Item.of(1, 7), through),
                2L, () -> items.saveAll(List.of(Item.of(2, 7), Item.of(3, 7)), through),
                4L, () -> items.delete(4L, through),
                5L,
                        () -> behind.understudy()
                                .inTransaction(loss.timeout, tx -> tx.on(items).save(Item.of(5, 7))));
        calls.forEach((id, write) -> {
            Gate beforeCommit = behind.primary().holdNextCommit(Primary.Use.COMMIT);
            Background<?> call = Background.begin(() -> {
                write.run();
                return true;
            });
            Outcome told = lose(loss, beforeCommit, call, id);
            assertTruth(loss, told, id, id == 4 ? Optional.empty() : Optional.of("7"));
        });
        assertThat(row(3)).isEqualTo(row(2));
    }

    @ParameterizedTest
    @MethodSource("losses")
    void jooqCommit_thatMeetsALoss_leavesTheCopiesAgreeing(Versioning versioning, Loss loss) {
        open(versioning);
        instances.agreeWithin(MARKER.plus(NEAR_LIFE).plus(PATIENT));
        Gate beforeCommit = new Gate();
        PGSimpleDataSource server = new PGSimpleDataSource();
        server.setUrl(proxy.jdbcUrl(instances.jdbcUrl()) + "&socketTimeout=1");
        DataSource dataSource = heldBeforeCommit(server, beforeCommit);
        Background<?> call = Background.begin(() -> {
            JooqTransactions.run(
                    DSL.using(dataSource, SQLDialect.POSTGRES),
                    behind.understudy(),
                    (outer, part) -> part.on(items).save(Item.of(1, 7)));
            return true;
        });
        assertThatThrownBy(() -> lose(loss, beforeCommit, call, 1)).isInstanceOf(DataAccessException.class);
        await("the row is as the copies")
                .atMost(PATIENT)
                .untilAsserted(() -> assertThat(
                                there.read(1L, Read.strong()).value().map(item -> "" + item.amount()))
                        .isEqualTo(row(1)));
        if (loss == Loss.ANSWER_LOST) {
            assertThat(row(1)).contains("7");
        }
    }

    /** Connections of that source wait at the gate before each commit. */
    private static DataSource heldBeforeCommit(DataSource server, Gate gate) {
        return (DataSource) Proxy.newProxyInstance(
                CommitLostIT.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (proxy, method, arguments) -> heldBeforeCommit((Connection) call(server, method, arguments), gate));
    }

    private static Connection heldBeforeCommit(Connection connection, Gate gate) {
        return (Connection) Proxy.newProxyInstance(
                CommitLostIT.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("commit")) {
                        gate.pass();
                    }
                    return call(connection, method, arguments);
                });
    }

    private static Object call(Object on, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(on, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void deferredConstraint_violatedAtCommit_isToldAndChangesNothing(Versioning versioning) {
        open(versioning);
        instances
                .sql()
                .run(
                        "CREATE TABLE parent (id bigint PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 6);"
                                + "ALTER TABLE item ADD FOREIGN KEY (amount) REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED");
        List<Runnable> calls = List.of(
                () -> items.save(Item.of(1, 7)),
                () -> items.saveAll(List.of(Item.of(2, 2), Item.of(3, 7))),
                () -> items.insert(Item.of(9, 7)),
                () -> items.update(4L, item -> item.plus(6)));
        calls.forEach(call -> assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        UnderstudyException.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED)));
        for (CachedRepository<Long, Item> on : List.of(items, there)) {
            assertThat(on.findAll(IDS).values()).allMatch(item -> item.amount() == 1);
            assertThat(on.readAll(IDS, Read.strong()).values())
                    .allMatch(found -> found.value().orElseThrow().amount() == 1);
            assertThat(on.find(9L)).isEmpty();
        }
        assertThat(instances.sql().rows("SELECT DISTINCT amount FROM item")).containsExactly("1");
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void savepointRollback_insideInTransaction_leavesTheCopiesAgreeing(Versioning versioning) throws Exception {
        open(versioning);
        behind.understudy().inTransaction(tx -> {
            Connection connection = tx.unwrap(Connection.class);
            tx.on(items).save(Item.of(1, 5));
            Savepoint savepoint = connection.setSavepoint();
            tx.on(items).save(Item.of(1, 9));
            tx.on(items).delete(2L);
            tx.on(items).insert(Item.of(9, 9));
            connection.rollback(savepoint);
            assertThat(tx.on(items).findAll(List.of(1L, 2L, 9L)).values())
                    .containsExactlyInAnyOrder(Item.of(1, 5), Item.of(2, 1));
            return true;
        });
        for (CachedRepository<Long, Item> on : List.of(items, there)) {
            await().atMost(Instances.MAX_STALENESS)
                    .untilAsserted(
                            () -> assertThat(on.findAll(List.of(1L, 2L, 9L)).values())
                                    .containsExactly(Item.of(1, 5), Item.of(2, 1)));
            assertThat(on.read(9L, Read.strong()).value()).isEmpty();
        }
    }
}
