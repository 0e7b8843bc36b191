------------------------------- MODULE Replica -------------------------------
(***************************************************************************)
(* One row of the primary and its entry in the shared replica: marker and  *)
(* lease of write-through, the pending record of write-back, and the drain *)
(* under a fencing epoch.  A command of the shared replica is one step;    *)
(* so is a commit of the primary.  Anything may happen between two steps,  *)
(* and every process may stop for ever after any of its own.               *)
(*                                                                         *)
(* Names are those of the code: the fields of SharedEntry, the commands of *)
(* SharedCommand, Fate, us_shard, us_tombstone.  Time is left out: markers *)
(* run out whenever they like; rule 15 (nothing commits past the marker's  *)
(* deadline) then holds its writer back.                                   *)
(*                                                                         *)
(* Rule1, Fence, Marker and Tombstone switch protections off: TLC finds a  *)
(* violation without each.                                                 *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS Rule1,      \* an APPLY over a pending record replaces it: only DRAINED removes it
          Fence,      \* the drain's transaction compares its epoch with us_shard
          Marker,     \* PREPARE marks the entry and voids leases
          ExcludesAlways,     \* every delete keeps the drain out, not only one that saw a pending record
          TombstoneCoversRow, \* a tombstone is at least as new as the row that was deleted
          Tombstone,  \* the drain's transaction refuses upserts below a tombstone
          ThroughUpserts, ThroughDeletes, BackUpserts, BackDeletes, Loads, Drainers

Through == ThroughUpserts \cup ThroughDeletes
Back == BackUpserts \cup BackDeletes
Deletes == ThroughDeletes \cup BackDeletes
NoRow == 0
Nobody == "nobody"
Blank == [kind |-> "PLACEHOLDER", version |-> 0, pending |-> FALSE, writeId |-> Nobody, writers |-> 0,
          suspect |-> FALSE, lease |-> Nobody, forgottenAt |-> 0, conflict |-> FALSE]

VARIABLES
  row,        \* the version of the primary's row
  tombstone,  \* us_tombstone
  epoch,      \* us_shard.epoch
  shardLock,  \* deletes that hold the row of us_shard in share mode
  rowLock,    \* the transaction that has changed the row and not committed
  entry,      \* the entry of the shared replica
  clock,      \* the shard's clock
  write,      \* of each write: pc, version, hadPending, expired, and for the checks: before, deletes
  load,       \* of each load: pc, seen
  drain,      \* of each drainer: pc, epoch, version, writeId, kind, seenTombstone, fate
  acked,      \* versions that were acknowledged
  gone,       \* versions (0: no row) that no strong read may show any more
  asked, done \* how many deletes were begun, and acknowledged
vars == <<row, tombstone, epoch, shardLock, rowLock, entry, clock, write, load, drain, acked, gone, asked, done>>

Max(a, b) == IF a > b THEN a ELSE b
Allocate(floor) == LET v == Max(clock, floor) + 1 IN v + (v % 2)     \* even versions come from the shard
Stamp(v) == IF v > row THEN v ELSE row + 1 + (row % 2)               \* odd ones from the primary

Init ==
  /\ row \in {NoRow, 2}
  /\ tombstone = 0 /\ epoch = 0 /\ shardLock = {} /\ rowLock = Nobody
  /\ entry = Blank /\ clock = 2
  /\ write = [w \in Through \cup Back |->
        [pc |-> "start", version |-> 0, hadPending |-> FALSE, expired |-> FALSE, before |-> {}, deletes |-> 0]]
  /\ load = [l \in Loads |-> [pc |-> "start", seen |-> 0]]
  /\ drain = [d \in Drainers |->
        [pc |-> "idle", epoch |-> 0, version |-> 0, writeId |-> Nobody, kind |-> "", seenTombstone |-> 0, fate |-> ""]]
  /\ acked = (IF row = NoRow THEN {} ELSE {row}) /\ gone = {} /\ asked = 0 /\ done = 0

-----------------------------------------------------------------------------
(* What a call's beginning and its acknowledgement mean to readers. *)
Begins(w) == IF w \in Deletes THEN asked' = asked + 1 /\ gone' = gone \ {NoRow} ELSE UNCHANGED <<asked, gone>>
Acknowledged(w, version, before, deletes) ==
  /\ acked' = IF w \in Deletes THEN acked ELSE acked \cup {version}
  /\ done' = IF w \in Deletes THEN done + 1 ELSE done
  /\ gone' = gone \cup before \cup (IF w \notin Deletes /\ asked = deletes THEN {NoRow} ELSE {})

IsKnown(e) == e.kind \in {"VALUE", "ABSENT", "DELETED"}
IsMarked(e) == e.writers > 0 /\ ~e.suspect
Forgotten(e) ==
  IF IsMarked(e)
  THEN [Blank EXCEPT !.kind = "FORGOTTEN", !.version = e.version, !.writers = e.writers, !.forgottenAt = clock]
  ELSE Blank

-----------------------------------------------------------------------------
(* Write-through *)
Prepare(w) ==
  /\ write[w].pc = "start"
  /\ LET distrust == entry.suspect /\ ~entry.pending
         e == IF distrust THEN [entry EXCEPT !.kind = "PLACEHOLDER", !.writers = 0, !.suspect = FALSE] ELSE entry
         v == Allocate(e.version)
     IN /\ clock' = v
        /\ entry' = IF Marker
                    THEN [e EXCEPT !.writers = @ + 1, !.suspect = FALSE, !.lease = IF e.pending THEN @ ELSE Nobody]
                    ELSE entry
        /\ write' = [write EXCEPT ![w] = [pc |-> "prepared", version |-> v, hadPending |-> entry.pending,
                                          expired |-> FALSE, before |-> acked, deletes |-> done]]
  /\ Begins(w)
  /\ UNCHANGED <<row, tombstone, epoch, shardLock, rowLock, load, drain, acked, done>>

InTransaction == \E d \in Drainers : drain[d].pc = "fenced"
Excludes(w) == w \in ThroughDeletes /\ (ExcludesAlways \/ write[w].hadPending)      \* DrainLedger.excludeDrain
Locks(w) == w \in ThroughUpserts \/ row # NoRow                 \* a delete that finds no row locks nothing

Sql(w) ==
  /\ write[w].pc = "prepared"
  /\ Excludes(w) => ~InTransaction
  /\ Locks(w) => rowLock = Nobody
  /\ rowLock' = IF Locks(w) THEN w ELSE rowLock
  /\ shardLock' = IF Excludes(w) THEN shardLock \cup {w} ELSE shardLock
  /\ write' = [write EXCEPT ![w].pc = "sql"]
  /\ UNCHANGED <<row, tombstone, epoch, entry, clock, load, drain, acked, gone, asked, done>>

Commit(w) ==
  /\ write[w].pc = "sql" /\ ~write[w].expired                   \* rule 15
  /\ row' = IF w \in ThroughUpserts THEN Stamp(write[w].version) ELSE IF rowLock = w THEN NoRow ELSE row
  /\ tombstone' = IF w \in ThroughDeletes
                 THEN Max(tombstone, IF TombstoneCoversRow THEN Max(write[w].version, row) ELSE write[w].version) ELSE tombstone
  /\ rowLock' = IF rowLock = w THEN Nobody ELSE rowLock
  /\ shardLock' = shardLock \ {w}
  /\ write' = [write EXCEPT ![w].pc = "committed",
                            ![w].version = IF w \in ThroughUpserts THEN Stamp(@) ELSE @]
  /\ UNCHANGED <<epoch, entry, clock, load, drain, acked, gone, asked, done>>

