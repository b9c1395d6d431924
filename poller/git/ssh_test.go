package git

import (
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

func sshRepo(t *testing.T) (m *Mirror, server *gittest.SSH, sha string) {
	t.Helper()
	r := gittest.New(t)
	sha = r.Commit(map[string]string{"a": "1"})
	server = gittest.ServeSSH(t, filepath.Dir(r.Dir))
	m = mirrorOf(t, server.URL("repo.git"))
	m.Home = server.Home
	return m, server, sha
}

// home is a home that knows the server's key but has no key of its own.
func home(t *testing.T, server *gittest.SSH, config string) string {
	t.Helper()
	dir := t.TempDir()
	known := read(t, server.Home, ".ssh/known_hosts")
	gittest.Write(t, filepath.Join(dir, ".ssh", "known_hosts"), known)
	gittest.Write(t, filepath.Join(dir, ".ssh", "config"), config)
	return dir
}

func headsFail(t *testing.T, m *Mirror, want ...string) {
	t.Helper()
	_, err := m.Heads(gittest.Generous(t), refs.Patterns{"HEAD"})
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("got %v, want %s", err, w)
		}
	}
}

func TestSSHKeyFile(t *testing.T) {
	m, server, sha := sshRepo(t)
	m.Home = home(t, server, "")
	headsFail(t, m, "no ssh key to offer")
	m.SSHKeyFile = server.KeyFile
	mustCheckout(t, m, sha)

	m.SSHKeyFile = filepath.Join(t.TempDir(), "other")
	headsFail(t, m, "ssh key", "no such file")
	gittest.WriteKey(t, m.SSHKeyFile)
	headsFail(t, m, "none of these keys was accepted", m.SSHKeyFile)
	m.SSHKeyFile = gittest.Write(t, filepath.Join(t.TempDir(), "bad"), "nonsense")
	headsFail(t, m, "no private key")
	block, err := ssh.MarshalPrivateKeyWithPassphrase(rawKey(t, server.KeyFile), "", []byte(Secret))
	if err != nil {
		t.Fatal(err)
	}
	m.SSHKeyFile = gittest.Write(t, filepath.Join(t.TempDir(), "locked"), pemText(block))
	headsFail(t, m, "has a passphrase")
}

func TestSSHAgent(t *testing.T) {
	m, server, sha := sshRepo(t)
	m.Home = home(t, server, "")
	m.SSHAgent = filepath.Join(t.TempDir(), "agent")
	headsFail(t, m, "ssh agent:")
	keyring := agent.NewKeyring()
	if err := keyring.Add(agent.AddedKey{PrivateKey: rawKey(t, server.KeyFile)}); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", m.SSHAgent)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = agent.ServeAgent(keyring, conn) // until the client has gone
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	mustCheckout(t, m, sha)

	m.Home = home(t, server, "Host *\n  IdentitiesOnly yes\n")
	headsFail(t, m, "no ssh key to offer")
	public := read(t, filepath.Dir(server.KeyFile), "id_ed25519.pub")
	gittest.Write(t, filepath.Join(m.Home, ".ssh", "id_rsa.pub"), public)
	mustHeads(t, m, "HEAD")
}

func TestSSHConfig(t *testing.T) {
	m, server, sha := sshRepo(t)
	_, port, _ := net.SplitHostPort(server.Addr)
	url, err := address.ParseURL("forge:repo.git")
	if err != nil {
		t.Fatal(err)
	}
	m.URL = url
	config := "Host forge\n  HostName 127.0.0.1\n  Port " + port + "\n  User git\n  IdentityFile " + server.KeyFile + "\n"
	m.Home = home(t, server, config)
	mustCheckout(t, m, sha)

	m.Home = home(t, server, config+"  UserKnownHostsFile ~/elsewhere\n")
	headsFail(t, m, "is not known")
	gittest.Write(t, filepath.Join(m.Home, "elsewhere"), read(t, m.Home, ".ssh/known_hosts"))
	mustHeads(t, m, "HEAD")

	m.Home = home(t, server, config+"  HostKeyAlias other\n")
	headsFail(t, m, "host key of other is not known", "sed")
	m.Home = home(t, server, config+"  ProxyJump bastion\n")
	headsFail(t, m, "ProxyJump", "not supported")
	m.Home = home(t, server, config+"  IdentityFile /nowhere\n")
	mustHeads(t, m, "HEAD")
	gittest.Write(t, filepath.Join(m.Home, ".ssh", "config"), "Host \"forge\n")
	headsFail(t, m, filepath.Join(m.Home, ".ssh", "config"), "line 1", "quote")
}

func TestSSHHostKeys(t *testing.T) {
	m, server, _ := sshRepo(t)
	_, port, _ := net.SplitHostPort(server.Addr)
	known := filepath.Join(server.Home, ".ssh", "known_hosts")
	right := read(t, server.Home, ".ssh/known_hosts")
	if err := os.Remove(known); err != nil {
		t.Fatal(err)
	}
	headsFail(t, m, "not known", "SHA256:", fmt.Sprintf("ssh-keyscan -p %s 127.0.0.1 >> %s", port, known))

	other := gittest.WriteKey(t, filepath.Join(t.TempDir(), "other")).PublicKey()
	gittest.Write(t, known, "[127.0.0.1]:"+port+" "+string(ssh.MarshalAuthorizedKey(other)))
	headsFail(t, m, "HAS CHANGED", known+":1", "ssh-keygen -f "+known+" -R '[127.0.0.1]:"+port+"'")

	gittest.Write(t, known, right)
	gittest.Write(t, known, "@revoked * "+strings.SplitN(right, " ", 2)[1]+right)
	headsFail(t, m, "host key of", "revoked")
}

func TestSSHRepositoryNotFound(t *testing.T) {
	m, server, _ := sshRepo(t)
	for _, path := range []string{"nowhere.git", "it's'; echo pwned; '"} {
		url, err := address.ParseURL("ssh://git@" + server.Addr + "/" + strings.ReplaceAll(path, " ", "%20"))
		if err != nil {
			t.Fatal(err)
		}
		m.URL = url
		headsFail(t, m, "the server says:", path)
	}
}

func rawKey(t *testing.T, file string) any {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParseRawPrivateKey(content)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemText(block *pem.Block) string { return string(pem.EncodeToMemory(block)) }
