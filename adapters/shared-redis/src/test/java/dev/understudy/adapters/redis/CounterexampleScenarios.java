package dev.understudy.adapters.redis;

import static dev.understudy.adapters.redis.Mutation.of;
import static dev.understudy.adapters.redis.Scripts.*;
import static dev.understudy.adapters.redis.Stage.NO_CONDITION;
import static dev.understudy.adapters.redis.Stage.SECOND;

import java.util.List;

/** Interleavings that an earlier form of the protocol lost, and those of rules that random schedules do not reach. */
final class CounterexampleScenarios {
    private static final String FORGETS = "if ARGV[5]=='3' or ARGV[12]=='1' then return {'deleted',forget(e)} end";
    private static final String EXPECTED = "if gen~=tonumber(ARGV[4]) then return {'GEN'} end";
    private static final String OLD_GENERATION = "if g~=gen then";

    static final List<Scenario> ALL = List.of(
            new Scenario(
                    of("a delete leaves a tombstone with its version")
                            .edit(
                                    APPLY,
                                    FORGETS,
                                    "if ARGV[5]=='3' then e=e or blank(); e.kind=T; e.ver=ver; e.payload='';"
                                            + " save(e,ARGV[8]); return {'deleted',announce(ver,T)} end"),
                    "new/new",
                    s -> {
                        Stage.Writer insert = s.prepare("new");
                        Stage.Writer delete =
                                s.prepare(null).commit(); // there is no row: its version is above the insert's
                        insert.commit().apply();
                        delete.apply();
                        return s.ending();
                    }),
            new Scenario(
                    of("a skipped APPLY keeps the entry and its lease")
                            .edit(
                                    APPLY,
                                    "return {'skipped',forget(e)}",
                                    "if e then save(e) end return {'skipped',announce(MAXV,X)}"),
                    "skipped lost new/new",
                    s -> {
                        Stage.Writer save = s.prepare("new");
                        s.through(null);
                        s.lease(7);
                        ModelPrimary.Row loaded = s.stored();
                        String reply = save.commit().apply();
                        return reply + " " + s.fill(7, loaded) + " " + s.ending();
                    }),
            new Scenario(
                    of("a lease of before a failover fills")
                            .everywhere(EXPECTED, "if not gen then return {'GEN'} end")
                            .everywhere(OLD_GENERATION, "if false then"),
                    "GEN new/new",
                    s -> {
                        s.given("old");
                        s.lease(7);
                        ModelPrimary.Row loaded = s.stored();
                        List<Object[]> replicated = s.world.shard.snapshot(s.world.keys);
                        s.through("new");
                        long before = failOver(s, replicated);
                        long after = s.world.generation;
                        s.world.generation = before;
                        String reply = s.fill(7, loaded);
                        s.world.generation = after;
                        return reply + " " + s.ending();
                    }),
            new Scenario(
                    of("a marker of before a failover installs")
                            .everywhere(EXPECTED, "if not gen then return {'GEN'} end")
                            .everywhere(OLD_GENERATION, "if false then"),
                    "GEN t2/t2",
                    s -> {
                        s.through("t0");
                        Stage.Writer writer = s.prepare("t1");
                        List<Object[]> replicated = s.world.shard.snapshot(s.world.keys);
                        writer.commit();
                        s.through("t2");
                        failOver(s, replicated);
                        return writer.apply() + " " + s.ending();
                    }),
            new Scenario(
                            of("rule 24: without versions the later proposal is installed")
                                    .edit(APPLY, " or ARGV[12]=='1' then", " then"),
                            "t1/t1",
                            s -> {
                                Stage.Writer one = s.prepare("t1");
                                s.prepare("t2").commit().apply();
                                one.commit();
                                // The row is t1 now, and nothing in it says so.
                                one.apply();
                                return s.ending();
                            })
                    .on("none"),
            new Scenario(of("rule 3: commits though its marker was lost").without(Protection.RENEWAL), "old/old", s -> {
                s.through("old");
                Stage.Writer writer = s.prepare("new");
                s.pass(11 * SECOND);
                s.read();
                boolean isStanding = writer.renew().equals("OK");
                if (isStanding || !s.world.configuration.keeps(Protection.RENEWAL)) {
                    writer.commit(); // and vanishes
                } else {
                    writer.abort();
                }
                return s.ending();
            }),
            new Scenario(
                    of("rule 23: a pending value with other columns is replaced")
                            .edit(WRITEBACK, "string.sub(e.raw,e.p,e.p+#head-1)~=head", "false"),
                    "FOREIGN 2:b1/2:b1",
                    s -> {
                        s.back("2:b1");
                        s.world.history.begin(Stage.KEY, "1:b2", false);
                        String reply = s.call(WRITEBACK, 1, "1:b2", 9, NO_CONDITION, 0, s.limit, 0, "1:", 0)
                                .word();
                        return reply + " " + s.ending();
                    }));

    private CounterexampleScenarios() {}

    /** Another server takes over that has what was replicated; answers the generation that was. */
    private static long failOver(Stage s, List<Object[]> replicated) {
        long before = s.world.generation;
        s.world.shard.goBack(s.world.keys, replicated);
        s.world.era++;
        s.world.open();
        return before;
    }
}
