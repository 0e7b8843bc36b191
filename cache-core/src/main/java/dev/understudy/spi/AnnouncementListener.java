package dev.understudy.spi;

/**
 * Hears what the shards announce. Called by one thread at a time, in the order of arrival: perhaps the connection's own, so that it must neither
 * block, nor wait for the replica, nor close it.
 */
public interface AnnouncementListener {
    /** A change. */
    void announced(Announcement announcement);

    /** Announcements may have been missed: the connection is new, or a shard was opened with a new generation. */
    void interrupted();
}
