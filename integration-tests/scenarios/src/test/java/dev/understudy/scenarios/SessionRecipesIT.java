package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.CachedRepository;
import dev.understudy.Session;
import dev.understudy.model.Versioning;
import dev.understudy.scenarios.recipes.SessionFilter;
import dev.understudy.scenarios.recipes.SessionHandlers;
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import jakarta.servlet.DispatcherType;
import java.net.CookieManager;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A browser that is served by two instances in turn reads what it wrote, by its cookie. */
class SessionRecipesIT {
    @RegisterExtension
    final Instances instances = new Instances();

    static Stream<Arguments> recipes() {
        Consumer<JavalinConfig> filter = config -> config.jetty.modifyServletContextHandler(handler ->
                handler.addFilter(new FilterHolder(new SessionFilter()), "/*", EnumSet.of(DispatcherType.REQUEST)));
        Function<Context, Session> byAttribute =
                context -> (Session) context.req().getAttribute(SessionFilter.ATTRIBUTE);
        Consumer<JavalinConfig> handlers = SessionHandlers::addTo;
        Function<Context, Session> byHandlers = SessionHandlers::session;
        return Stream.of(
                Arguments.of("servlet filter", filter, byAttribute), Arguments.of("Javalin", handlers, byHandlers));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("recipes")
    void cookie_overTwoInstances_readsItsOwnWrites(
            String name, Consumer<JavalinConfig> recipe, Function<Context, Session> session) throws Exception {
        instances.createItems(Versioning.column("us_version"));
        List<Integer> ports = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            CachedRepository<Long, Item> items = instances.items(instances.open(), Versioning.column("us_version"));
            Javalin application = Javalin.create(config -> {
                config.startup.showJavalinBanner = false;
                recipe.accept(config);
                config.routes.get(
                        "/amount",
                        context -> context.result(items.in(session.apply(context))
                                .find(1L)
                                .map(item -> Long.toString(item.amount()))
                                .orElse("none")));
                config.routes.post(
                        "/amount",
                        context -> items.in(session.apply(context)).save(Item.of(1, Long.parseLong(context.body()))));
            });
            application.start("127.0.0.1", 0);
            instances.closing((AutoCloseable) application::stop);
            ports.add(application.port());
        }
        HttpClient browser =
                HttpClient.newBuilder().cookieHandler(new CookieManager()).build();
        assertThat(get(browser, ports.get(1))).isEqualTo("none");
        for (int amount = 1; amount <= 20; amount++) {
            int writer = ports.get(amount % 2);
            int reader = ports.get((amount + 1) % 2);
            HttpResponse<String> saved = browser.send(
                    request(writer).POST(BodyPublishers.ofString("" + amount)).build(), BodyHandlers.ofString());
            assertThat(saved.statusCode()).isEqualTo(200);
            assertThat(saved.headers().firstValue("Set-Cookie"))
                    .get()
                    .asString()
                    .startsWith("us=")
                    .hasSizeLessThan(4_096);
            assertThat(get(browser, reader)).isEqualTo("" + amount);
        }
        HttpResponse<String> forged = HttpClient.newHttpClient()
                .send(request(ports.get(0)).header("Cookie", "us=forged").GET().build(), BodyHandlers.ofString());
        assertThat(forged.statusCode()).as("a forged cookie").isEqualTo(200);
        assertThat(forged.body()).isEqualTo("20");
    }

    private static HttpRequest.Builder request(int port) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/amount"));
    }

    private static String get(HttpClient browser, int port) throws Exception {
        return browser.send(request(port).GET().build(), BodyHandlers.ofString())
                .body();
    }
}