Vanish(w) ==
  /\ write[w].pc \in {"prepared", "sql", "committed"}
  /\ write' = [write EXCEPT ![w].pc = "vanished"]
  /\ rowLock' = IF rowLock = w THEN Nobody ELSE rowLock
  /\ shardLock' = shardLock \ {w}
  /\ UNCHANGED <<row, tombstone, epoch, entry, clock, load, drain, acked, gone, asked, done>>

Applied(w, e, v) ==                                             \* the entry after APPLY, given it without the marker
  LET late == write[w].expired \/ ~Marker
      deletes == w \in ThroughDeletes
  IN IF e.pending
     THEN IF deletes /\ late /\ v < e.version
          THEN [e EXCEPT !.conflict = TRUE, !.forgottenAt = clock]
          ELSE IF deletes
          THEN IF Rule1
               THEN [e EXCEPT !.kind = "DELETED", !.version = Allocate(Max(e.version, v)), !.writeId = Nobody,
                              !.forgottenAt = clock]
               ELSE Forgotten([e EXCEPT !.pending = FALSE])
          ELSE IF v > e.version
          THEN [e EXCEPT !.kind = "VALUE", !.version = v, !.writeId = w, !.pending = Rule1]
          ELSE IF e.kind = "DELETED" THEN [e EXCEPT !.writeId = w] ELSE e      \* A4
     ELSE IF deletes THEN Forgotten(e)
     ELSE IF Marker /\ (late \/ e.kind = "FORGOTTEN" \/ v <= e.forgottenAt \/ (e.kind = "DELETED" /\ v < e.version))
     THEN Forgotten(e)                                          \* A2: no valid marker, no install
     ELSE IF v > e.version
     THEN [e EXCEPT !.kind = "VALUE", !.version = v, !.writeId = w, !.lease = Nobody]
     ELSE e

