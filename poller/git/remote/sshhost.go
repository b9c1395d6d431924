package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// sshHost is where to connect to and as whom: the address, completed by
// ~/.ssh/config as ssh_config(5) says. The system's configuration is not read.
type sshHost struct {
	name, port, user string
	alias            string   // its name in known_hosts, if that is another
	identities       []string // files with private keys
	chosen           bool     // the files were named by somebody, not by custom
	identitiesOnly   bool
	knownHosts       []string // files
}

func (m *Access) sshHost() (*sshHost, error) {
	host := &sshHost{name: m.URL.Host, port: m.URL.Port, user: m.URL.User}
	config, err := m.sshConfig()
	if err != nil {
		return nil, err
	}
	get := func(key string) string {
		value, err := config.Get(m.URL.Host, key)
		if err != nil {
			return ""
		}
		return value
	}
	for _, proxy := range []string{"ProxyJump", "ProxyCommand"} {
		if value := get(proxy); value != "" && !strings.EqualFold(value, "none") {
			return nil, fmt.Errorf("%s in ~/.ssh/config is not supported for host %s", proxy, m.URL.Host)
		}
	}
	if name := get("HostName"); name != "" {
		host.name = strings.NewReplacer("%h", m.URL.Host, "%%", "%").Replace(name)
	}
	host.alias = get("HostKeyAlias")
	host.port = first(host.port, get("Port"), "22")
	if host.user = first(host.user, get("User")); host.user == "" {
		me, err := user.Current()
		if err != nil {
			return nil, fmt.Errorf("the address names no user: %w", err)
		}
		host.user = me.Username
	}
	host.identitiesOnly = strings.EqualFold(get("IdentitiesOnly"), "yes")
	host.knownHosts = []string{filepath.Join(m.Home, ".ssh", "known_hosts"), "/etc/ssh/ssh_known_hosts"}
	if files := strings.Fields(get("UserKnownHostsFile")); len(files) > 0 {
		host.knownHosts = append(m.expandAll(host, files), "/etc/ssh/ssh_known_hosts")
	}
	return host, m.chooseIdentities(host, config)
}

func (m *Access) chooseIdentities(host *sshHost, config *ssh_config.Config) error {
	files, err := config.GetAll(m.URL.Host, "IdentityFile")
	if err != nil {
		return err
	}
	switch {
	case m.SSHKeyFile != "":
		host.identities, host.chosen, host.identitiesOnly = []string{m.SSHKeyFile}, true, true
	case slices.Equal(files, []string{"none"}):
		host.chosen = true
	case len(files) > 0:
		host.identities, host.chosen = m.expandAll(host, files), true
	default:
		host.identities = m.expandAll(host, []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"})
	}
	return nil
}

func (m *Access) sshConfig() (*ssh_config.Config, error) {
	content, err := os.ReadFile(filepath.Join(m.Home, ".ssh", "config"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	config, err := ssh_config.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(m.Home, ".ssh", "config"), err)
	}
	return config, nil
}

// expandAll does what ssh_config(5) lets paths contain.
func (m *Access) expandAll(host *sshHost, paths []string) []string {
	tokens := strings.NewReplacer("%d", m.Home, "%h", host.name, "%p", host.port, "%r", host.user, "%%", "%")
	expanded := make([]string, 0, len(paths))
	for _, path := range paths {
		path = strings.Trim(path, `"`)
		if rest, ok := strings.CutPrefix(path, "~/"); ok {
			path = filepath.Join(m.Home, rest)
		}
		expanded = append(expanded, tokens.Replace(path))
	}
	return expanded
}

// address is the host as known_hosts names it.
func (h *sshHost) address() string {
	return net.JoinHostPort(first(h.alias, h.name), h.port)
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
