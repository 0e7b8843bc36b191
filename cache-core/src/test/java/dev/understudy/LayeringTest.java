package dev.understudy;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "dev.understudy", importOptions = ImportOption.DoNotIncludeTests.class)
class LayeringTest {
    @ArchTest
    static final ArchRule layers = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("model")
            .definedBy("dev.understudy.model")
            .layer("spi")
            .definedBy("dev.understudy.spi")
            .layer("engine")
            .definedBy("dev.understudy.engine")
            .layer("api")
            .definedBy("dev.understudy")
            .whereLayer("api")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("engine")
            .mayOnlyBeAccessedByLayers("api")
            .whereLayer("spi")
            .mayOnlyBeAccessedByLayers("api", "engine");

    @ArchTest
    static final ArchRule coreNamesNoServerDriverOrContainer = classes()
            .that()
            .resideInAPackage("dev.understudy..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "dev.understudy",
                    "dev.understudy.model",
                    "dev.understudy.spi",
                    "dev.understudy.engine",
                    "java.io",
                    "java.lang..",
                    "java.nio..",
                    "java.time..",
                    "java.util..",
                    "org.jspecify..",
                    "org.slf4j..");

    @ArchTest
    static final ArchRule nothingDeserializesObjects =
            noClasses().should().dependOnClassesThat().haveFullyQualifiedName("java.io.ObjectInputStream");

    @ArchTest
    static final ArchRule nobodySleeps = noClasses().should().callMethod(Thread.class, "sleep", long.class);
}