Apply(w) ==
  /\ write[w].pc = "committed"
  /\ LET isHeld == Marker /\ ~write[w].expired /\ entry.writers > 0
         e == IF isHeld THEN [entry EXCEPT !.writers = @ - 1] ELSE entry
         after == IF Marker /\ entry = Blank /\ w \in ThroughUpserts THEN Blank ELSE Applied(w, e, write[w].version)
     IN /\ entry' = after
        /\ clock' = Max(Max(clock, write[w].version), after.version)
  /\ write' = [write EXCEPT ![w].pc = "done"]
  /\ Acknowledged(w, write[w].version, write[w].before, write[w].deletes)
  /\ UNCHANGED <<row, tombstone, epoch, shardLock, rowLock, load, drain, asked>>

Expire ==                                                       \* the markers' deadline passes
  /\ entry.writers > 0 /\ ~entry.suspect
  /\ entry' = [entry EXCEPT !.suspect = TRUE]
  /\ write' = [w \in Through \cup Back |->
        IF w \in Through /\ write[w].pc \in {"prepared", "sql", "committed"}
        THEN [write[w] EXCEPT !.expired = TRUE] ELSE write[w]]
  /\ UNCHANGED <<row, tombstone, epoch, shardLock, rowLock, clock, load, drain, acked, gone, asked, done>>

-----------------------------------------------------------------------------
(* Loads *)
Lease(l) ==
  /\ load[l].pc = "start"
  /\ IF entry.pending \/ (IsKnown(entry) /\ ~entry.suspect)
     THEN UNCHANGED entry /\ load' = [load EXCEPT ![l].pc = "done"]
     ELSE /\ entry' = IF entry.suspect
                      THEN [entry EXCEPT !.kind = "PLACEHOLDER", !.writers = 0, !.suspect = FALSE, !.lease = l]
                      ELSE [entry EXCEPT !.lease = l]
          /\ load' = [load EXCEPT ![l].pc = "granted"]
  /\ UNCHANGED <<row, tombstone, epoch, shardLock, rowLock, clock, write, drain, acked, gone, asked, done>>

Select(l) ==
  /\ load[l].pc = "granted"
  /\ load' = [load EXCEPT ![l] = [pc |-> "loaded", seen |-> row]]
  /\ UNCHANGED <<row, tombstone, epoch, shardLock, rowLock, entry, clock, write, drain, acked, gone, asked, done>>

Fill(l) ==
  /\ load[l].pc = "loaded"
  /\ LET seen == load[l].seen
         isHeld == ~entry.pending /\ entry.lease = l
     IN /\ entry' = IF ~isHeld THEN entry
                    ELSE IF seen = NoRow THEN [entry EXCEPT !.kind = "ABSENT", !.lease = Nobody]
                    ELSE [entry EXCEPT !.kind = "VALUE", !.version = seen, !.lease = Nobody]
        /\ clock' = Max(clock, seen)
  /\ load' = [load EXCEPT ![l].pc = "done"]
  /\ UNCHANGED <<row, tombstone, epoch, shardLock, rowLock, write, drain, acked, gone, asked, done>>

-----------------------------------------------------------------------------
(* Write-back: one command; a key that is not known loads its version first. *)
WriteBack(b) ==
  /\ write[b].pc = "start"
  /\ LET isKnown == entry.pending \/ (IsKnown(entry) /\ ~entry.suspect)
         v == Allocate(Max(entry.version, IF isKnown THEN 0 ELSE row))
     IN /\ entry' = [entry EXCEPT !.kind = IF b \in BackUpserts THEN "VALUE" ELSE "DELETED",
                                  !.version = v, !.writeId = b, !.pending = TRUE, !.lease = Nobody,
                                  !.conflict = entry.pending /\ @]
        /\ clock' = v
        /\ write' = [write EXCEPT ![b].pc = "done", ![b].version = v]
        /\ acked' = IF b \in BackUpserts THEN acked \cup {v} ELSE acked
        /\ asked' = IF b \in BackDeletes THEN asked + 1 ELSE asked
        /\ done' = IF b \in BackDeletes THEN done + 1 ELSE done
        /\ gone' = IF b \in BackDeletes THEN (gone \ {NoRow}) \cup acked
                   ELSE gone \cup acked \cup (IF asked = done THEN {NoRow} ELSE {})
  /\ UNCHANGED <<row, tombstone, epoch, shardLock, rowLock, load, drain>>

