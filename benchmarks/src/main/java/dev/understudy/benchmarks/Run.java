package dev.understudy.benchmarks;

import dev.understudy.servers.RedisServer.AppendFsync;

/**
 * What all parts of one run have in common. Immutable, but for the figures.
 *
 * @param figures where a part's figures go
 * @param appendFsync when Redis forces its append-only file to disk
 * @param repetitions measurements of each way
 * @param seconds length of one measurement
 * @param warmUp seconds of each way before it is measured
 */
record Run(Figures figures, AppendFsync appendFsync, int repetitions, double seconds, double warmUp) {
    /** Servers of the part's own. */
    World world() {
        return new World(appendFsync);
    }

    Contest.Results results(Contest contest) throws Exception {
        return contest.run(repetitions, seconds, warmUp);
    }

    /** The same with measurements half as long, of code that an earlier part has warmed up. */
    Run halved() {
        return new Run(figures, appendFsync, repetitions, seconds / 2, seconds / 2);
    }

    /** The same on servers of that kind. */
    Run with(AppendFsync policy) {
        return new Run(figures, policy, repetitions, seconds, warmUp);
    }
}
