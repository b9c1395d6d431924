package git

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestSSHAsOpenSSH has in ~/.ssh what OpenSSH gets along with.
func TestSSHAsOpenSSH(t *testing.T) {
	m, server, sha := sshRepo(t)
	_, port, _ := net.SplitHostPort(server.Addr)
	known := read(t, server.Home, ".ssh/known_hosts")
	_, key, _ := strings.Cut(known, " ")
	at := "  HostName 127.0.0.1\n  Port " + port + "\n  User git\n  IdentityFile " + server.KeyFile + "\n"
	for name, with := range map[string]struct{ url, config, known, warned string }{
		"host as typed":             {url: "GitBox:repo.git", config: "Host gitbox\n  User nobody\nHost GitBox\n" + at},
		"address as typed":          {url: "ssh://GitBox/repo.git", config: "Host GitBox\n" + at},
		"alias without a port":      {config: "Host al\n" + at + "  HostKeyAlias My-Alias\n", known: "my-alias " + key},
		"entry without a port":      {known: "127.0.0.1 " + key},
		"hashed names":              {known: "|1|a2lkb3Bz|AAAA " + key + known},
		"key of an unknown kind":    {known: "x.example ssh-ed448 AAAACXNzaC1lZDQ0OAAAAAFh\n" + known},
		"key of version 1":          {known: "x.example 1024 35 1234567890\n" + known},
		"line with a host only":     {known: "x.example\n<html>\n@odd x y z\n" + known},
		"truncated key":             {known: known + "x.example ssh-rsa AAAAB3NzaC1yc2E\n"},
		"Match exec":                {config: "Host al\n" + at + "Match exec \"true\"\n  Port 1\n", warned: "Match exec"},
		"Match final":               {config: "Match final\n  Port 1\nHost al\n" + at, warned: "Match final"},
		"Match canonical":           {config: "Match canonical host x\n  Port 1\nHost al\n" + at, warned: "Match canonical"},
		"Match tagged":              {config: "Match tagged x\n  Port 1\nHost al\n" + at, warned: "Match tagged"},
		"Match host":                {config: "Match originalhost al user me,* !localuser nobody-else\n" + at + "Match host 127.*\n  Port 1\n"},
		"include beside the config": {config: "Include conf.d/*\nHost other\n  User x\n"},
		"words":                     {config: "host=\"al\" # mine\n\tHOSTNAME = 127.0.0.1\n port=" + port + "\n user \"git\"\n identityfile \"" + server.KeyFile + "\" # key\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if with.url == "" {
				with.url = "al:repo.git"
			}
			if with.config == "" {
				with.config = "Host al\n" + at
			}
			m := mirrorOf(t, with.url)
			m.Home = home(t, server, with.config)
			gittest.Write(t, filepath.Join(m.Home, ".ssh", "conf.d", "one"), "Host al\n"+at)
			if with.known != "" {
				gittest.Write(t, filepath.Join(m.Home, ".ssh", "known_hosts"), with.known)
			}
			var log bytes.Buffer
			m.Log = slog.New(slog.NewTextHandler(&log, nil))
			for range 2 {
				if got := mustHeads(t, m, "HEAD"); got[0].SHA != sha {
					t.Error(got)
				}
			}
			if n := strings.Count(log.String(), "level=WARN"); with.warned == "" && n > 0 || with.warned != "" && (n != 1 || !strings.Contains(log.String(), with.warned)) {
				t.Errorf("warned %d times: %s", n, log.String())
			}
		})
	}
	other := gittest.WriteKey(t, filepath.Join(t.TempDir(), "other")).PublicKey()
	gittest.Write(t, filepath.Join(m.Home, ".ssh", "known_hosts"), "127.0.0.1 "+string(ssh.MarshalAuthorizedKey(other)))
	headsFail(t, m, "is not known") // without a port it says nothing of another server's key
	gittest.Write(t, filepath.Join(m.Home, ".ssh", "known_hosts"), "["+strings.Replace(server.Addr, ":", "]:", 1)+" ecdsa-sha2-nistp256 "+
		"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=\n")
	headsFail(t, m, "known by kinds only that the server does not show", "ssh-keyscan -p "+port)
}

