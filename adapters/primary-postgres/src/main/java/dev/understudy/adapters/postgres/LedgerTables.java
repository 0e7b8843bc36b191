package dev.understudy.adapters.postgres;

/** The library's own tables: their names and their DDL. Immutable. */
final class LedgerTables {
    final String shard;
    final String tombstone;
    final String deadLetter;
    final String invalidation;
    final String drainer;
    private final String tombstoneIndex;
    private final String invalidationIndex;

    LedgerTables(String schema, String prefix) {
        TableName any = new TableName(schema, prefix);
        shard = any.qualified(prefix + "shard");
        tombstone = any.qualified(prefix + "tombstone");
        deadLetter = any.qualified(prefix + "dead_letter");
        invalidation = any.qualified(prefix + "invalidation");
        invalidationIndex = Identifier.quoted("index", prefix + "invalidation_cache");
        drainer = any.qualified(prefix + "drainer");
        tombstoneIndex = Identifier.quoted("index", prefix + "tombstone_at");
    }

    /** The DDL of all tables; it may be run again. */
    String migrationSql() {
        return shardSql() + "\n" + tombstoneSql() + "\n" + deadLetterSql() + "\n" + invalidationSql() + "\n"
                + drainerSql() + "\n";
    }

    /** Who may drain a shard, until when, and at which fencing epoch. */
    String shardSql() {
        return """
                CREATE TABLE IF NOT EXISTS %s (
                  cache text COLLATE "C" NOT NULL,
                  shard integer NOT NULL,
                  epoch bigint NOT NULL DEFAULT 0,
                  owner text NOT NULL DEFAULT '',
                  lease_until timestamptz NOT NULL DEFAULT '-infinity',
                  PRIMARY KEY (cache, shard)
                );""".formatted(shard);
    }

    /** Which instances drain at present, so that they share the shards. */
    String drainerSql() {
        return """
                CREATE TABLE IF NOT EXISTS %s (
                  cache text COLLATE "C" NOT NULL,
                  owner text COLLATE "C" NOT NULL,
                  until timestamptz NOT NULL,
                  PRIMARY KEY (cache, owner)
                );""".formatted(drainer);
    }

    /** Deletes of the recent past. */
    String tombstoneSql() {
        return """
                CREATE TABLE IF NOT EXISTS %1$s (
                  cache text COLLATE "C" NOT NULL,
                  key text COLLATE "C" NOT NULL,
                  version bigint NOT NULL,
                  at timestamptz NOT NULL DEFAULT clock_timestamp(),
                  PRIMARY KEY (cache, key)
                );
                CREATE INDEX IF NOT EXISTS %2$s ON %1$s (at);""".formatted(tombstone, tombstoneIndex);
    }

    /** Writes that the primary refused. */
    String deadLetterSql() {
        return """
                CREATE TABLE IF NOT EXISTS %s (
                  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                  cache text COLLATE "C" NOT NULL,
                  key text COLLATE "C" NOT NULL,
                  version bigint NOT NULL,
                  kind text NOT NULL,
                  base bigint NOT NULL,
                  payload bytea NOT NULL,
                  sqlstate text NOT NULL,
                  message text NOT NULL,
                  at timestamptz NOT NULL DEFAULT clock_timestamp(),
                  UNIQUE (cache, key, version)
                );""".formatted(deadLetter);
    }

    /** Changes that the shared replica has not been told of. */
    String invalidationSql() {
        return """
                CREATE TABLE IF NOT EXISTS %1$s (
                  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                  cache text COLLATE "C" NOT NULL,
                  key text COLLATE "C" NOT NULL,
                  version bigint NOT NULL,
                  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
                  at timestamptz NOT NULL DEFAULT clock_timestamp()
                );
                CREATE INDEX IF NOT EXISTS %2$s ON %1$s (cache, id);""".formatted(invalidation, invalidationIndex);
    }
}
