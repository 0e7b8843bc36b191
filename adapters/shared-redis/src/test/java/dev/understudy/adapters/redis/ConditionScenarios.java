package dev.understudy.adapters.redis;

import static dev.understudy.adapters.redis.Mutation.of;
import static dev.understudy.adapters.redis.Scripts.*;
import static dev.understudy.adapters.redis.Stage.BLIND;
import static dev.understudy.adapters.redis.Stage.MUST_BE_ABSENT;
import static dev.understudy.adapters.redis.Stage.MUST_EXIST;
import static dev.understudy.adapters.redis.Stage.NO_BASE;
import static dev.understudy.adapters.redis.Stage.NO_CONDITION;
import static dev.understudy.adapters.redis.Stage.SECOND;

import dev.understudy.model.Version;
import java.util.List;

/** Interleavings of conditions, bases and versions of write-backs, of corrections by the primary and of the counters. */
final class ConditionScenarios {
    static final List<Scenario> ALL = List.of(
            new Scenario(
                    of("MARKED: a condition is judged under a live marker")
                            .edit(WRITEBACK, "if condition~=-1 and marked(e) then", "if false then"),
                    "MARKED t/t",
                    s -> {
                        s.through("old");
                        long read = s.stored().version();
                        Stage.Writer writer = s.prepare("t");
                        Reply reply = s.back("b", 8, read, NO_BASE);
                        writer.commit().apply();
                        return reply.word() + " " + s.ending();
                    }),
            new Scenario(
                    of("COLD: what is not known counts as absent")
                            .edit(
                                    WRITEBACK,
                                    "local known=has(e)",
                                    "if base==-1 then base=0; e.a=wid; e.b=now end local known=has(e)"),
                    "COLD CONFLICT",
                    s -> {
                        long there = s.given("old");
                        String first = s.back("b", 8, MUST_BE_ABSENT, NO_BASE).word();
                        return first + " "
                                + s.back("b", 8, MUST_BE_ABSENT, there).word();
                    }),
            new Scenario(
                    of("COLD: a condition is judged by a load without a lease")
                            .edit(WRITEBACK, " or judged and base<MAXV and (e.a~=wid or e.b<now)", ""),
                    "COLD COLD absent/absent",
                    s -> {
                        long there = s.given("old");
                        String first = s.back("b", 8, MUST_EXIST, NO_BASE).word();
                        s.through(null);
                        String second = s.back("b", 8, MUST_EXIST, there).word();
                        return first + " " + second + " " + s.ending();
                    }),
            new Scenario(
                    of("COLD: a condition is judged by a load whose lease has ended")
                            .edit(WRITEBACK, "(e.a~=wid or e.b<now)", "e.a~=wid"),
                    "COLD COLD OK",
                    s -> {
                        long there = s.given("old");
                        String first = s.back("b", 8, MUST_EXIST, NO_BASE).word();
                        s.pass(3 * SECOND);
                        String second = s.back("b", 8, MUST_EXIST, there).word();
                        return first + " " + second + " "
                                + s.back("b", 8, MUST_EXIST, there).word();
                    }),
            new Scenario(
                    of("COLD: a suspect value counts as known")
                            .edit(WRITEBACK, "local known=has(e) and not suspect(e)", "local known=has(e)"),
                    "COLD CONFLICT t/t",
                    s -> {
                        s.through("old");
                        long read = s.stored().version();
                        Stage.Writer vanished = s.prepare("t").commit();
                        s.pass(11 * SECOND);
                        String first = s.back("b", 8, read, NO_BASE).word();
                        return first + " "
                                + s.back("b", 8, read, vanished.version).word() + " " + s.ending();
                    }),
            new Scenario(
                    of("COLD: a suspect pending write is judged by the load alone")
                            .edit(WRITEBACK, " or e.dirty and e.ver>base", ""),
                    "COLD CONFLICT",
                    s -> {
                        s.back("b1");
                        s.prepare("t"); // and vanishes
                        s.pass(11 * SECOND);
                        String first = s.back("b2", 8, MUST_BE_ABSENT, NO_BASE).word();
                        return first + " " + s.back("b2", 8, MUST_BE_ABSENT, 0).word();
                    }),
            new Scenario(
                    of("COLD: a refused write keeps its lease")
                            .edit(
                                    WRITEBACK,
                                    "if not known and not e.dirty and base<MAXV then redis.call('DEL',KEYS[1]) end",
                                    ""),
                    "COLD CONFLICT granted",
                    s -> {
                        long there = s.given("old");
                        String first = s.back("b", 8, MUST_BE_ABSENT, NO_BASE).word();
                        String second = s.back("b", 8, MUST_BE_ABSENT, there).word();
                        return first + " " + second + " " + s.lease(7);
                    }),
            new Scenario(
                    of("COLD: a blind write meets a condition")
                            .edit(WRITEBACK, "if current==MAXV then met=false; current=0\n  elseif", "if"),
                    "CONFLICT 0",
                    s -> {
                        Reply reply = s.back("b", 8, MUST_EXIST, BLIND);
                        return reply.word() + " " + reply.number(1);
                    }),
            new Scenario(of("rule 5: the base is not observed").edit(WRITEBACK, "observe(base)\n", ""), "b/b", s -> {
                long ahead = s.direct("direct", SECOND);
                s.back("b", 8, NO_CONDITION, ahead);
                return s.ending();
            }),
            new Scenario(
                    of("rule 5: WRITEBACK knows nothing")
                            .edit(WRITEBACK, "math.max(e.ver,credible(ARGV[11]))", "e.ver"),
                    "true",
                    s -> {
                        s.known = s.now() + SECOND / 20;
                        return String.valueOf(s.back("b") > s.known);
                    }),
            new Scenario(
                    of("the base is not kept").edit(WRITEBACK, "e.a=current; e.b=0", "e.a=MAXV; e.b=0"), "true", s -> {
                        s.through("old");
                        s.back("b");
                        return String.valueOf(EntryLayout.decode(s.world.shard.entry(Stage.KEY))
                                .base()
                                .equals(new Version(s.stored().version())));
                    }),
            new Scenario(
                    of("a record that a stranger deleted stays queued")
                            .edit(
                                    DRAINED,
                                    "if left[ARGV[1]] or redis.call('ZREM',KEYS[3],ARGV[1])==0 then return {'gone'} end\n  if redis.call('ZCARD',KEYS[3])==0 then bytes=0 end\n  lost=lost+1; put_meta(); return {'lost'}",
                                    "do return {'gone'} end"),
                    "lost 0",
                    s -> {
                        s.back("b");
                        s.strangerDeletesEntry();
                        Reply reply = s.call(DRAINED, 10, 1, "applied", 10, 1, "", "", "");
                        return reply.word() + " " + s.world.shard.queued();
                    }),
            new Scenario(
                    of("counters: a write-through does not count what it supersedes")
                            .edit(APPLY, "if e.own then superseded=superseded+1; hollow=hollow+1; e.own=false end", ""),
                    "superseded 1, hollow 1",
                    s -> {
                        s.back("b");
                        s.through("t");
                        ScriptedShard.Counters counters = s.world.shard.counters();
                        return "superseded " + counters.superseded() + ", hollow " + counters.hollow();
                    }),
            new Scenario(
                    of("counters: LOST is not acknowledged").edit(LOST, "acked=acked+ARGV[5]; ", ""), "lost 3", s -> {
                        s.call(LOST, 3);
                        return "lost " + s.world.shard.counters().lost();
                    }),
            new Scenario(
                    of("counters: what is queued without a meta counts for nothing")
                            .edit(OPEN, "acked=redis.call('ZCARD',KEYS[3])", "acked=0"),
                    "acked 1",
                    s -> {
                        s.back("b");
                        s.world.shard.deleteMeta();
                        s.world.open();
                        return "acked " + s.world.shard.counters().acked();
                    }),
            new Scenario(
                    of("correction: the corrected value is not announced")
                            .edit(DRAINED, "announce(MAXV,e.kind)", "put_meta()"),
                    "b then nothing",
                    s -> {
                        long version = s.back("b", 8, NO_CONDITION, 0).number(1);
                        s.read();
                        String before = s.near();
                        s.call(DRAINED, version, 1, "applied", World.TTL_MILLIS, 8, version + 1, "b!", 1);
                        return before + " then " + s.near();
                    }),
            new Scenario(
                    of("correction: announced by its version")
                            .edit(DRAINED, "announce(MAXV,e.kind)", "announce(fix,e.kind)"),
                    "b then nothing",
                    s -> {
                        long version = s.back("b", 8, NO_CONDITION, 0).number(1);
                        s.read();
                        String before = s.near();
                        s.call(DRAINED, version, 1, "applied", World.TTL_MILLIS, 8, version, "b!", 1);
                        return before + " then " + s.near();
                    }),
            new Scenario(
                    of("correction: its version is not observed").edit(DRAINED, "; observe(fix)", ""), "true", s -> {
                        long version = s.back("b", 8, NO_CONDITION, 0).number(1);
                        long ahead = s.now() + SECOND | 1;
                        s.call(DRAINED, version, 1, "applied", World.TTL_MILLIS, 8, ahead, "b!", 1);
                        s.world.shard.evict(Stage.KEY);
                        return String.valueOf(s.prepare("next").version > ahead);
                    }),
            new Scenario(
                    of("correction: the feed's word of it counts as another's")
                            .edit(DRAINED, "e.b>(fix or ver)", "e.b>ver"),
                    "corrected",
                    s -> {
                        long version = s.back("b", 8, NO_CONDITION, 0).number(1);
                        s.inval(version + 1);
                        return s.call(DRAINED, version, 1, "applied", World.TTL_MILLIS, 8, version + 1, "b!", 1)
                                .word();
                    }),
            new Scenario(
                    of("correction: the next record's base is what was sent")
                            .edit(DRAINED, "refused and MAXV or fix or", "refused and MAXV or"),
                    "true",
                    s -> {
                        long version = s.back("b1", 8, NO_CONDITION, 0).number(1);
                        s.back("b2", 9, NO_CONDITION, 0);
                        s.call(DRAINED, version, 1, "applied", World.TTL_MILLIS, 8, version + 1, "b1!", 1);
                        return String.valueOf(EntryLayout.decode(s.world.shard.entry(Stage.KEY))
                                        .base()
                                        .value()
                                == version + 1);
                    }));

    private ConditionScenarios() {}
}
