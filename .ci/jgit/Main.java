import java.io.File;
import java.net.InetSocketAddress;

import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jgit.http.server.GitServlet;
import org.eclipse.jgit.transport.resolver.FileResolver;

/** Serves the repositories below a directory by JGit over http on loopback, and prints its port. */
public class Main {
	public static void main(String[] args) throws Exception {
		GitServlet git = new GitServlet();
		git.setRepositoryResolver(new FileResolver<>(new File(args[0]), true));
		ServletContextHandler context = new ServletContextHandler();
		context.addServlet(new ServletHolder(git), "/*");
		Server server = new Server(new InetSocketAddress("127.0.0.1", 0));
		server.setHandler(context);
		server.start();
		System.out.println(((ServerConnector) server.getConnectors()[0]).getLocalPort());
		server.join();
	}
}
