package dev.understudy.adapters.redis;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A rule taken away, by edits of the scripts' texts or of what surrounds them. Immutable.
 *
 * @param name says what no longer holds
 * @param edits of the scripts
 * @param without protections outside the scripts
 */
record Mutation(String name, List<Edit> edits, Set<Protection> without) {

    /**
     * One piece of text replaced in one script, or with an empty name in every script that has it.
     */
    record Edit(String script, String old, String replacement) {}

    static Mutation of(String name) {
        return new Mutation(name, List.of(), Set.of());
    }

    /** Also replaces a text in a script; it must be there. */
    Mutation edit(Scripts.Script script, String old, String replacement) {
        return with(new Edit(script.name(), old, replacement));
    }

    /** Also replaces a text wherever it is; it must be somewhere. */
    Mutation everywhere(String old, String replacement) {
        return with(new Edit("", old, replacement));
    }

    /** Also takes protections away. */
    Mutation without(Protection... protections) {
        return new Mutation(name, edits, Set.of(protections));
    }

    private Mutation with(Edit edit) {
        List<Edit> all = new ArrayList<>(edits);
        all.add(edit);
        return new Mutation(name, List.copyOf(all), without);
    }

    /** The mutated scripts. */
    List<Scripts.Script> scripts() {
        List<Scripts.Script> mutants = new ArrayList<>();
        Set<Edit> used = new HashSet<>();
        for (Scripts.Script script : Scripts.ALL) {
            String text = script.text();
            for (Edit edit : edits) {
                boolean meant = edit.script.isEmpty() || edit.script.equals(script.name());
                if (meant && text.contains(edit.old)) {
                    text = text.replace(edit.old, edit.replacement);
                    used.add(edit);
                }
            }
            mutants.add(new Scripts.Script(script.name(), text));
        }
        for (Edit edit : edits) {
            if (!used.contains(edit)) {
                throw new IllegalStateException(name + ": no script " + edit.script + " with: " + edit.old);
            }
        }
        return mutants;
    }

    /** For the names of parameterized tests. */
    @Override
    public String toString() {
        return name;
    }
}
