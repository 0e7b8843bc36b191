package dev.understudy.adapters.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ParameterTypesTest {
    @Test
    void types_areThoseOfTheCasts_orTextWhereTheDriverWouldHaveToAsk() {
        assertThat(ParameterTypes.of("SELECT set_config('a', ?, true), ?::bigint, ?::integer[], ?::jsonb[], ?::uuid[],"
                        + " ?::interval, ?::\"public\".\"mood\"[]"))
                .containsExactly("text", "int8", "int4[]", "jsonb[]", "text", "text", "text");
    }

    @Test
    void questionMarks_inLiteralsAndNames_areNoParameters() {
        assertThat(ParameterTypes.of(
                        "SELECT '?::bigint', \"what?\" FROM t WHERE id = ANY (?::text[]) AND n = 'it''s ?'"))
                .containsExactly("text[]");
    }
}
