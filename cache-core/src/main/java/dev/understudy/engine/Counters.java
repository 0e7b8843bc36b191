package dev.understudy.engine;

import java.util.concurrent.atomic.LongAdder;

/** What one repository of one instance has done, since its start. Thread-safe. Counts are of keys unless said otherwise. */
public final class Counters {
    /** Reads answered by the near replica. */
    public final HitCount nearHits = new HitCount();
    /** Reads answered by the shared replica. */
    public final LongAdder sharedHits = new LongAdder();
    /** Rows asked of the primary for reads. */
    public final LongAdder primaryLoads = new LongAdder();
    /** Reads that a near entry did not serve because its shard was dropped, or not confirmed within the bound. */
    public final LongAdder nearBypassed = new LongAdder();
    /** Reads that joined another caller's load. */
    public final LongAdder joinedLoads = new LongAdder();
    /** Reads answered by the primary because the shared replica could not be asked. */
    public final LongAdder bypassedReads = new LongAdder();
    /** Reads answered by an entry that was not fresh, because the replicas below failed or were slow. */
    public final LongAdder staleReads = new LongAdder();
    /** Near entries that were loaded anew in the background. */
    public final LongAdder renewals = new LongAdder();
    /** Session reads that went to the primary because the shared replica was away or had lost what the session saw. */
    public final LongAdder uncoveredReads = new LongAdder();
    /** Values that did not decode and were treated as a miss or held. */
    public final LongAdder undecodable = new LongAdder();
    /** Loads and own writes that were not installed in the near replica because they had been overtaken. */
    public final LongAdder lateInstalls = new LongAdder();
    /** Shards whose near entries were dropped. */
    public final LongAdder shardDrops = new LongAdder();
    /** Announcements that did not follow the position before. */
    public final LongAdder gaps = new LongAdder();
    /** Pulls of the shards' positions. */
    public final LongAdder pulls = new LongAdder();
    /** Pulls that were not answered. */
    public final LongAdder failedPulls = new LongAdder();
    /** Fills that had lost their lease. */
    public final LongAdder lostFills = new LongAdder();
    /** Rows committed by write-through. */
    public final LongAdder throughWrites = new LongAdder();
    /** Transactions that carried write-throughs of several callers. */
    public final LongAdder groupedCommits = new LongAdder();
    /** Write-throughs that were taken out of a shared transaction, because a row was locked or refused. */
    public final LongAdder splitCommits = new LongAdder();
    /** Write-throughs whose outcome reached the shared replica only later. */
    public final LongAdder lateApplies = new LongAdder();
    /** Rows committed by write-through without the shared replica, which could not be reached. */
    public final LongAdder detachedWrites = new LongAdder();
    /** Changes of rows that nobody had told the shared replica of, delivered by this instance. */
    public final LongAdder deliveredNotes = new LongAdder();
    /** Write-backs acknowledged. */
    public final LongAdder backWrites = new LongAdder();
    /** Write-backs that did not ask for the version of a cold key's row, because the primary did not answer. */
    public final LongAdder blindWrites = new LongAdder();
    /** Write-backs whose ack level was not reached in time. */
    public final LongAdder ackTimeouts = new LongAdder();
    /** Write-backs turned into write-throughs at the queue's bound. */
    public final LongAdder overflows = new LongAdder();
    /** Acknowledged write-backs put back after the shared replica had lost them. */
    public final LongAdder restoredWrites = new LongAdder();
    /** Acknowledged write-backs of this instance that are lost for ever. */
    public final LongAdder lostWrites = new LongAdder();
    /** Looks at this instance's undrained writes that left none to put back. */
    public final LongAdder recoveryRounds = new LongAdder();
    /** Rows written to the primary by this instance's drain. */
    public final LongAdder drainedRows = new LongAdder();
    /** Transactions of this instance's drain. */
    public final LongAdder drainBatches = new LongAdder();
    /** Rows put into the dead letters by this instance's drain. */
    public final LongAdder deadLetters = new LongAdder();
    /** Steps of the drain that failed and will be retried. */
    public final LongAdder drainFailures = new LongAdder();
}
