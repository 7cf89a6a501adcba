import java.io.BufferedReader;
import java.io.FileReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.net.Socket;
import java.util.Properties;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A server that reads its properties at the start only. `Server FILE` serves on the socket that it finds as standard input (Tomcat calls that
 * useInheritedChannel, Jetty inheritChannel); `Server --check FILE` only checks.
 */
public class Server {
    public static void main(String[] args) throws Exception {
        boolean check = args[0].equals("--check");
        String greeting = greeting(args[check ? 1 : 0]);
        if (!check) serve(greeting);
    }

    static String greeting(String file) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = new FileReader(file)) {
            properties.load(reader);
        }
        String greeting = properties.getProperty("greeting");
        if (greeting == null) {
            System.err.println(file + ": greeting is missing");
            System.exit(1);
        }
        return greeting;
    }

    static void serve(String greeting) throws Exception {
        ServerSocketChannel listener = (ServerSocketChannel) System.inheritedChannel();
        ExecutorService workers = Executors.newFixedThreadPool(8);
        Thread main = Thread.currentThread();
        // TERM: no more is accepted, what has been accepted is answered. The socket stays open: it is reinit's, too.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                listener.close();
                main.join();
                workers.shutdown();
                workers.awaitTermination(20, TimeUnit.SECONDS);
            } catch (IOException | InterruptedException error) {
                System.err.println(error);
            }
        }));
        try {
            while (true) {
                Socket client = listener.accept().socket();
                workers.submit(() -> answer(client, greeting));
            }
        } catch (ClosedChannelException stopped) {
            // the hook goes on
        }
    }

    static Void answer(Socket client, String greeting) throws IOException {
        try (client) {
            BufferedReader request = new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
            for (String line = request.readLine(); line != null && !line.isEmpty(); line = request.readLine()) continue;
            String response = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + (greeting.length() + 1) + "\r\n\r\n" + greeting + "\n";
            client.getOutputStream().write(response.getBytes(StandardCharsets.ISO_8859_1));
        }
        return null;
    }
}
