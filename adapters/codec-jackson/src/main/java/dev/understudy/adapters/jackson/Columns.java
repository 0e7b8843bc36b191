package dev.understudy.adapters.jackson;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.BeanPropertyDefinition;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.understudy.spi.Codec.Parts;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The properties of a record's JSON. Immutable.
 *
 * @param names of all that is written; empty if the type is no record, or a component is written under no name of its own
 * @param components the record's, by property
 */
record Columns(Set<String> names, Map<String, Component> components) {
    private static final Columns NONE = new Columns(Set.of(), Map.of());

    /** A component with its type. */
    record Component(String name, JavaType type) {}

    static Columns of(Class<?> type, ObjectMapper mapper) {
        if (!type.isRecord()) {
            return NONE;
        }
        JavaType java = mapper.constructType(type);
        Map<String, String> properties = new HashMap<>();
        for (BeanPropertyDefinition property :
                mapper.getDeserializationConfig().introspect(java).findProperties()) {
            if (property.hasConstructorParameter()) {
                properties.put(property.getInternalName(), property.getName());
            }
        }
        Set<String> names = new LinkedHashSet<>();
        mapper.getSerializationConfig().introspect(java).findProperties().stream()
                .filter(BeanPropertyDefinition::couldSerialize)
                .forEach(property -> names.add(property.getName()));
        Map<String, Component> components = new LinkedHashMap<>();
        for (RecordComponent component : type.getRecordComponents()) {
            String property = properties.get(component.getName());
            if (property == null || !names.contains(property)) {
                return NONE;
            }
            JavaType resolved =
                    mapper.getTypeFactory().resolveMemberType(component.getGenericType(), java.getBindings());
            components.put(property, new Component(component.getName(), resolved));
        }
        return new Columns(Set.copyOf(names), Map.copyOf(components));
    }

    Parts parts(ObjectNode object, ObjectMapper mapper) throws IOException {
        Set<String> found = new LinkedHashSet<>();
        object.fieldNames().forEachRemaining(found::add);
        Map<String, Optional<Object>> known = new LinkedHashMap<>();
        for (Map.Entry<String, Component> each : components.entrySet()) {
            JsonNode node = object.get(each.getKey());
            if (node != null) {
                try {
                    known.put(
                            each.getValue().name(),
                            Optional.ofNullable(
                                    mapper.readerFor(each.getValue().type()).readValue(node)));
                } catch (JsonProcessingException e) { // its message may quote the value
                    throw new IOException(
                            "a property does not decode (" + e.getClass().getSimpleName() + ")");
                }
            }
        }
        return new Parts(found, known);
    }
}
