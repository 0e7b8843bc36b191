package dev.understudy.adapters.redis;

import static dev.understudy.adapters.redis.Mutation.of;
import static dev.understudy.adapters.redis.Scripts.*;
import static dev.understudy.adapters.redis.Stage.NO_CONDITION;
import static dev.understudy.adapters.redis.Stage.SECOND;

import java.util.List;

/** Interleavings of write-backs, drains and both modes on one key. */
final class BackScenarios {
    private static final String DIRTY_APPLY = "if e and e.dirty then\n  local deleted";
    private static final String LEAVE = "if e.own then superseded=superseded+1 else hollow=hollow-1 end"
            + " e.own=false; e.dirty=false; e.a=0; e.b=0; redis.call('ZREM',KEYS[3],ARGV[1]) end\n";
    private static final String DRAIN_DELETE_AGAIN = "if e.kind==T then e.wid=tonumber(ARGV[11]) end";
    private static final String MATCHES = "if e.ver>ver or e.wid~=tonumber(ARGV[9]) then";
    private static final String NOT_DRAINED_YET = "if deleted and ver<=e.ver then";
    private static final String ANNOUNCED = "return {'OK',e.ver,announce(e.ver,e.kind+8,encode(e)),";
    private static final String GONE =
            "if e and (e.kind==N or e.kind==L and e.a>0 or e.kind~=X and e.kind~=L and e.ver<ver) then";

