package dev.understudy.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The user that a Postgres runs as: the one of this JVM, or an unprivileged one when that is root, which Postgres refuses. */
enum RunAs {
    /** The user of this JVM. */
    SELF,
    /** User id 65534 through util-linux. */
    SETPRIV,
    /** The user nobody through util-linux. */
    RUNUSER,
    /** The user nobody through su. */
    SU;

    private static final int NOBODY = 65534;

    /** The first way that works here. */
    static RunAs unprivileged() {
        if (!RunFolder.current().isRoot()) {
            return SELF;
        }
        for (RunAs way : List.of(SETPRIV, RUNUSER, SU)) {
            if (way.works()) {
                return way;
            }
        }
        throw new IllegalStateException(
                "PostgreSQL does not run as root, and neither setpriv, runuser nor su can start it as another user here");
    }

    /** The command that runs {@code command} as this user, in the same process where the tool allows it. */
    List<String> command(List<String> command) {
        List<String> whole = new ArrayList<>();
        switch (this) {
            case SETPRIV ->
                whole.addAll(List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups", "--"));
            case RUNUSER -> whole.addAll(List.of("runuser", "-u", "nobody", "--"));
            case SU -> {
                StringBuilder line = new StringBuilder("exec");
                command.forEach(word ->
                        line.append(" '").append(word.replace("'", "'\\''")).append('\''));
                return List.of("su", "-s", "/bin/sh", "nobody", "-c", line.toString());
            }
            case SELF -> {}
        }
        whole.addAll(command);
        return whole;
    }

    /** Makes an empty folder this user's own. */
    void own(Path folder) throws IOException {
        switch (this) {
            case SELF -> {}
            case SETPRIV -> {
                Files.setAttribute(folder, "unix:gid", NOBODY);
                Files.setAttribute(folder, "unix:uid", NOBODY);
            }
            case RUNUSER, SU ->
                Files.setOwner(
                        folder,
                        folder.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody"));
        }
    }

    private boolean works() {
        try {
            return new ProcessBuilder(command(List.of("true")))
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException notInstalled) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UncheckedIOException(
                    new IOException("interrupted while trying " + name().toLowerCase(Locale.ROOT), e));
        }
    }
}
