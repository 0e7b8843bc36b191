package dev.understudy.adapters.postgres;

import dev.understudy.model.Invalid;
import dev.understudy.model.Tier;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A record class taken apart: its components and its canonical constructor. Immutable. */
final class RecordShape<V> {
    /** A component; its type as declared, primitives included. */
    record Component(String name, Class<?> type) {}

    private final Class<V> type;
    private final List<Component> components;
    private final MethodHandle[] accessors;
    private final MethodHandle constructor;

    private RecordShape(Class<V> type, List<Component> components, MethodHandle[] accessors, MethodHandle constructor) {
        this.type = type;
        this.components = components;
        this.accessors = accessors;
        this.constructor = constructor;
    }

    /** The shape of a record class. Refuses any other class, and records without components. */
    static <V> RecordShape<V> of(Class<V> type) {
        RecordComponent[] declared = type.isRecord() ? type.getRecordComponents() : new RecordComponent[0];
        if (declared.length == 0) {
            throw new Invalid(type.getName() + " is not a record with components");
        }
        MethodHandles.Lookup lookup = lookup(type);
        try {
            List<Component> components = new ArrayList<>();
            MethodHandle[] accessors = new MethodHandle[declared.length];
            for (int i = 0; i < declared.length; i++) {
                components.add(new Component(declared[i].getName(), declared[i].getType()));
                accessors[i] = lookup.unreflect(declared[i].getAccessor())
                        .asType(MethodType.methodType(Object.class, Object.class));
            }
            Class<?>[] types =
                    Arrays.stream(declared).map(RecordComponent::getType).toArray(Class<?>[]::new);
            MethodHandle constructor = lookup.unreflectConstructor(type.getDeclaredConstructor(types))
                    .asSpreader(Object[].class, types.length)
                    .asType(MethodType.methodType(Object.class, Object[].class));
            return new RecordShape<>(type, List.copyOf(components), accessors, constructor);
        } catch (ReflectiveOperationException e) {
            throw unreadable(type, e);
        }
    }

    static MethodHandles.Lookup lookup(Class<?> type) {
        try {
            return MethodHandles.privateLookupIn(type, MethodHandles.lookup());
        } catch (IllegalAccessException e) {
            throw unreadable(type, e);
        }
    }

    private static Invalid unreadable(Class<?> type, Exception e) {
        return new Invalid("record " + type.getName() + " cannot be read by reflection", e, Tier.LIBRARY);
    }

    Class<V> type() {
        return type;
    }

    List<Component> components() {
        return components;
    }

    /** The index of a component. Refuses a name that the record does not have. */
    int indexOf(String component) {
        for (int i = 0; i < components.size(); i++) {
            if (components.get(i).name().equals(component)) {
                return i;
            }
        }
        throw new Invalid("record " + type.getName() + " has no component " + component);
    }

    /** The value of a component. */
    @Nullable
    Object get(V value, int component) {
        try {
            return accessors[component].invokeExact((Object) value);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new Invalid(
                    "component " + components.get(component).name() + " of " + type.getName() + " cannot be read");
        }
    }

    /** A record of these values, in the order of the components. */
    V create(@Nullable Object[] values) {
        try {
            return type.cast((Object) constructor.invokeExact(values));
        } catch (Error e) {
            throw e;
        } catch (Throwable e) {
            // Its message may hold the row's values.
            throw new Invalid(
                    "the constructor of " + type.getName() + " refuses a stored row with "
                            + e.getClass().getSimpleName(),
                    null,
                    Tier.PRIMARY);
        }
    }
}
