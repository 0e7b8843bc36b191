package dev.understudy.servers;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Properties;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * The servers' programs, taken out of the jars on the class path once per user and version.
 *
 * <p>A folder of programs appears under its name complete or not at all, so JVMs may unpack at the same time; the number of
 * its files is kept in it, so that a folder that lost some is noticed and replaced.
 */
final class Binaries {
    static final String REDIS_VERSION = "7.0.15";
    private static final String COUNT = "complete";

    private Binaries() {}

    /** Version of the Postgres programs on the class path, such as {@code 18.6}. */
    static String postgresVersion() {
        return postgresArtifactVersion().replaceFirst("\\.0$", "");
    }

    /** The {@code redis-server} program. */
    static Path redis() throws IOException {
        String name = "redis-server-" + REDIS_VERSION + "-" + (isMac() ? "darwin" : "linux") + "-"
                + (isArm() ? "arm64" : "amd64");
        return unpacked("redis-" + REDIS_VERSION, folder -> {
                    try (InputStream in = resource(name)) {
                        Path file = folder.resolve("redis-server");
                        Files.copy(in, file);
                        mode(file, true);
                    }
                })
                .resolve("redis-server");
    }

    /** The folder above {@code bin}, {@code lib} and {@code share} of Postgres. */
    static Path postgres() throws IOException {
        String name = "postgres-" + (isMac() ? "darwin" : "linux") + "-" + (isArm() ? "arm_64" : "x86_64") + ".txz";
        return unpacked("postgres-" + postgresArtifactVersion(), folder -> {
            try (InputStream in = resource(name);
                    TarArchiveInputStream tar =
                            new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(in, 1 << 16)))) {
                unpack(tar, folder);
            }
        });
    }

    private static Path unpacked(String name, Unpacking unpacking) throws IOException {
        Path home = RunFolder.current().home();
        Path target = home.resolve(name);
        if (isComplete(target)) {
            return target;
        }
        Path fresh = Files.createDirectory(home.resolve("unpacking-" + UUID.randomUUID()));
        try {
            mode(fresh, true);
            unpacking.into(fresh);
            Files.writeString(fresh.resolve(COUNT), Long.toString(countFiles(fresh) + 1));
            if (Files.exists(target) && !isComplete(target)) {
                Path broken = home.resolve("broken-" + UUID.randomUUID());
                Files.move(target, broken);
                RunFolder.deleteTree(broken);
            }
            Files.move(fresh, target);
        } catch (IOException e) {
            if (!isComplete(target)) {
                throw e;
            }
            // another JVM was faster; its copy is as good
        } finally {
            RunFolder.deleteTree(fresh);
        }
        return target;
    }

    private static void unpack(TarArchiveInputStream tar, Path folder) throws IOException {
        for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
            Path path = folder.resolve(entry.getName()).normalize();
            if (!path.startsWith(folder)) {
                throw new IOException("an archive of Postgres points outside of its folder");
            }
            if (entry.isDirectory()) {
                Files.createDirectories(path);
                mode(path, true);
                continue;
            }
            Path parent = path.getParent();
            if (parent != null && !Files.exists(parent)) {
                Files.createDirectories(parent);
                mode(parent, true);
            }
            if (entry.isSymbolicLink()) {
                Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
            } else if (entry.isLink()) {
                Files.createLink(path, folder.resolve(entry.getLinkName()).normalize());
            } else {
                Files.copy(tar, path);
                mode(path, (entry.getMode() & 0100) != 0);
            }
        }
    }

    private static boolean isComplete(Path folder) throws IOException {
        Path count = folder.resolve(COUNT);
        return Files.exists(count)
                && Files.readString(count, StandardCharsets.UTF_8).equals(Long.toString(countFiles(folder)));
    }

    private static long countFiles(Path folder) throws IOException {
        try (Stream<Path> walk = Files.walk(folder)) {
            return walk.filter(path -> !Files.isDirectory(path)).count();
        }
    }

    private static void mode(Path path, boolean executable) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(executable ? "rwxr-xr-x" : "rw-r--r--"));
    }

    private static InputStream resource(String name) {
        InputStream in = Binaries.class.getResourceAsStream("/" + name);
        if (in == null) {
            throw new IllegalStateException(
                    "no " + name + " on the class path: embedded servers run on Linux and macOS,"
                            + " amd64 and arm64; elsewhere give -D" + Servers.REDIS + " and -D" + Servers.POSTGRES);
        }
        return in;
    }

    private static String postgresArtifactVersion() {
        Properties properties = new Properties();
        try (InputStream in = Binaries.class.getResourceAsStream("versions.properties")) {
            properties.load(in);
        } catch (IOException e) {
            throw new IllegalStateException("versions.properties cannot be read", e);
        }
        return properties.getProperty("postgres", "unknown");
    }

    private static boolean isMac() {
        return System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("mac");
    }

    private static boolean isArm() {
        return System.getProperty("os.arch").equals("aarch64");
    }

    /** Fills an empty folder. */
    private interface Unpacking {
        void into(Path folder) throws IOException;
    }
}
