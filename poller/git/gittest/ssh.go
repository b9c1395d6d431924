package gittest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// SSH is a running ssh server for one user with one key.
type SSH struct {
	Addr    string // host:port
	Home    string // a home whose .ssh has known_hosts and id_ed25519
	KeyFile string // the key that is let in, id_ed25519 in Home
	Old     bool   // speak version 0 of the protocol only; set before the first connection

	LFS func(repo string) (answer string, status uint32) // git-lfs-authenticate for downloads; nil: there is none

	dir    string
	config *ssh.ServerConfig
	wait   sync.WaitGroup
}

// URL is the address of a repository below the served directory, for user git.
func (s *SSH) URL(repo string) string { return "ssh://git@" + s.Addr + "/" + repo }

// ServeSSH serves the repositories below dir by git-upload-pack.
func ServeSSH(tb TB, dir string) *SSH {
	tb.Helper()
	return serveSSH(tb, dir, nil)
}

// ServeSSHCertified is ServeSSH for keys that an authority has certified, and no
// others.
func ServeSSHCertified(tb TB, dir string, authority ssh.PublicKey) *SSH {
	tb.Helper()
	checker := &ssh.CertChecker{IsUserAuthority: func(key ssh.PublicKey) bool { return string(key.Marshal()) == string(authority.Marshal()) }}
	return serveSSH(tb, dir, checker.Authenticate)
}

func serveSSH(tb TB, dir string, let func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error)) *SSH {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback does not block
	if err != nil {
		tb.Fatalf("%v", err)
	}
	s := &SSH{Addr: listener.Addr().String(), Home: tb.TempDir(), dir: dir}
	s.KeyFile = filepath.Join(s.Home, ".ssh", "id_ed25519")
	client := WriteKey(tb, s.KeyFile)
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) == string(client.PublicKey().Marshal()) {
			return nil, nil
		}
		return nil, os.ErrPermission
	}}
	if let != nil {
		s.config.PublicKeyCallback = let
	}
	host := WriteKey(tb, filepath.Join(tb.TempDir(), "host"))
	s.config.AddHostKey(host)
	line := knownhosts.Line([]string{s.Addr}, host.PublicKey()) + "\n"
	if err := os.WriteFile(filepath.Join(s.Home, ".ssh", "known_hosts"), []byte(line), 0o600); err != nil {
		tb.Fatalf("%v", err)
	}
	var open sync.Map
	s.wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Store(conn, nil)
			s.wait.Go(func() { s.serve(conn) })
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		open.Range(func(conn, _ any) bool { _ = conn.(net.Conn).Close(); return true })
		s.wait.Wait()
	})
	return s
}

// WriteKey makes a key pair: path and path.pub.
func WriteKey(tb TB, path string) ssh.Signer {
	tb.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "gittest")
	if err != nil {
		tb.Fatalf("%v", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		tb.Fatalf("%v", err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		tb.Fatalf("%v", err)
	}
	if err := os.WriteFile(path+".pub", ssh.MarshalAuthorizedKey(signer.PublicKey()), 0o600); err != nil {
		tb.Fatalf("%v", err)
	}
	return signer
}

func (s *SSH) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	s.wait.Go(func() { ssh.DiscardRequests(requests) })
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		s.wait.Go(func() { s.session(channel, requests) })
	}
}

func (s *SSH) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer func() { _ = channel.Close() }()
	env := Environ()
	for request := range requests {
		var command struct{ Line string }
		var variable struct{ Name, Value string }
		if request.Type == "env" && ssh.Unmarshal(request.Payload, &variable) == nil && variable.Name == "GIT_PROTOCOL" && !s.Old {
			env = append(env, variable.Name+"="+variable.Value)
			_ = request.Reply(true, nil)
			continue
		}
		ok := request.Type == "exec" && ssh.Unmarshal(request.Payload, &command) == nil
		_ = request.Reply(ok, nil)
		if !ok {
			continue
		}
		s.wait.Go(func() { ssh.DiscardRequests(requests) })
		status := struct{ Code uint32 }{s.run(channel, command.Line, env)}
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
		return
	}
}

// run lets a shell take the command apart, as sshd does, with dir for a root.
func (s *SSH) run(channel ssh.Channel, line string, env []string) uint32 {
	if repo, asked := strings.CutPrefix(line, "git-lfs-authenticate "); asked && s.LFS != nil {
		answer, status := s.LFS(strings.Trim(strings.TrimSuffix(repo, " download"), "'"))
		_, _ = io.WriteString(channel, answer)
		return status
	}
	quoted, ok := strings.CutPrefix(line, "git-upload-pack ")
	if !ok {
		return 127
	}
	cmd := exec.Command("/bin/sh", "-c", "path="+quoted+`; exec git upload-pack "$0/${path#/}"`, s.dir) //nolint:noctx // ends with its connection
	cmd.Env, cmd.Stdout, cmd.Stderr = env, channel, channel.Stderr()
	stdin, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return 126
	}
	s.wait.Go(func() {
		defer func() { _ = stdin.Close() }()
		buffer := make([]byte, 4096)
		for {
			n, err := channel.Read(buffer)
			if _, failed := stdin.Write(buffer[:n]); err != nil || failed != nil {
				return
			}
		}
	})
	if cmd.Wait() != nil {
		return 128
	}
	return 0
}
