package dev.understudy.adapters.redis;

import static dev.understudy.adapters.redis.Mutation.of;
import static dev.understudy.adapters.redis.Scripts.*;
import static dev.understudy.adapters.redis.Stage.SECOND;

import java.util.List;

/** Interleavings of write-throughs and fills. */
final class ThroughScenarios {
    private static final String VOID = "if not e.dirty then e.a=0; e.b=0 end";
    private static final String INSTALLS = "if not e or late or e.kind==X or tonumber(ARGV[10])<=e.ft or ";
    private static final String DISTRUST = "then e.kind=L; e.payload=''; e.pc=0";
    private static final String EXPECTED = "if gen~=tonumber(ARGV[4]) then return {'GEN'} end";

    static final List<Scenario> ALL = List.of(
            new Scenario(of("A1: PREPARE leaves leases").edit(PREPARE, VOID, ""), "lost", s -> {
                s.given("old");
                s.lease(7);
                ModelPrimary.Row loaded = s.stored();
                s.prepare("new");
                return s.fill(7, loaded);
            }),
            new Scenario(
                    of("A1: neither PREPARE nor APPLY ends a lease")
                            .edit(PREPARE, VOID, "")
                            .edit(
                                    APPLY,
                                    "e.a=0; e.b=0\n  save(e,ARGV[8]); return {'applied'",
                                    "save(e,ARGV[8]); return {'applied'"),
                    "new/new",
                    s -> {
                        s.given("old");
                        s.lease(7);
                        ModelPrimary.Row loaded = s.stored();
                        s.through("new");
                        s.fill(7, loaded);
                        return s.ending();
                    }),
            new Scenario(
                    of("A2: installs without an entry")
                            .edit(APPLY, "if not e or late or", "e=e or blank(); if late or"),
                    "skipped",
                    s -> {
                        Stage.Writer writer = s.prepare("new").commit();
                        s.strangerDeletesEntry();
                        return writer.apply();
                    }),
            new Scenario(
                    of("A2: forgottenAt and X ignored").edit(APPLY, INSTALLS, "if not e or late or "),
                    "absent/absent",
                    s -> {
                        Stage.Writer save = s.prepare("new");
                        Stage.Writer delete = s.prepare(null);
                        save.commit();
                        delete.commit().apply();
                        save.apply();
                        return s.ending();
                    }),
            new Scenario(
                    of("A2: forgottenAt ignored").edit(APPLY, "tonumber(ARGV[10])<=e.ft or ", ""),
                    "absent absent/absent",
                    s -> {
                        Stage.Writer save = s.prepare("new").commit();
                        s.through(null);
                        String between = s.read();
                        save.apply();
                        return between + " " + s.ending();
                    }),
            new Scenario(of("A2: X ignored").edit(APPLY, "e.kind==X or ", ""), "skipped", s -> {
                Stage.Writer first = s.prepare("t1");
                s.through(null);
                Stage.Writer later = s.prepare("t2").commit();
                String reply = later.apply();
                first.abort();
                return reply;
            }),
            new Scenario(
                    of("A2: clean tombstone ignored").edit(APPLY, " or (e.kind==T and ver<e.ver) then", " then"),
                    "new/new",
                    s -> {
                        Stage.Writer save = s.prepare("new");
                        s.back(null);
                        s.drain();
                        save.commit().apply();
                        return s.ending();
                    }),
            new Scenario(
                    of("A2: versions of clean entries not compared")
                            .edit(APPLY, "if ver>e.ver then\n  e.kind=V", "if true then\n  e.kind=V"),
                    "t2/t2",
                    s -> {
                        s.through("t0");
                        Stage.Writer one = s.prepare("t1").commit();
                        s.through("t2");
                        one.apply();
                        return s.ending();
                    }),
            new Scenario(
                    of("A5: FILL without a lease")
                            .edit(
                                    FILL,
                                    "if not e or e.dirty or e.a~=tonumber(ARGV[5]) or e.b<now then",
                                    "e=e or blank(); if e.dirty then"),
                    "lost new/new",
                    s -> {
                        s.given("old");
                        s.lease(7);
                        ModelPrimary.Row loaded = s.stored();
                        s.through("new");
                        s.world.shard.evict(Stage.KEY);
                        return s.fill(7, loaded) + " " + s.ending();
                    }),
            new Scenario(of("A5: FILL after the lease ended").edit(FILL, " or e.b<now then", " then"), "lost", s -> {
                s.lease(7);
                s.pass(3 * SECOND);
                return s.fill(7, null);
            }),
            new Scenario(
                    of("A6: PREPARE trusts a suspect value")
                            .edit(PREPARE, "if distrust then e.kind=L; e.payload=''; e.pc=0 end", ""),
                    "new",
                    s -> {
                        s.through("old");
                        s.prepare("new").commit(); // and vanishes
                        s.pass(11 * SECOND);
                        s.prepare("other");
                        return s.read();
                    }),
            new Scenario(
                    of("A6: PREPARE trusts a suspect value and resets the mark").edit(PREPARE, DISTRUST, "then e.pc=0"),
                    "new/new",
                    s -> {
                        s.through("old");
                        s.prepare("new").commit(); // and vanishes
                        s.pass(11 * SECOND);
                        s.prepare("other").abort();
                        return s.ending();
                    }),
            new Scenario(
                    of("A6: PREPARE distrusts unannounced")
                            .edit(PREPARE, "if distrust then announce(MAXV,X) else put_meta() end", "put_meta()"),
                    "old then nothing",
                    s -> {
                        s.through("old");
                        s.read();
                        String before = s.near();
                        s.prepare("new").commit(); // and vanishes
                        s.pass(11 * SECOND);
                        s.prepare("other").abort();
                        return before + " then " + s.near();
                    }),
            new Scenario(
                    of("A6: LEASE distrusts unannounced").edit(LEASE, "if distrust then announce(MAXV,X) end", ""),
                    "old then nothing",
                    s -> {
                        s.through("old");
                        s.read();
                        String before = s.near();
                        s.prepare("new").commit(); // and vanishes
                        s.pass(11 * SECOND);
                        s.lease(7);
                        return before + " then " + s.near();
                    }),
            new Scenario(
                    of("A6: LEASE trusts a suspect value").edit(LEASE, "(has(e) and not suspect(e))", "has(e)"),
                    "new/new",
                    s -> {
                        s.through("old");
                        s.prepare("new").commit(); // and vanishes
                        s.pass(11 * SECOND);
                        return s.ending();
                    }),
            new Scenario(
                    of("A6: FILL resets a mark that became suspect after the load")
                            .edit(FILL, "save(e,ARGV[9])", "if suspect(e) then e.pc=0; e.pd=0 end save(e,ARGV[9])"),
                    "filled new/new",
                    s -> {
                        s.given("old");
                        Stage.Writer writer = s.prepare("new");
                        s.pass(9 * SECOND);
                        s.lease(7);
                        ModelPrimary.Row loaded = s.stored();
                        writer.commit(); // and vanishes
                        s.pass(SECOND + SECOND / 2);
                        return s.fill(7, loaded) + " " + s.ending();
                    }),
            new Scenario(
                    of("marked entries have a TTL")
                            .edit(PREPARE, "\nreturn {'OK'", "\nredis.call('PEXPIRE',KEYS[1],60000)\nreturn {'OK'"),
                    "false",
                    s -> {
                        s.prepare("new");
                        return String.valueOf(s.world.shard.evict(Stage.KEY));
                    }),
            new Scenario(
                    of("rule 15: commits after the deadline").without(Protection.COMMIT_DEADLINE), "old/old", s -> {
                        s.through("old");
                        ThroughWriter frozen = new ThroughWriter(s.world, Stage.KEY, false);
                        frozen.advance();
                        s.pass(11 * SECOND);
                        s.read();
                        frozen.advance();
                        frozen.advance();
                        frozen.crash();
                        return s.ending();
                    }),
            new Scenario(
                    of("rule 3: RENEW finds every marker")
                            .edit(
                                    RENEW,
                                    "if not e or not marked(e) or tonumber(ARGV[6])<now then",
                                    "e=e or blank(); if false then"),
                    "LOST",
                    s -> {
                        Stage.Writer writer = s.prepare("new");
                        s.pass(11 * SECOND);
                        s.read();
                        return writer.renew();
                    }),
            new Scenario(
                    of("rule 3: RENEW takes another writer's marker for its own")
                            .edit(RENEW, " or tonumber(ARGV[6])<now then", " then"),
                    "LOST",
                    s -> {
                        Stage.Writer writer = s.prepare("new");
                        s.pass(11 * SECOND);
                        s.prepare("other");
                        return writer.renew();
                    }),
            new Scenario(
                    of("rule 3: RENEW extends nothing").edit(RENEW, "e.pd=math.max(e.pd,deadline)", ""),
                    "OK hit",
                    s -> {
                        s.through("old");
                        Stage.Writer writer = s.prepare("new");
                        s.pass(9 * SECOND);
                        String reply = writer.renew();
                        s.pass(3 * SECOND);
                        return reply + " " + s.lease(7);
                    }),
            new Scenario(
                    of("rule 27: INVAL trusts a negative entry")
                            .edit(INVAL, "e.kind==V and e.ver>=ver", "has(e) and e.ver>=ver"),
                    "inserted/inserted",
                    s -> {
                        s.back(null);
                        s.drain();
                        s.inval(s.direct("inserted", -1000)); // by a clock a little behind
                        return s.ending();
                    }),
            new Scenario(
                    of("rule 8: generation not compared").everywhere(EXPECTED, "if not gen then return {'GEN'} end"),
                    "GEN GEN GEN GEN GEN GEN GEN GEN GEN GEN",
                    s -> {
                        s.world.era++;
                        long old = s.world.generation;
                        s.world.open();
                        s.world.generation = old;
                        return String.join(
                                " ",
                                List.of(
                                        s.call(PREPARE, 10, 0).word(),
                                        s.call(RENEW, 10, s.now()).word(),
                                        s.call(APPLY, "A", 0, "", 1, 0, 0, 1, 0).word(),
                                        s.lease(7),
                                        s.fill(7, null),
                                        s.back("b", 8, -1, 0).word(),
                                        s.call(RESTORE, 1, "b", 9, 10).word(),
                                        s.call(PEEK, s.now(), 10, ScriptedShard.ENTRY)
                                                .word(),
                                        s.call(DRAINED, 10, 1, "applied", 10, 1, "", "", "")
                                                .word(),
                                        s.inval(0)));
                    }),
            new Scenario(
                    of("rule 8: entries of another generation trusted").everywhere("if g~=gen then", "if false then"),
                    "granted",
                    s -> {
                        s.through("old");
                        s.world.era++;
                        s.world.open();
                        return s.lease(7);
                    }),
            new Scenario(
                    of("rule 8: neither the argument nor the entry compared")
                            .everywhere(EXPECTED, "if not gen then return {'GEN'} end")
                            .everywhere("if g~=gen then", "if false then"),
                    "GEN",
                    s -> {
                        s.through("old");
                        long old = s.world.generation;
                        s.world.era++;
                        s.world.open();
                        s.world.generation = old;
                        return s.lease(7);
                    }),
            new Scenario(
                    of("rule 8: a new generation is not announced").edit(OPEN, "publish(MAXV,0)", ""),
                    "old then nothing",
                    s -> {
                        s.through("old");
                        s.read();
                        String before = s.near();
                        s.world.era++;
                        s.world.open();
                        return before + " then " + s.near();
                    }),
            new Scenario(
                    of("OPEN lets the clock go back").edit(OPEN, "math.max(clock+AHEAD,now+SKEW)", "now+SKEW"),
                    "true",
                    s -> {
                        long ahead = s.direct("new", SECOND);
                        s.inval(ahead);
                        s.world.era++;
                        s.world.open();
                        return String.valueOf(s.prepare("next").version > ahead);
                    }),
            new Scenario(
                    of("restarts drive the clock ahead, and a lost one begins behind it")
                            .edit(OPEN, "math.max(clock+AHEAD,now+SKEW)", "math.max(clock,now)+SKEW"),
                    "b/b",
                    s -> {
                        for (int restarts = 0; restarts < 5; restarts++) {
                            s.world.era++;
                            s.world.open();
                        }
                        s.through("t");
                        s.through(null);
                        s.pass(SECOND / 10);
                        s.world.shard.flush(s.world.keys);
                        s.world.open();
                        s.back("b"); // acknowledged, and the drain meets the tombstone
                        return s.ending();
                    }),
            new Scenario(
                    of("rule 5: FILL observes nothing").edit(FILL, "if observe(ver) then put_meta() end", ""),
                    "lost true",
                    s -> {
                        long ahead = s.direct("new", SECOND);
                        String reply = s.fill(7, s.stored());
                        return reply + " " + (s.prepare("next").version > ahead);
                    }),
            new Scenario(of("rule 5: APPLY observes nothing").edit(APPLY, "observe(ver)\nif", "if"), "true", s -> {
                Stage.Writer writer = s.prepare("new");
                s.direct("direct", SECOND);
                writer.commit().apply();
                s.world.shard.evict(Stage.KEY);
                return String.valueOf(s.prepare("next").version > writer.version);
            }),
            new Scenario(
                    of("rule 5: PREPARE knows nothing").edit(PREPARE, "math.max(e.ver,credible(ARGV[6]))", "e.ver"),
                    "true",
                    s -> {
                        s.known = s.now() + SECOND / 20;
                        return String.valueOf(s.prepare("next").version > s.known);
                    }),
            new Scenario(
                    of("a forged version moves the clock")
                            .everywhere("math.min(tonumber(ver),now+100000)", "tonumber(ver)"),
                    "true",
                    s -> {
                        s.known = s.now() + SECOND;
                        return String.valueOf(s.prepare("next").version < s.known);
                    }),
            new Scenario(
                    of("announcements: APPLY is silent")
                            .edit(APPLY, "put_meta(entry); publish(ver,flags)", "put_meta(entry)"),
                    "old then nothing",
                    s -> {
                        s.through("old");
                        s.read();
                        String before = s.near();
                        s.through("new");
                        return before + " then " + s.near();
                    }));

    private ThroughScenarios() {}
}
