package dev.understudy.demo;

import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.demo.Settings.Part;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The command line of the demo. Exit code 0: all checks held; 1: one did not, or a server failed; 2: bad options.
 *
 * <p>Servers, tables and keys that it made are removed at the end, also when it is interrupted. Not thread-safe.
 */
@Command(
        name = "demo",
        sortOptions = false,
        mixinStandardHelpOptions = true,
        version = "0.1.0-SNAPSHOT",
        usageHelpWidth = 96,
        description =
                "Shows Understudy at work on real servers: a race, killed servers and processes, throughput, and at the"
                        + " end a comparison of every copy.")
public final class Demo implements Callable<Integer> {
    /** Entries of each near replica. */
    static final int NEAR_SIZE = 10_000;
    /** System property: what the libraries' logs show; {@code error} unless given. */
    static final String LOG_LEVEL = "org.slf4j.simpleLogger.defaultLogLevel";

    private final PrintStream out;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--only", paramLabel = "race|kill|bench", description = "Shows one part only.")
    private @Nullable Part only;

    private int seconds = 6;
    private int threads = 4;
    private int rows = 100_000;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of every random choice; default ${DEFAULT-VALUE}.")
    private long seed = 1;

    private @Nullable String url;

    @Option(names = "--user", paramLabel = "NAME", description = "Database user for --url.")
    private @Nullable String user;

    @Option(names = "--password", paramLabel = "TEXT", description = "Password of that user.")
    private @Nullable String password;

    private @Nullable String redis;

    private Demo(PrintStream out) {
        this.out = out;
    }

    /** Runs the demo and ends the JVM with its exit code. */
    public static void main(String[] arguments) {
        if (System.getProperty(LOG_LEVEL) == null) {
            System.setProperty(LOG_LEVEL, "error");
        }
        System.exit(run(System.out, System.err, arguments));
    }

    /** Runs the demo; answers its exit code. */
    static int run(PrintStream out, PrintStream errors, String... arguments) {
        CommandLine line = new CommandLine(new Demo(out));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setOut(new PrintWriter(out, true, StandardCharsets.UTF_8));
        line.setErr(new PrintWriter(errors, true, StandardCharsets.UTF_8));
        line.setExecutionExceptionHandler((failure, command, parsed) -> {
            errors.println("The demo failed: " + messages(failure));
            return 1;
        });
        return line.execute(arguments);
    }

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "6",
            description = "Length of each measurement, 1 to 600; default ${DEFAULT-VALUE}.")
    void seconds(int value) {
        seconds = within("--seconds", value, 1, 600);
    }

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "4",
            description = "Threads of each load, 1 to 256; default ${DEFAULT-VALUE}.")
    void threads(int value) {
        threads = within("--threads", value, 1, 256);
    }

    @Option(
            names = "--rows",
            paramLabel = "N",
            defaultValue = "100000",
            description = "Rows of the table, 100 to 5000000; default ${DEFAULT-VALUE}.")
    void rows(int value) {
        rows = within("--rows", value, 100, 5_000_000);
    }

    @Option(
            names = "--url",
            paramLabel = "JDBC",
            description =
                    "A PostgreSQL of your own, jdbc:postgresql://host:port/database; the demo makes a schema there and drops"
                            + " it. Default: an embedded one.")
    void url(String value) {
        if (!value.startsWith("jdbc:postgresql://")) {
            throw bad("--url must begin with jdbc:postgresql://");
        }
        url = value;
    }

    @Option(
            names = "--redis",
            paramLabel = "URI",
            description =
                    "A Redis of your own, redis://[user:password@]host[:port]; it is not killed, the way to it is cut."
                            + " Default: an embedded one.")
    void redis(String value) {
        try {
            URI uri = URI.create(value);
            if (!"redis".equals(uri.getScheme()) || uri.getHost() == null) {
                throw bad("--redis must be redis://[user:password@]host[:port]");
            }
        } catch (IllegalArgumentException e) {
            throw bad("--redis must be redis://[user:password@]host[:port]");
        }
        redis = value;
    }

    @Override
    public Integer call() {
        if ((user != null || password != null) && url == null) {
            throw bad("--user and --password go with --url");
        }
        Settings settings = new Settings(
                Optional.ofNullable(url),
                Optional.ofNullable(user),
                Optional.ofNullable(password),
                Optional.ofNullable(redis),
                Optional.ofNullable(only),
                seconds,
                threads,
                rows,
                seed);
        Report report = new Report(out);
        long begin = System.nanoTime();
        show(settings, report);
        report.say("");
        if (report.failures().isEmpty()) {
            report.say(String.format(
                    Locale.ROOT,
                    "All checks held. %.0f s; servers and data removed.",
                    (System.nanoTime() - begin) / 1e9));
            return 0;
        }
        report.say("These checks did NOT hold: " + String.join("; ", report.failures()) + ".");
        return 1;
    }

    private static void show(Settings settings, Report report) {
        Shop shop = new Shop(settings);
        Thread interrupted = new Thread(shop::close, "demo-clean-up");
        Runtime.getRuntime().addShutdownHook(interrupted);
        try (shop) {
            report.say("Understudy demo: " + Report.number(settings.rows()) + " products, " + settings.threads()
                    + " threads, seed " + settings.seed() + "; starting servers.");
            Address address = shop.start(report);
            shop.fill(address, report);
            HikariDataSource pool = shop.onClose(Instance.pool(address, Instance.CONNECTIONS));
            Instance first = shop.onClose(Instance.open(address, NEAR_SIZE, true));
            Instance second = shop.onClose(Instance.open(address, NEAR_SIZE, false));
            Touched touched = new Touched(settings.rows());
            Zipf zipf = Zipf.of(settings.rows(), settings.seed());
            Sql plain = new Sql(pool, Shop.PLAIN_TABLE);
            Sql sql = new Sql(pool, Shop.TABLE);
            if (settings.shows(Part.RACE)) {
                CacheAside aside =
                        shop.onClose(new CacheAside(address.redisUri(), address.namespace() + ":plain:", plain));
                new Race(report, settings, touched, plain, aside, first.products(), second.products()).run();
            }
            if (settings.shows(Part.KILL)) {
                new Outage(report, settings, touched, shop, zipf, first.products()).run();
                new TakeOver(report, settings, touched, address, sql, first.products()).run();
            }
            if (settings.shows(Part.BENCH)) {
                new Bench(report, settings, touched, zipf, plain, first.products()).run();
            }
            Instance fresh = shop.onClose(Instance.open(address, 0, false));
            new Comparison(report, sql).run(touched.ids(), fresh.products(), first.products(), second.products());
        } finally {
            forget(interrupted);
        }
    }

    private static void forget(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException ending) {
            // The JVM is ending: the hook runs already.
            return;
        }
    }

    private int within(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw bad(option + " " + value + " is outside " + least + " to " + most);
        }
        return value;
    }

    private ParameterException bad(String message) {
        if (spec == null) {
            throw new IllegalStateException(message);
        }
        return new ParameterException(spec.commandLine(), message);
    }

    private static String messages(Throwable failure) {
        StringBuilder all = new StringBuilder();
        for (Throwable one = failure; one != null; one = one.getCause()) {
            all.append(all.length() == 0 ? "" : ": ")
                    .append(one.getMessage() == null ? one.getClass().getSimpleName() : one.getMessage());
        }
        return all.toString();
    }
}
