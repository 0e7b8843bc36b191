package dev.understudy.benchmarks;

import dev.understudy.spi.ForwardingPrimary;
import dev.understudy.spi.Primary;
import dev.understudy.spi.SharedCache;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedReplica;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentSkipListMap;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/** How long the steps of a write-through take: a stopwatch around each call of the ports. Thread-safe. */
final class Steps {
    private static final long LONGEST_NANOS = 60_000_000_000L;

    private final Map<String, Histogram> times = new ConcurrentSkipListMap<>();

    private void took(String step, long since) {
        times.computeIfAbsent(step, name -> new ConcurrentHistogram(LONGEST_NANOS, 3))
                .recordValue(Math.min(LONGEST_NANOS, System.nanoTime() - since));
    }

    /** What was measured since the last time: a line for each step. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        times.forEach((step, recording) -> {
            Histogram histogram = recording.copy();
            lines.add(String.format(
                    "%-28s %8d times, p50 %7.0f us, p99 %7.0f us, mean %7.0f us",
                    step,
                    histogram.getTotalCount(),
                    histogram.getValueAtPercentile(50) / 1e3,
                    histogram.getValueAtPercentile(99) / 1e3,
                    histogram.getMean() / 1e3));
        });
        times.clear();
        return lines;
    }

    /** The primary, with a stopwatch. */
    Primary of(Primary primary) {
        return new Timed(primary);
    }

    private final class Timed extends ForwardingPrimary {
        Timed(Primary primary) {
            super(primary);
        }

        @Override
        public <T> T call(Use use, Duration timeout, Work<T> work) {
            long begin = System.nanoTime();
            long[] worked = {begin};
            T result = super.call(use, timeout, connection -> {
                took("primary " + use + " 1 connect", begin);
                long since = System.nanoTime();
                T answer = work.on(connection);
                worked[0] = System.nanoTime();
                took("primary " + use + " 2 statements", since);
                return answer;
            });
            took("primary " + use + " 3 commit", worked[0]);
            return result;
        }
    }

    /** The shared replica, with a stopwatch. */
    SharedReplica of(SharedReplica replica) {
        return (SharedReplica) Proxy.newProxyInstance(
                Steps.class.getClassLoader(), new Class<?>[] {SharedReplica.class}, (proxy, method, arguments) -> {
                    try {
                        Object answer = method.invoke(replica, arguments);
                        return answer instanceof SharedCache cache ? of(cache) : answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private SharedCache of(SharedCache cache) {
        return (SharedCache) Proxy.newProxyInstance(
                Steps.class.getClassLoader(), new Class<?>[] {SharedCache.class}, (proxy, method, arguments) -> {
                    long since = System.nanoTime();
                    try {
                        Object answer = method.invoke(cache, arguments);
                        if (method.getName().equals("submit") && arguments[0] instanceof SharedCommand<?> command) {
                            String name = "shared " + command.getClass().getSimpleName();
                            ((CompletionStage<?>) answer).whenComplete((reply, failure) -> took(name, since));
                        }
                        return answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