// TestSSHCertificates has a server that takes certified keys only.
func TestSSHCertificates(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	dir := t.TempDir()
	authority := gittest.WriteKey(t, filepath.Join(dir, "ca"))
	server := gittest.ServeSSHCertified(t, filepath.Dir(r.Dir), authority.PublicKey())
	key := gittest.WriteKey(t, filepath.Join(dir, "id"))
	certificate := &ssh.Certificate{Key: key.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"git"}, ValidBefore: ssh.CertTimeInfinity}
	if err := certificate.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	text := string(ssh.MarshalAuthorizedKey(certificate))
	m := mirrorOf(t, server.URL("repo.git"))
	m.Home = home(t, server, "IdentityFile "+filepath.Join(dir, "id")+"\n")
	headsFail(t, m, "none of these keys was accepted", filepath.Join(dir, "id"))
	file := gittest.Write(t, filepath.Join(dir, "elsewhere"), text)
	m.Home = home(t, server, "IdentityFile "+filepath.Join(dir, "id")+"\nCertificateFile "+file+"\n")
	if got := mustHeads(t, m, "HEAD"); got[0].SHA != sha {
		t.Error(got)
	}
	gittest.Write(t, filepath.Join(dir, "id-cert.pub"), text)
	m.Home, m.SSHKeyFile = home(t, server, ""), filepath.Join(dir, "id")
	mustCheckout(t, m, sha)
	gittest.Write(t, filepath.Join(dir, "id-cert.pub"), "nonsense")
	headsFail(t, m, "is no ssh certificate")
}

// TestIdentityAgent asks the agent of ~/.ssh/config, or none.
func TestIdentityAgent(t *testing.T) {
	m, server, _ := sshRepo(t)
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	m.Home = home(t, server, "IdentityAgent "+nowhere+"\n")
	headsFail(t, m, "ssh agent:", nowhere)
	m.SSHAgent = nowhere
	m.Home = home(t, server, "IdentityAgent none\n")
	if _, err := m.Heads(gittest.Generous(t), []string{"HEAD"}); err == nil || strings.Contains(err.Error(), "agent") {
		t.Error(err)
	}
}

// TestSSHSaysWhy quotes servers that answer with something else than git does.
func TestSSHSaysWhy(t *testing.T) {
	home := t.TempDir()
	gittest.WriteKey(t, filepath.Join(home, ".ssh", "id_ed25519"))
	hostKey := gittest.WriteKey(t, filepath.Join(t.TempDir(), "host"))
	gittest.Write(t, filepath.Join(home, ".ssh", "known_hosts"), "* "+string(ssh.MarshalAuthorizedKey(hostKey.PublicKey())))
	config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
	config.AddHostKey(hostKey)
	for says, with := range map[string]struct {
		stdout, stderr string
		wants          []string
	}{
		"shell":  {stdout: "Welcome to \x1b[31mproduction!\n", wants: []string{`Welcome to \x1b[31mproduction!`}},
		"stderr": {stderr: "Gitea: \x1b[1mno such repository\n", wants: []string{`the server says: Gitea: \x1b[1mno such repository`}},
		"both":   {stdout: "oops, no git here", stderr: "ask anna\n", wants: []string{"oops, no git here", "the server says: ask anna"}},
		"cut":    {stdout: "0032", stderr: "killed\n", wants: []string{"cut short", "killed"}},
	} {
		t.Run(says, func(t *testing.T) {
			addr, _ := silent(t, func(conn net.Conn) {
				_, channels, _, err := ssh.NewServerConn(conn, config)
				if err != nil {
					return
				}
				channel, requests, err := (<-channels).Accept()
				if err != nil {
					return
				}
				for request := range requests {
					_ = request.Reply(request.Type == "exec", nil)
					if request.Type == "exec" {
						_, _ = channel.Write([]byte(with.stdout))
						_, _ = channel.Stderr().Write([]byte(with.stderr))
						_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{1}))
						_ = channel.Close()
					}
				}
			})
			m := mirrorOf(t, "ssh://git@"+addr+"/x")
			m.Home = home
			headsFail(t, m, with.wants...)
		})
	}
}
