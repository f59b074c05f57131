package hello;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** Answers on $PORT with the release that it is. */
public class Server {
    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "5000"));
        HttpServer server = HttpServer.create(new InetSocketAddress("0.0.0.0", port), 0);
        server.createContext("/", Server::answer);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        // TERM ends the app: what was asked before is answered.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(10)));
        server.start();
    }

    private static void answer(HttpExchange exchange) throws IOException {
        String release = System.getenv().getOrDefault("RELEASE_VERSION", "this laptop");
        byte[] body = ("hello from " + release + "\n").getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
