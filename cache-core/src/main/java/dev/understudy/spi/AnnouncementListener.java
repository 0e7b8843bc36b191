package dev.understudy.spi;

/** Hears what the shards announce. Called by one thread at a time, in the order of arrival; must not block. */
public interface AnnouncementListener {
    /** A change. */
    void announced(Announcement announcement);

    /** Announcements may have been missed: the connection is new, or a shard was opened with a new generation. */
    void interrupted();
}
