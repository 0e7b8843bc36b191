package dev.understudy.demo;

import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.Understudy;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.adapters.redis.Redis;
import dev.understudy.model.Read;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.math.BigDecimal;
import java.time.Duration;

public class ReadmeProgram {
    record Product(long id, String name, BigDecimal price) {}

    public static void main(String[] args) {
        var table =
                PostgresTable.of(Product.class, "product").key(Product::id).versioning(Versioning.column("version"));
        try (var database = new HikariDataSource()) {
            database.setJdbcUrl(args[0]);
            table.install(database); // or give migrationSql() to your migration tool
            PostgresPrimary.on(database).build().install();
            try (var understudy = Understudy.builder()
                    .namespace("shop")
                    .shared(Redis.at(args[1]))
                    .primary(PostgresPrimary.on(database))
                    .build()) {
                var products =
                        understudy.repository(table).allowWriteBack(back -> {}).build();

                products.save(new Product(42, "chair", new BigDecimal("80.00"))); // Postgres has it
                products.update(
                        42L, old -> new Product(42, old.name(), new BigDecimal("75.00")), Write.back()); // Redis has it
                System.out.println(products.find(42L)); // the nearest copy that is fresh enough
                System.out.println(products.read(42L, Read.strong()).value()); // linearizable
                System.out.println(products.drain(Duration.ofSeconds(5))); // none left to drain
            }
        }
    }
}
