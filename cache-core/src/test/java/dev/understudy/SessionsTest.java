package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Read;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.spi.Item;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Sessions over several instances, with announcements held back where a protection is to be seen. */
class SessionsTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final Item OLD = new Item(1, "old", 1);
    private static final Item NEW = new Item(1, "new", 2);

    private final Cluster cluster = new Cluster(Versioning.column("us_version"));

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void nearEntry_newerThanTheConfirmedPosition_isNotShownToASessionThatGoesOn() {
        Node writer = cluster.start();
        Node first = cluster.start();
        Node second = cluster.start();
        writer.items.save(OLD);
        assertThat(second.items.find(1L)).contains(OLD);
        first.connection.holdAnnouncements();
        second.connection.holdAnnouncements();
        writer.items.save(NEW);
        assertThat(first.items.find(1L)).as("installed before its announcement").contains(NEW);
        Session session = Session.start();

        assertThat(first.items.in(session).find(1L)).contains(NEW);

        Session elsewhere = Session.resume(session.token());
        assertThat(second.items.in(elsewhere).find(1L)).as("never back").contains(NEW);
        first.connection.releaseAnnouncements();
        second.connection.releaseAnnouncements();
    }

    @Test
    void pendingWrite_restoredAfterAFlush_isStillReadByItsSession() {
        Node node = cluster.startPaused();
        node.items.save(OLD);
        Session session = Session.start();
        node.items.in(session).save(NEW, Write.back());

        cluster.server.flush();

        await().atMost(SOON).until(() -> node.items.lag().entries() == 1);
        assertThat(node.items.in(session).find(1L)).contains(NEW);
        assertThat(node.items.counters().uncoveredReads.sum()).isPositive();
    }

    @Test
    void sharedReplica_backWhileTheBreakerIsOpen_sessionDoesNotGetTheTrailingRow() {
        Node node = cluster.startPaused();
        node.items.save(OLD);
        Session session = Session.start();
        node.items.in(session).save(NEW, Write.back());
        cluster.server.reachable(false);
        for (int i = 0; i < 3; i++) {
            assertThat(node.items.read(1L, Read.bounded(Duration.ZERO)).mayTrail())
                    .isTrue();
        }
        cluster.server.reachable(true);

        assertThat(node.items.in(session).find(1L)).contains(NEW);
    }
}
