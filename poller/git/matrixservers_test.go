//go:build servers && unix

package git

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// gitServer serves the repositories of a directory.
type gitServer struct {
	name, url string
	home      string // of who asks by ssh
}

// gitServers starts all servers, on loopback. They end with the test.
func gitServers(t *testing.T, root string) []gitServer {
	t.Helper()
	gitolite := newGitolite(t, root)
	var all []gitServer
	for name, handler := range map[string]http.Handler{
		"git http-backend": gittest.HTTPHandler(t, root, gittest.HTTPOptions{}),
		"gitolite http":    gitolite.http(t),
		"JGit http":        proxyTo(t, startServer(t, "java", "-cp", os.Getenv("KITOPS_JGIT")+"/*", "../../.ci/jgit/Main.java", root)),
	} {
		v2, v0 := httptest.NewServer(handler), httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Git-Protocol")
			handler.ServeHTTP(w, r)
		}))
		t.Cleanup(v2.Close)
		t.Cleanup(v0.Close)
		all = append(all, gitServer{name: name + " v2", url: v2.URL}, gitServer{name: name + " v0", url: v0.URL})
	}
	for _, accept := range []string{"", "AcceptEnv GIT_PROTOCOL\n"} {
		version := map[string]string{"": " v0"}[accept]
		if version == "" {
			version = " v2"
		}
		home := t.TempDir()
		key := gittest.WriteKey(t, filepath.Join(home, ".ssh", "id_ed25519")).PublicKey()
		keys := gittest.Write(t, filepath.Join(t.TempDir(), "authorized_keys"), string(ssh.MarshalAuthorizedKey(key)))
		address := sshd(t, home, accept+"AuthorizedKeysFile "+keys+"\n")
		all = append(all, gitServer{"sshd" + version, address + root, home})
		all = append(all, gitServer{"gitolite ssh" + version, sshd(t, gitolite.user, accept+
			"AuthorizedKeysFile "+gitolite.home+"/.ssh/authorized_keys\nSetEnv HOME="+gitolite.home+"\n"), gitolite.user})
	}
	return append(all, gitServer{name: "cgit (no git)", url: cgit(t, root)}, gitServer{name: "Dulwich http v0", url: dulwich(t, root)})
}

// startServer starts a program that prints its port when it listens, and gives
// its address.
func startServer(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	errs, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	mustDo(t, err)
	cmd.Stderr = errs
	out, err := cmd.StdoutPipe()
	mustDo(t, err, cmd.Start())
	t.Cleanup(func() { // the context has ended it
		_ = cmd.Wait()
		_ = errs.Close()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		said, _ := os.ReadFile(errs.Name())
		t.Fatalf("%s: %v\n%s", program, err, said)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the program
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

func proxyTo(t *testing.T, address string) http.Handler {
	t.Helper()
	to, err := url.Parse(address)
	mustDo(t, err)
	return httputil.NewSingleHostReverseProxy(to)
}

// dulwich serves by Debian's Dulwich, which has a server of version 0.
func dulwich(t *testing.T, root string) string {
	t.Helper()
	return startServer(t, "/usr/bin/python3", "-c", `
import sys
from wsgiref.simple_server import make_server
from dulwich.server import FileSystemBackend
from dulwich.web import make_wsgi_chain
server = make_server("127.0.0.1", 0, make_wsgi_chain(FileSystemBackend("/")))
print(server.server_port, flush=True)
server.serve_forever()
`) + root
}

// cgit serves clones as files, as it does by itself.
func cgit(t *testing.T, root string) string {
	t.Helper()
	config := gittest.Write(t, filepath.Join(t.TempDir(), "cgitrc"), "virtual-root=/\nenable-http-clone=1\nscan-path="+root+"\n")
	server := httptest.NewServer(&cgi.Handler{
		Path: "/usr/lib/cgit/cgit.cgi", Dir: root, Env: append(gittest.Environ(), "CGIT_CONFIG="+config),
		Logger: log.New(io.Discard, "", 0), Stderr: io.Discard,
	})
	t.Cleanup(server.Close)
	return server.URL
}

// sshd serves by OpenSSH, for the user who runs the test. It runs one for each
// connection, as inetd would: so the test has the port, and nothing is left. home
// learns its key. It gives the address of /.
func sshd(t *testing.T, home, config string) string {
	t.Helper()
	me, err := user.Current()
	mustDo(t, err)
	dir := t.TempDir()
	host := gittest.WriteKey(t, filepath.Join(dir, "host"))
	file := gittest.Write(t, filepath.Join(dir, "config"), "HostKey "+dir+"/host\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n"+config)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	mustDo(t, err)
	known := filepath.Join(home, ".ssh", "known_hosts")
	before, _ := os.ReadFile(known)
	gittest.Write(t, known, string(before)+knownhosts.Line([]string{listener.Addr().String()}, host.PublicKey())+"\n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			socket, err := conn.(*net.TCPConn).File()
			_ = conn.Close()
			if err != nil {
				continue
			}
			cmd := exec.CommandContext(t.Context(), "/usr/sbin/sshd", "-i", "-f", file)
			cmd.Stdin, cmd.Stdout = socket, socket
			if err := cmd.Start(); err == nil {
				go func() { _ = cmd.Wait() }() // it ends with its connection
			}
			_ = socket.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return "ssh://" + me.Username + "@" + listener.Addr().String()
}

// gitolite is Debian's, in a home of its own.
type gitolite struct{ home, user string }

func newGitolite(t *testing.T, root string) gitolite {
	t.Helper()
	g := gitolite{t.TempDir(), t.TempDir()}
	gittest.WriteKey(t, filepath.Join(g.user, ".ssh", "id_ed25519"))
	public, err := os.ReadFile(filepath.Join(g.user, ".ssh", "id_ed25519.pub"))
	mustDo(t, err)
	pub := gittest.Write(t, filepath.Join(t.TempDir(), "reader.pub"), string(public))
	g.run(t, "setup", "-pk", pub)
	for _, name := range []string{"super.git", "part.git"} {
		mustDo(t, os.Symlink(filepath.Join(root, name), filepath.Join(g.home, "repositories", name)))
	}
	gittest.Write(t, filepath.Join(g.home, ".gitolite", "conf", "gitolite.conf"), "repo super part\n    R = @all\n")
	g.run(t, "compile")
	hook := filepath.Join(g.home, ".gitolite", "hooks", "common", "update") // it serves nothing without, and the pushes do not come by way of it
	mustDo(t, os.WriteFile(hook, []byte("#!/bin/sh\n"), 0o755))
	return g
}

func (g gitolite) environ() []string {
	return append(gittest.Environ(), "HOME="+g.home, "USER=gitolite", "LOGNAME=gitolite")
}

func (g gitolite) run(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "gitolite", args...)
	cmd.Dir, cmd.Env = g.home, g.environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("gitolite %v: %v\n%s", args, err, out)
	}
}

// http is gitolite's own CGI.
func (g gitolite) http(t *testing.T) http.Handler {
	t.Helper()
	return &cgi.Handler{
		Path: "/usr/share/gitolite3/gitolite-shell", Dir: g.home,
		Env: append(g.environ(), "GITOLITE_HTTP_HOME="+g.home, "GIT_PROJECT_ROOT="+g.home+"/repositories", "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=reader",
			fmt.Sprint("GIT_HTTP_BACKEND=", filepath.Join(gittest.Git(t, g.home, "--exec-path"), "git-http-backend"))),
		Logger: log.New(io.Discard, "", 0), Stderr: io.Discard,
	}
}
