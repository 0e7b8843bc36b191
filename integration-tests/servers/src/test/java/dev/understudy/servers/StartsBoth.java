package dev.understudy.servers;

import java.io.IOException;

/** A main class that starts the shared servers, says where they are and what runs, and then does what its input says. */
final class StartsBoth {
    private StartsBoth() {}

    public static void main(String[] arguments) throws IOException {
        RedisServer redis = Servers.shared().redis();
        PostgresServer postgres = Servers.shared().postgres();
        System.out.println("servers: " + Servers.shared().description());
        System.out.println("redis " + redis.port());
        System.out.println("postgres " + postgres.jdbcUrl());
        System.out.println("folder " + redis.dataFolder().getParent());
        ProcessHandle.current().descendants().forEach(process -> System.out.println("process " + process.pid()));
        System.out.println("ready");
        int command = System.in.read();
        if (command == 'p') {
            redis.pause();
            postgres.pause();
            System.out.println("paused");
            command = System.in.read();
        }
    }
}
