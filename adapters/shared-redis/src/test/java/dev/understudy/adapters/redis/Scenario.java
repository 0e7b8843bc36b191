package dev.understudy.adapters.redis;

import java.util.Set;
import java.util.function.Function;

/**
 * An interleaving written down, and the rule without which it ends otherwise.
 *
 * @param mutation takes the rule away
 * @param expected how it ends with the rule
 * @param configuration of the world
 * @param play plays it and tells how it ended
 */
record Scenario(Mutation mutation, String expected, String configuration, Function<Stage, String> play) {
    Scenario(Mutation mutation, String expected, Function<Stage, String> play) {
        this(mutation, expected, "mixed", play);
    }

    /** The same in a world of that configuration. */
    Scenario on(String name) {
        return new Scenario(mutation, expected, name, play);
    }

    /** How it ends with the scripts that the shard has. */
    String endOn(ScriptedShard shard, boolean mutated) {
        try {
            return play.apply(new Stage(shard, configuration, mutated ? mutation.without() : Set.of()));
        } catch (Violation violation) {
            return violation.getMessage();
        } catch (RedisWire.ErrorReply error) { // a script that fails is another ending
            return "error: " + error.getMessage();
        }
    }

    @Override
    public String toString() {
        return mutation.name();
    }
}
