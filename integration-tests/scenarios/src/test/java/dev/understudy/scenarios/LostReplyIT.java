package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import dev.understudy.servers.Servers;
import dev.understudy.servers.TcpProxy;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The connection to Redis is cut after a write-back has run there, and before it was answered. */
class LostReplyIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final Write BACK = Write.back().timeout(Duration.ofSeconds(8));

    @RegisterExtension
    final Instances instances = new Instances();

    private final AtomicInteger sent = new AtomicInteger();
    private TcpProxy proxy;
    private CachedRepository<Long, Item> direct;
    private Instance behind;
    private CachedRepository<Long, Item> items;

    private interface Change extends Function<CachedRepository<Long, Item>, WriteReceipt> {}

    static Stream<Arguments> writes() {
        return Stream.of(
                write("save", items -> items.save(Item.of(1, 2), BACK), Optional.of(Item.of(1, 2))),
                write("update", items -> items.update(1L, item -> item.plus(1), BACK), Optional.of(Item.of(1, 2))),
                write("delete", items -> items.delete(1L, BACK), Optional.empty()));
    }

    private static Arguments write(String name, Change change, Optional<Item> expected) {
        return Arguments.of(name, change, expected);
    }

    @BeforeEach
    void openInstances() {
        instances.createItems(COLUMN);
        direct = instances.items(instances.open(), COLUMN);
        direct.pauseDrain();
        proxy = instances.closing(TcpProxy.to(Servers.shared().redis()));
        instances.redisUri(proxy.redisUri());
        behind = instances.open();
        items = instances.items(behind, COLUMN, settings -> settings.allowWriteBack(back -> back.neverDrains()));
        instances.redisUri(Servers.shared().redis().uri());
        direct.save(Item.of(1, 1));
        assertThat(items.find(1L)).contains(Item.of(1, 1));
    }

    /** Does something to the connection just before the first write-back is sent, and counts them all. */
    private Rule atTheFirst(Runnable fault) {
        return behind.replica().watch(SharedCommand.WriteBack.class, call -> {
            if (sent.incrementAndGet() == 1) {
                fault.run();
            }
        });
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("writes")
    void writeBack_whoseReplyIsLost_isFoundByItsIdentityAndNotSentAgain(
            String name, Change change, Optional<Item> expected) {
        try (Rule rule = atTheFirst(proxy::holdReplies)) {
            Background<WriteReceipt> write = Background.begin(() -> change.apply(items));
            await("the script has run")
                    .atMost(Duration.ofSeconds(5))
                    .until(() -> direct.writeBackStatus().acked() == 1);
            proxy.cut();
            proxy.pass();
            WriteReceipt receipt = write.end();
            assertThat(receipt.version())
                    .isEqualTo(direct.read(1L, Read.strong()).version());
        }
        assertThat(sent).as("write-backs sent").hasValue(1);
        assertThat(direct.read(1L, Read.strong()).value()).isEqualTo(expected);
        direct.resumeDrain();
        assertThat(direct.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().row("SELECT amount FROM item WHERE id = 1"))
                .isEqualTo(expected.map(item -> "" + item.amount()));
        assertThat(direct.writeBackStatus().acked()).isEqualTo(1);
        assertThat(direct.writeBackStatus().applied()).isEqualTo(1);
    }

    @Test
    void writeBack_whoseReplyIsLostAndThatIsOvertaken_isUnknownAndNotSentAgain() {
        try (Rule rule = atTheFirst(proxy::holdReplies)) {
            Background<WriteReceipt> write = Background.begin(() -> items.save(Item.of(1, 2), BACK));
            await("the script has run")
                    .atMost(Duration.ofSeconds(5))
                    .until(() -> direct.writeBackStatus().acked() == 1);
            direct.save(Item.of(1, 3), Write.back());
            proxy.cut();
            proxy.pass();
            UnderstudyException unknown = catchThrowableOfType(UnderstudyException.class, write::end);
            assertThat(unknown).isNotNull();
            assertThat(unknown.outcome()).isEqualTo(Outcome.UNKNOWN);
        }
        assertThat(sent).as("write-backs sent").hasValue(1);
        instances.ackedElsewhere(1);
        direct.resumeDrain();
        assertThat(direct.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().row("SELECT amount FROM item WHERE id = 1")).contains("3");
    }

    @Test
    void writeBack_thatNeverArrived_isUnknownAndDoesNotArriveLater() {
        try (Rule rule = atTheFirst(proxy::blackhole)) {
            Background<WriteReceipt> write = Background.begin(() -> items.save(Item.of(1, 2), BACK));
            await().atMost(Duration.ofSeconds(5)).until(() -> sent.get() == 1);
            proxy.cut();
            proxy.pass();
            UnderstudyException unknown = catchThrowableOfType(UnderstudyException.class, write::end);
            assertThat(unknown).isNotNull();
            assertThat(unknown.outcome()).isEqualTo(Outcome.UNKNOWN);
        }
        assertThat(sent).as("write-backs sent").hasValue(1);
        assertThat(direct.read(1L, Read.strong()).value()).contains(Item.of(1, 1));
        assertThat(direct.writeBackStatus().acked()).isZero();
    }
}