    static final List<Scenario> ALL = List.of(
            new Scenario(
                    of("rule 1: superseding removes the pending record")
                            .edit(
                                    APPLY,
                                    DIRTY_APPLY,
                                    "if e and e.dirty and ver>e.ver and ARGV[5]~='3' then " + LEAVE + DIRTY_APPLY)
                            .without(Protection.DRAIN_TOMBSTONES),
                    "absent/absent",
                    BackScenarios::peekedThenSupersededThenDeleted),
            new Scenario(
                    of("rule 2: the library's INVAL ignores a pending record")
                            .edit(
                                    APPLY,
                                    DIRTY_APPLY,
                                    "if e and e.dirty and deadline==0 then put_meta(); return {'older',pos} end\n"
                                            + DIRTY_APPLY),
                    "superseded t t/t",
                    BackScenarios::answerOfApplyLost),
            new Scenario(of("rule 2: no INVAL when APPLY has no answer").without(Protection.LIBRARY_INVAL), "t", s -> {
                s.back("b");
                Stage.Writer writer = s.prepare("t").commit();
                if (s.world.configuration.keeps(Protection.LIBRARY_INVAL)) {
                    writer.invalidate();
                }
                return s.read();
            }),
            new Scenario(
                    of("rule 2: a strong read ignores the marker on a pending record")
                            .without(Protection.STRONG_MARKER),
                    "t",
                    s -> {
                        s.back("b");
                        s.prepare("t").commit(); // and vanishes
                        return s.strongRead();
                    }),
            new Scenario(
                    of("A3: a delete drops the pending record")
                            .edit(APPLY, DIRTY_APPLY, "if e and e.dirty and ARGV[5]=='3' then " + LEAVE + DIRTY_APPLY)
                            .without(Protection.DRAIN_TOMBSTONES),
                    "absent/absent",
                    s -> {
                        s.back("b");
                        Drainer drainer = s.peek();
                        s.through(null);
                        drainer.runToEnd();
                        return s.ending();
                    }),
            new Scenario(
                    of("A4, rule 25: the pending delete is not drained again").edit(APPLY, DRAIN_DELETE_AGAIN, ""),
                    "absent/absent",
                    BackScenarios::insertBetweenPeekAndDrained),
            new Scenario(
                    of("A8, rule 25: DRAINED compares the version only").edit(DRAINED, MATCHES, "if e.ver>ver then"),
                    "absent/absent",
                    BackScenarios::insertBetweenPeekAndDrained),
            new Scenario(
                    of("A4 of the sketch: the pending delete gets a new version")
                            .edit(APPLY, DRAIN_DELETE_AGAIN, "if e.kind==T then e.ver=allocate(e.ver) end"),
                    "t2/t2",
                    BackScenarios::writersAroundPendingDelete),
            new Scenario(
                    of("a delete takes what was logged after it was seen")
                            .edit(
                                    APPLY,
                                    NOT_DRAINED_YET,
                                    "if deleted and (late or tonumber(ARGV[10])<=e.ft) and ver<=e.ver then"),
                    "absent b/b",
                    s -> {
                        s.given("r");
                        Stage.Writer delete = s.prepare(null).commit();
                        String seen = s.strongRead();
                        s.back("b");
                        delete.apply();
                        return seen + " " + s.ending();
                    }),
            new Scenario(
                    of("a delete that is told twice takes what was logged after it was told first")
                            .edit(APPLY, NOT_DRAINED_YET, "if deleted and late and ver<=e.ver then"),
                    "b/b",
                    s -> {
                        s.through("t");
                        Stage.Writer writer = s.prepare(null).commit();
                        writer.invalidate();
                        s.back("b");
                        writer.apply(); // it was on its way over an old connection
                        return s.ending();
                    }),
            new Scenario(
                    of("rule 26: the drain looks at no tombstones").without(Protection.DRAIN_TOMBSTONES),
                    "absent/absent",
                    BackScenarios::drainBetweenDeleteAndApply),
            new Scenario(
                    of("A5: FILL over a pending write")
                            .edit(
                                    FILL,
                                    "if not e or e.dirty or e.a~=tonumber(ARGV[5]) or e.b<now then",
                                    "e=e or blank(); if false then"),
                    "lost b/b",
                    s -> {
                        s.lease(7);
                        s.back("b");
                        return s.fill(7, null) + " " + s.ending();
                    }),
            new Scenario(
                    of("A7: LEASE grants on a pending entry")
                            .edit(
                                    LEASE,
                                    "if e and (e.dirty or (has(e) and not suspect(e))) then",
                                    "if e and has(e) and not suspect(e) and not e.dirty then"),
                    "hit",
                    s -> {
                        s.back("b");
                        return s.lease(7);
                    }),
            new Scenario(
                    of("A8: DRAINED clears whatever is there").edit(DRAINED, MATCHES, "if false then"), "b2/b2", s -> {
                        s.back("b1");
                        Drainer drainer = s.peek();
                        s.back("b2");
                        drainer.runToEnd();
                        return s.ending();
                    }),
            new Scenario(
                    of("A8: what the feed told is ignored").edit(DRAINED, "refused or e.b>(fix or ver)", "refused"),
                    "direct/direct",
                    s -> {
                        s.back("b");
                        Drainer drainer = s.peek();
                        drainer.advance();
                        s.inval(s.direct("direct", 0));
                        drainer.runToEnd();
                        return s.ending();
                    }),
            new Scenario(
                    of("A8: a refusal is ignored").edit(DRAINED, "local conflict=refused or ", "local conflict="),
                    "direct/direct",
                    s -> {
                        s.back("b");
                        s.direct("direct", 0);
                        return s.ending();
                    }),
            new Scenario(
                    of("A9: INVAL forgets a pending entry").edit(INVAL, "if e and e.dirty then", "if false then"),
                    "dirty b",
                    s -> {
                        s.back("b");
                        return s.inval(0) + " " + s.read();
                    }),
            new Scenario(
                    of("A9: the feed leaves no forgottenAt").edit(INVAL, "e.ft=now; save(e)", "save(e)"),
                    "skipped t/t",
                    s -> {
                        long before = s.direct("direct", 0);
                        s.pass(100);
                        s.back("b");
                        Stage.Writer writer = s.prepare("t");
                        s.inval(before);
                        s.drain();
                        return writer.commit().apply() + " " + s.ending();
                    }),
            new Scenario(
                    of("rule 27: PREPARE resets the mark of a pending entry")
                            .edit(
                                    PREPARE,
                                    "local distrust=suspect(e) and not e.dirty",
                                    "if suspect(e) and e.dirty then e.pc=0 end; local distrust=suspect(e) and not e.dirty"),
                    "t t",
                    s -> {
                        s.back("b");
                        s.prepare("t").commit(); // and vanishes
                        s.pass(11 * SECOND);
                        String before = s.strongRead();
                        s.prepare("other").abort();
                        return before + " " + s.strongRead();
                    }),
            new Scenario(
                    of("parity: Redis allocates odd versions too").everywhere("if v%2==1 then v=v+1 end", ""),
                    "b/b",
                    s -> {
                        s.pass(1); // the call is ten microseconds later, on an odd one
                        s.direct("direct", 10);
                        s.back("b", 8, NO_CONDITION, 0);
                        return s.ending();
                    }),
            new Scenario(
                    of("pending entries have a TTL")
                            .edit(
                                    WRITEBACK,
                                    ANNOUNCED,
                                    "local at=announce(e.ver,e.kind+8,encode(e)); redis.call('PEXPIRE',KEYS[1],60000); return {'OK',e.ver,at,"),
                    "false",
                    s -> {
                        s.back("b");
                        return String.valueOf(s.world.shard.evict(Stage.KEY));
                    }),
            new Scenario(
                    of("a repeated writeId runs again").edit(WRITEBACK, "if e.wid==wid then", "if false then"),
                    "dup b2/b2",
                    s -> {
                        s.back("b1", 8, NO_CONDITION, 0);
                        String reply = s.back("b1", 8, NO_CONDITION, 0).text(3);
                        s.back("b2");
                        return reply + " " + s.ending();
                    }),
            new Scenario(
                    of("FULL: the limit is ignored").edit(WRITEBACK, ">=tonumber(ARGV[10])", "<0"), "OK OK FULL", s -> {
                        s.limit = 1;
                        String first = s.back("b1", 8, NO_CONDITION, 0).word();
                        String again = s.back("b2", 9, NO_CONDITION, 0).word();
                        s.limit = 0;
                        s.drain();
                        return first + " " + again + " "
                                + s.back("b3", 10, NO_CONDITION, 0).word();
                    }),
            new Scenario(
                    of("rule 6: a restore looks at no tombstones").without(Protection.RESTORE_TOMBSTONES),
                    "absent",
                    s -> {
                        World world = s.world;
                        long version = s.back("b", 8, NO_CONDITION, 0).number(1);
                        world.remembered.add(
                                new World.Remembered(world.history.begin(Stage.KEY, "b", false), 8, version, s.now()));
                        s.through(null);
                        world.shard.flush(world.keys);
                        world.open();
                        new Restorer(world, world.remembered).runToEnd();
                        return s.read();
                    }),
            new Scenario(
                    of("RESTORE over a newer entry").edit(RESTORE, "if has(e) and e.ver>=ver then", "if false then"),
                    "newer b2/b2",
                    s -> {
                        long version = s.back("b1");
                        s.back("b2");
                        return s.call(RESTORE, 1, "b1", 8, version, 9, 1).word() + " " + s.ending();
                    }),
            new Scenario(
                    of("RESTORE without a lease")
                            .edit(RESTORE, "if not e.dirty and (", "if false and (")
                            .without(Protection.RESTORE_LEASE),
                    "b2 b2/b2",
                    BackScenarios::drainedWhileAnOlderOneIsRestored),
            new Scenario(
                    of("rule 5: RESTORE observes nothing").edit(RESTORE, "observe(ver)\nif e.dirty", "if e.dirty"),
                    "true",
                    s -> {
                        s.world.history.begin(Stage.KEY, "b", false);
                        long ahead = s.now() + SECOND;
                        s.call(RESTORE, 1, "b", 8, ahead, 9, 0);
                        s.call(RESTORE, 1, "b", 8, ahead, 9, 1);
                        s.world.shard.delete(Stage.KEY);
                        return String.valueOf(s.prepare("next").version > ahead);
                    }),
            new Scenario(
                    of("DRAINED of a record that is gone leaves what was loaded before it")
                            .edit(DRAINED, GONE, "if false then"),
                    "filled b/b",
                    s -> filledWhileADrainCommits(s, true)),
            new Scenario(
                    of("DRAINED of a record that is gone leaves a lease that is out")
                            .edit(DRAINED, GONE, GONE.replace("e.kind==L and e.a>0 or ", "")),
                    "lost b/b",
                    s -> filledWhileADrainCommits(s, false)),
            new Scenario(
                    of("no fence, and no tombstones in the drain")
                            .without(Protection.FENCE, Protection.DRAIN_TOMBSTONES),
                    "absent/absent",
                    s -> {
                        s.back("b");
                        Drainer paused = s.peek();
                        s.drain();
                        s.through(null);
                        paused.runToEnd();
                        return s.ending();
                    }),
            new Scenario(of("no fence").without(Protection.FENCE), "absent/absent", s -> {
                s.back("b");
                Drainer paused = s.peek();
                s.drain();
                s.through(null);
                s.pass(2 * ModelPrimary.RETENTION_MICROS); // the tombstone is gone
                paused.runToEnd();
                return s.ending();
            }));

