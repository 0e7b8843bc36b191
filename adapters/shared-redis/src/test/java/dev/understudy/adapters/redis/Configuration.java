package dev.understudy.adapters.redis;

import static dev.understudy.adapters.redis.Action.*;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A family of random schedules. Immutable.
 *
 * @param actions drawn from with equal chances
 * @param most how many actions a schedule has at most
 * @param keys how many keys
 * @param traits what else happens
 * @param jump chance of a jump in time per step; 0: one of two small ones, drawn per schedule
 * @param crash chance of a crash per step: one of three drawn per schedule, this the highest
 * @param without protections taken away
 */
record Configuration(
        String name,
        List<Action> actions,
        int most,
        int keys,
        Set<Trait> traits,
        double jump,
        double crash,
        Set<Protection> without) {

    /** What happens in a configuration besides its actions. */
    enum Trait {
        /** A change feed delivers every commit. */
        FEED,
        /** The table has no version column. */
        UNVERSIONED,
        /** Redis loses everything. */
        FLUSH,
        /** Redis goes back to a snapshot. */
        FAILOVER,
        /** No process crashes. */
        NO_CRASH,
        /** The primary changes some of the rows that it stores, and refuses some for ever. */
        TRIGGER
    }

    private static final List<Action> THROUGH =
            List.of(THROUGH_SAVE, THROUGH_SAVE, THROUGH_DELETE, READ, READ, NEAR_READ, STRONG_READ);
    private static final List<Action> BACK =
            List.of(BACK_SAVE, BACK_SAVE, BACK_DELETE, READ, READ, NEAR_READ, STRONG_READ, DRAIN, DRAIN);
    private static final List<Action> MIXED = List.of(
            THROUGH_SAVE,
            THROUGH_SAVE,
            THROUGH_DELETE,
            BACK_SAVE,
            BACK_SAVE,
            BACK_DELETE,
            READ,
            READ,
            NEAR_READ,
            STRONG_READ,
            DRAIN,
            DRAIN);
    private static final List<Action> DIRECT = List.of(DIRECT_SAVE, DIRECT_DELETE);

    /** All that the tests run. The later ones are narrow, each aimed at one kind of race. */
    static final List<Configuration> ALL = List.of(
            of("through", THROUGH),
            of("back", BACK),
            of("mixed", MIXED).most(12),
            of("mixed2keys", MIXED).most(14).keys(2),
            of("direct", both(MIXED, DIRECT), Trait.FEED).most(12),
            of("through_direct", both(THROUGH, DIRECT), Trait.FEED),
            of("none", THROUGH, Trait.UNVERSIONED),
            of("none_direct", both(THROUGH, DIRECT), Trait.UNVERSIONED, Trait.FEED),
            of("flush", THROUGH, Trait.FLUSH, Trait.NO_CRASH),
            of("flush_feed", THROUGH, Trait.FLUSH, Trait.FEED),
            of("failover", MIXED, Trait.FAILOVER, Trait.FEED).most(12),
            of("failover_quiet", MIXED, Trait.FAILOVER, Trait.NO_CRASH).most(12),
            of("deletes", List.of(THROUGH_SAVE, THROUGH_DELETE, THROUGH_DELETE, READ, READ, NEAR_READ))
                    .most(12),
            of("vanish", List.of(THROUGH_SAVE, THROUGH_SAVE, THROUGH_DELETE, READ, READ, NEAR_READ))
                    .most(12)
                    .jump(0.12)
                    .crash(0.08),
            of("tombstone", List.of(THROUGH_SAVE, THROUGH_SAVE, BACK_DELETE, DRAIN, DRAIN, READ))
                    .most(12),
            of("feed_race", List.of(BACK_SAVE, THROUGH_SAVE, DIRECT_SAVE, DIRECT_DELETE, DRAIN, DRAIN), Trait.FEED)
                    .most(12),
            of("strong", List.of(THROUGH_SAVE, THROUGH_SAVE, BACK_SAVE, STRONG_READ, STRONG_READ, STRONG_READ))
                    .most(12)
                    .jump(0.1)
                    .crash(0.08),
            of(
                            "conditional",
                            List.of(
                                    BACK_INSERT,
                                    BACK_UPDATE,
                                    BACK_UPDATE,
                                    BACK_SWAP,
                                    BACK_SWAP,
                                    BACK_DELETE,
                                    THROUGH_SAVE,
                                    THROUGH_DELETE,
                                    READ,
                                    DRAIN,
                                    DRAIN))
                    .most(14),
            of("corrected", MIXED, Trait.TRIGGER).most(12),
            of("corrected_direct", both(MIXED, DIRECT), Trait.TRIGGER, Trait.FEED)
                    .most(12));

    static Configuration named(String name) {
        return ALL.stream()
                .filter(c -> c.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no configuration " + name));
    }

    boolean has(Trait trait) {
        return traits.contains(trait);
    }

    boolean keeps(Protection protection) {
        return !without.contains(protection);
    }

    boolean losesMemory() {
        return has(Trait.FLUSH) || has(Trait.FAILOVER);
    }

    Configuration without(Set<Protection> protections) {
        return new Configuration(name, actions, most, keys, traits, jump, crash, protections);
    }

    /** For the names of parameterized tests. */
    @Override
    public String toString() {
        return name;
    }

    private static Configuration of(String name, List<Action> actions, Trait... traits) {
        EnumSet<Trait> set = EnumSet.noneOf(Trait.class);
        set.addAll(List.of(traits));
        return new Configuration(name, actions, 10, 1, set, 0, 0.03, Set.of());
    }

    private static List<Action> both(List<Action> one, List<Action> other) {
        return Stream.concat(one.stream(), other.stream()).toList();
    }

    private Configuration most(int actions) {
        return new Configuration(name, this.actions, actions, keys, traits, jump, crash, without);
    }

    private Configuration keys(int count) {
        return new Configuration(name, actions, most, count, traits, jump, crash, without);
    }

    private Configuration jump(double chance) {
        return new Configuration(name, actions, most, keys, traits, chance, crash, without);
    }

    private Configuration crash(double chance) {
        return new Configuration(name, actions, most, keys, traits, jump, chance, without);
    }
}
