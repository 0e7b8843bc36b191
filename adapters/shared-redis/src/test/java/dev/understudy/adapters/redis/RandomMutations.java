package dev.understudy.adapters.redis;

import static dev.understudy.adapters.redis.Mutation.of;
import static dev.understudy.adapters.redis.Protection.*;
import static dev.understudy.adapters.redis.Scripts.*;

import java.util.List;

/**
 * The mutations that random schedules find soon, each with the configuration that finds it and where to begin
 * ({@link MutationSearch} tells). What takes them longer is an interleaving written down.
 */
final class RandomMutations {
    private static final String DIRTY_APPLY = "if e and e.dirty then\n  local deleted";
    private static final String LEAVE = "if e.own then superseded=superseded+1 else hollow=hollow-1 end"
            + " e.own=false; e.dirty=false; e.a=0; e.b=0; redis.call('ZREM',KEYS[3],ARGV[1]) end\n";
    private static final String HAS_LEASE = "if not e or e.dirty or e.a~=tonumber(ARGV[5]) or e.b<now then";
    private static final String ANNOUNCES = "put_meta(entry); publish(ver,flags)";

    /**
     * Where a mutation is found.
     *
     * @param configuration by name
     * @param seed where to begin
     */
    record Found(Mutation mutation, String configuration, long seed) {
        @Override
        public String toString() {
            return mutation.name();
        }
    }