    private BackScenarios() {}

    /**
     * Redis loses its memory while a transaction of the drain writes the record, and a load of the new generation reads the row of before it:
     * filled before the drain tells Redis, or after.
     */
    static String filledWhileADrainCommits(Stage s, boolean filledBefore) {
        s.given("r");
        s.back("b");
        Drainer drainer = s.peek();
        s.world.faults++;
        s.world.shard.flush(s.world.keys);
        s.world.open();
        s.lease(7);
        ModelPrimary.Row before = s.stored();
        if (filledBefore) {
            String filled = s.fill(7, before);
            drainer.runToEnd();
            return filled + " " + s.ending();
        }
        drainer.runToEnd();
        return s.fill(7, before) + " " + s.ending();
    }

    /** The row was looked at for the older write, and then the newer one, restored by another instance, is drained and forgotten. */
    static String drainedWhileAnOlderOneIsRestored(Stage s) {
        World world = s.world;
        long first = s.back("b1");
        Restorer older = new Restorer(
                world, List.of(new World.Remembered(world.history.begin(Stage.KEY, "b1", false), 8, first, s.now())));
        long second = s.back("b2");
        world.remembered.add(new World.Remembered(world.history.begin(Stage.KEY, "b2", false), 9, second, s.now()));
        world.shard.flush(world.keys);
        world.open();
        older.advance();
        new Restorer(world, world.remembered).runToEnd();
        s.drain();
        older.runToEnd();
        return s.read() + " " + s.ending();
    }