-----------------------------------------------------------------------------
(* Drain *)
Claim(d) ==                                                     \* a take-over may come at any time
  /\ drain[d].pc = "idle" /\ ~InTransaction /\ shardLock = {}
  /\ epoch' = epoch + 1
  /\ drain' = [drain EXCEPT ![d].pc = "owner", ![d].epoch = epoch + 1]
  /\ UNCHANGED <<row, tombstone, shardLock, rowLock, entry, clock, write, load, acked, gone, asked, done>>

Peek(d) ==
  /\ drain[d].pc = "owner" /\ entry.pending
  /\ drain' = [drain EXCEPT ![d].pc = "peeked", ![d].version = entry.version, ![d].writeId = entry.writeId,
                            ![d].kind = entry.kind]
  /\ UNCHANGED <<row, tombstone, epoch, shardLock, rowLock, entry, clock, write, load, acked, gone, asked, done>>

Fenced(d) ==
  /\ drain[d].pc = "peeked" /\ ~InTransaction /\ shardLock = {}
  /\ drain' = IF Fence /\ drain[d].epoch # epoch
              THEN [drain EXCEPT ![d].pc = "stopped"]
              ELSE [drain EXCEPT ![d].pc = "fenced", ![d].seenTombstone = tombstone]
  /\ UNCHANGED <<row, tombstone, epoch, shardLock, rowLock, entry, clock, write, load, acked, gone, asked, done>>

Write(d) ==
  /\ drain[d].pc = "fenced"
  /\ LET b == drain[d]
         upserts == b.kind = "VALUE"
         isBelow == Tombstone /\ upserts /\ b.seenTombstone > b.version
         writes == ~isBelow /\ row < b.version
     IN /\ (writes /\ (upserts \/ row # NoRow)) => rowLock = Nobody
        /\ row' = IF ~writes THEN row ELSE IF upserts THEN b.version ELSE NoRow
        /\ tombstone' = IF ~upserts THEN Max(tombstone, b.version) ELSE tombstone
        /\ drain' = [drain EXCEPT ![d].pc = "written",
                        ![d].fate = IF writes \/ (~isBelow /\ upserts /\ row = b.version) THEN "APPLIED" ELSE "SUPERSEDED"]
  /\ UNCHANGED <<epoch, shardLock, rowLock, entry, clock, write, load, acked, gone, asked, done>>

Drained(d) ==
  /\ drain[d].pc = "written"
  /\ LET b == drain[d]
         isSame == entry.pending /\ entry.version = b.version /\ entry.writeId = b.writeId
         e == [entry EXCEPT !.pending = FALSE, !.conflict = FALSE]
     IN entry' = IF ~isSame THEN entry
                 ELSE IF b.fate = "SUPERSEDED" \/ entry.conflict THEN Forgotten(e) ELSE e
  /\ drain' = [drain EXCEPT ![d].pc = "owner"]
  /\ UNCHANGED <<row, tombstone, epoch, shardLock, rowLock, clock, write, load, acked, gone, asked, done>>

Retention ==                            \* a tombstone goes long after every lease of its time has ended
  /\ tombstone > 0 /\ ~entry.pending
  /\ \A d \in Drainers : drain[d].pc \in {"peeked", "fenced"} => drain[d].epoch # epoch /\ drain[d].pc # "fenced"
  /\ \A w \in ThroughDeletes : write[w].pc \notin {"prepared", "sql", "committed"}
  /\ tombstone' = 0
  /\ UNCHANGED <<row, epoch, shardLock, rowLock, entry, clock, write, load, drain, acked, gone, asked, done>>

Next ==
  \/ \E w \in Through : Prepare(w) \/ Sql(w) \/ Commit(w) \/ Vanish(w) \/ Apply(w)
  \/ \E l \in Loads : Lease(l) \/ Select(l) \/ Fill(l)
  \/ \E b \in Back : WriteBack(b)
  \/ \E d \in Drainers : Claim(d) \/ Peek(d) \/ Fenced(d) \/ Write(d) \/ Drained(d)
  \/ Expire \/ Retention

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* What must hold *)
StrongRead ==
  IF ~entry.pending THEN row
  ELSE LET waiting == IF entry.kind = "VALUE" THEN entry.version ELSE NoRow
       IN IF entry.writers > 0 /\ row > entry.version THEN row ELSE waiting

\* Promises 1, 2 and 3: no strong read shows what an acknowledged change has replaced or removed.
NothingComesBack == StrongRead \notin gone

\* Promise 6: a clean entry without markers is the row.
CleanIsCurrent ==
  (~entry.pending /\ entry.writers = 0 /\ IsKnown(entry)) =>
     IF entry.kind = "VALUE" THEN entry.version = row ELSE row = NoRow
=============================================================================