    static final List<Found> ALL = List.of(
            in(
                    "through",
                    0,
                    of("no marker: PREPARE counts nothing").edit(PREPARE, "e.pc=math.min(e.pc+1,65535); ", "")),
            in(
                    "deletes",
                    60,
                    of("A1: neither PREPARE nor APPLY ends a lease")
                            .edit(PREPARE, "if not e.dirty then e.a=0; e.b=0 end", "")
                            .edit(APPLY, "e.wid=tonumber(ARGV[11]); e.a=0; e.b=0\n", "e.wid=tonumber(ARGV[11])\n")),
            in("flush", 0, of("A2: installs although late").edit(APPLY, "if not e or late or", "if not e or")),
            in(
                    "direct",
                    5,
                    of("rule 1: superseding removes the pending record, and no tombstones in the drain")
                            .edit(
                                    APPLY,
                                    DIRTY_APPLY,
                                    "if e and e.dirty and ver>e.ver and ARGV[5]~='3' then " + LEAVE + DIRTY_APPLY)
                            .without(DRAIN_TOMBSTONES)),
            in("flush", 5, of("rule 2: no INVAL when APPLY has no answer").without(LIBRARY_INVAL)),
            in(
                    "direct",
                    70,
                    of("A3: a delete drops the pending record")
                            .edit(APPLY, DIRTY_APPLY, "if e and e.dirty and ARGV[5]=='3' then " + LEAVE + DIRTY_APPLY)),
            in(
                    "conditional",
                    15,
                    of("A4 of the sketch: the pending delete gets a new version")
                            .edit(
                                    APPLY,
                                    "if e.kind==T then e.wid=tonumber(ARGV[11]) end",
                                    "if e.kind==T then e.ver=allocate(e.ver) end")),
            in("deletes", 60, of("A5: FILL without a lease").edit(FILL, HAS_LEASE, "e=e or blank(); if e.dirty then")),
            in("back", 30, of("A5: FILL over a pending write").edit(FILL, HAS_LEASE, "e=e or blank(); if false then")),
            in(
                    "tombstone",
                    10,
                    of("A6: nothing is suspect").everywhere("return e.pc>0 and e.pd<now end", "return false end")),
            in(
                    "vanish",
                    25,
                    of("A6: LEASE distrusts unannounced").edit(LEASE, "if distrust then announce(MAXV,X) end", "")),
            in(
                    "mixed",
                    80,
                    of("A7: LEASE grants on a pending entry")
                            .edit(
                                    LEASE,
                                    "if e and (e.dirty or (has(e) and not suspect(e))) then",
                                    "if e and has(e) and not suspect(e) and not e.dirty then")),
            in(
                    "mixed",
                    10,
                    of("A8: DRAINED clears whatever is there")
                            .edit(DRAINED, "if e.ver>ver or e.wid~=tonumber(ARGV[9]) then", "if false then")),
            in(
                    "corrected_direct",
                    5,
                    of("A8: a refusal is ignored").edit(DRAINED, "local conflict=refused or ", "local conflict=")),
            in(
                    "direct",
                    0,
                    of("A9: INVAL forgets a pending entry").edit(INVAL, "if e and e.dirty then", "if false then")),
            in(
                    "mixed",
                    0,
                    of("pending entries have a TTL")
                            .edit(
                                    WRITEBACK,
                                    "return {'OK',e.ver,announce(e.ver,e.kind+8,encode(e)),",
                                    "local at=announce(e.ver,e.kind+8,encode(e)); redis.call('PEXPIRE',KEYS[1],60000); return {'OK',e.ver,at,")),
            in(
                    "failover_quiet",
                    0,
                    of("rule 8: no new generation after a failover").without(NEW_GENERATION)),
            in("failover_quiet", 28, of("no restore").without(Protection.RESTORE)),
            in(
                    "direct",
                    5,
                    of("rule 6: neither restore nor drain looks at tombstones")
                            .without(RESTORE_TOMBSTONES, DRAIN_TOMBSTONES)),
            in("direct", 5, of("rule 26: the drain looks at no tombstones").without(DRAIN_TOMBSTONES)),
            in(
                    "none_direct",
                    0,
                    of("rule 24: a table without versions installs").edit(APPLY, " or ARGV[12]=='1' then", " then")),
            in(
                    "conditional",
                    0,
                    of("conditions are not judged")
                            .edit(WRITEBACK, "if condition~=-1 then\n  local met", "if false then\n  local met")),
            in(
                    "conditional",
                    15,
                    of("MARKED: a condition is judged under a live marker")
                            .edit(WRITEBACK, "if condition~=-1 and marked(e) then", "if false then")),
            in(
                    "corrected_direct",
                    30,
                    of("correction: DRAINED is not told what the primary stored")
                            .without(CORRECTION)),
            in(
                    "corrected_direct",
                    30,
                    of("correction: the corrected value is not taken over").edit(DRAINED, "e.payload=ARGV[11]; ", "")),
            in(
                    "mixed",
                    0,
                    of("announcements: positions stand still")
                            .everywhere("pos=pos+1; put_meta(entry)", "put_meta(entry)")),
            in("through", 0, of("announcements: APPLY is silent").edit(APPLY, ANNOUNCES, "put_meta(entry)")),
            in("mixed", 0, of("announcements: WRITEBACK is silent").edit(WRITEBACK, ANNOUNCES, "put_meta(entry)")),
            in(
                    "feed_race",
                    0,
                    of("counters: a superseded record stays the write-back's own")
                            .edit(APPLY, "hollow=hollow+1; e.own=false end", "hollow=hollow+1 end")),
            in(
                    "back",
                    0,
                    of("counters: coalescing supersedes nothing")
                            .edit(WRITEBACK, "superseded=superseded+1", "superseded=superseded")),
            in(
                    "feed_race",
                    0,
                    of("counters: a hollow record is not filled again")
                            .edit(WRITEBACK, "if e.own or hollow==0 then", "if true then")),
            in(
                    "conditional",
                    0,
                    of("counters: DRAINED of a hollow record counts as applied")
                            .edit(DRAINED, "if not e.own and hollow>0 then hollow=hollow-1\nelseif", "if")),
            in("back", 0, of("counters: DRAINED counts nothing").edit(DRAINED, "else applied=applied+1 end", "end")),
            in(
                    "corrected_direct",
                    0,
                    of("counters: a dead letter is not counted").edit(DRAINED, "dead=dead+1", "dead=dead")),
            in(
                    "failover_quiet",
                    0,
                    of("counters: a restore acknowledges nothing")
                            .edit(Scripts.RESTORE, "acked=acked+1; e.b=MAXV", "e.b=MAXV")),
            in(
                    "failover_quiet",
                    0,
                    of("counters: a new generation forgets them")
                            .edit(
                                    OPEN,
                                    "clock=math.max(clock+AHEAD",
                                    "acked=0; applied=0; clock=math.max(clock+AHEAD")));

    private RandomMutations() {}

    private static Found in(String configuration, long seed, Mutation mutation) {
        return new Found(mutation, configuration, seed);
    }
}