    /** Rule 1: a batch already peeked holds a record that a write-through supersedes and another one deletes. */
    static String peekedThenSupersededThenDeleted(Stage s) {
        s.back("b");
        Drainer drainer = s.peek();
        s.through("t");
        s.through(null);
        drainer.runToEnd();
        return s.ending();
    }

    /** Rule 2: the reply of APPLY is lost while a write-back is pending. */
    static String answerOfApplyLost(Stage s) {
        s.back("b");
        Stage.Writer writer = s.prepare("t").commit();
        return writer.invalidate() + " " + s.read() + " " + s.ending();
    }

    /** Rule 25: an insert commits after the drain deleted, and applies before the drain's DRAINED. */
    static String insertBetweenPeekAndDrained(Stage s) {
        Stage.Writer writer = s.prepare("t");
        s.back(null);
        Drainer drainer = s.peek();
        drainer.advance();
        writer.commit().apply();
        drainer.runToEnd();
        return s.ending();
    }

    /** Rule 25: writers prepared before and after a pending delete commit both. */
    static String writersAroundPendingDelete(Stage s) {
        Stage.Writer before = s.prepare("t1");
        s.back(null);
        Stage.Writer after = s.prepare("t2");
        before.commit();
        after.commit();
        before.apply();
        after.apply();
        return s.ending();
    }

    /** Rule 26: the drain inserts between the commit of a write-through delete and its APPLY. */
    static String drainBetweenDeleteAndApply(Stage s) {
        s.back("b");
        Stage.Writer delete = s.prepare(null).commit();
        s.drain();
        delete.apply();
        return s.ending();
    }
}
