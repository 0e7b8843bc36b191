package dev.understudy.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class GivenServersIT {
    @Test
    void given_redis_isUsedAndNotBroken() {
        try (RedisServer redis = new GivenRedis("redis://somebody:secret@localhost")) {
            assertThat(redis.port()).isEqualTo(6379);
            assertThat(redis.isOwned()).isFalse();
            assertThat(redis.description()).isEqualTo("given Redis at localhost:6379");
            assertThatThrownBy(redis::kill)
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("cannot be killed");
        }
    }

    @Test
    void given_postgres_databasesAreDroppedAtItsClose() throws Exception {
        String url = Servers.shared().postgres().jdbcUrl();
        String database;
        try (PostgresServer postgres = new GivenPostgres(url)) {
            assertThat(postgres.port()).isEqualTo(Servers.shared().postgres().port());
            assertThat(postgres.user()).isEqualTo("postgres");
            assertThatThrownBy(postgres::pause).isInstanceOf(UnsupportedOperationException.class);
            database = EmbeddedPostgresIT.query(postgres.createDatabase("given"), "select current_database()");
            assertThat(count(url, database)).isEqualTo("1");
        }
        assertThat(count(url, database)).isEqualTo("0");
    }

    @Test
    void given_urlOfSomethingElse_isRefused() {
        assertThatThrownBy(() -> new GivenPostgres("jdbc:mysql://h/d")).hasMessageContaining("understudy.postgres");
        assertThatThrownBy(() -> new GivenRedis("localhost:6379")).hasMessageContaining("understudy.redis");
    }

    @Test
    void childJvm_withTheseServers_usesThem() {
        Servers servers = Servers.shared();
        try (ChildJvm child = ChildJvm.builder(SaysServers.class)
                .servers(servers.redis(), servers.postgres())
                .start()) {
            assertThat(child.await("servers: ", java.time.Duration.ofSeconds(60)))
                    .isEqualTo("servers: given Redis at 127.0.0.1:"
                            + servers.redis().port() + " and given PostgreSQL at 127.0.0.1:"
                            + servers.postgres().port());
        }
    }

    private static String count(String url, String database) throws Exception {
        return EmbeddedPostgresIT.query(url, "select count(*) from pg_database where datname = '" + database + "'");
    }

    /** A main class that says which servers it would use. */
    static final class SaysServers {
        private SaysServers() {}

        public static void main(String[] arguments) {
            System.out.println("servers: " + Servers.shared().description());
        }
    }
}
