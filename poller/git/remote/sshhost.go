package remote

import (
	"context"
	"fmt"
	"net"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
)

// sshHost is where to connect to and as whom: the address, completed by
// ~/.ssh/config as ssh_config(5) says. The system's configuration is not read.
type sshHost struct {
	name, port, user string
	alias            string   // its name in known_hosts, if that is another
	identities       []string // files with private keys
	certificates     []string // files that certify them
	chosen           bool     // the files were named by somebody, not by custom
	identitiesOnly   bool
	agent            string   // socket; "": none
	knownHosts       []string // files
}

func (m *Access) sshHost(ctx context.Context) (*sshHost, error) {
	config := &sshConfig{home: m.Home, host: m.URL.Host, user: m.URL.User.Reveal()}
	if me, err := user.Current(); err == nil {
		config.local = me.Username
	}
	if err := config.read(filepath.Join(m.Home, ".ssh", "config")); err != nil {
		return nil, err
	}
	for _, odd := range config.unheeded() {
		m.warn(ctx, "part of ~/.ssh/config is not heeded, its block matches nothing", "part", odd)
	}
	for _, proxy := range []string{"ProxyJump", "ProxyCommand"} {
		if value := config.get(proxy); value != "" && !strings.EqualFold(value, "none") {
			return nil, fmt.Errorf("%s in ~/.ssh/config is not supported for host %s", proxy, m.URL.Host)
		}
	}
	host := &sshHost{
		name: strings.ToLower(config.name()), alias: strings.ToLower(config.get("HostKeyAlias")),
		port: first(m.URL.Port, config.get("Port"), "22"), user: first(m.URL.User.Reveal(), config.get("User"), config.local),
		identitiesOnly: strings.EqualFold(config.get("IdentitiesOnly"), "yes"),
	}
	if host.user == "" {
		return nil, fmt.Errorf("the address names no user: write ssh://USER@%s/", m.URL.Host)
	}
	host.knownHosts = []string{filepath.Join(m.Home, ".ssh", "known_hosts"), "/etc/ssh/ssh_known_hosts"}
	if files := config.values["userknownhostsfile"]; len(files) > 0 {
		host.knownHosts = append(m.expandAll(host, files), "/etc/ssh/ssh_known_hosts")
	}
	m.chooseIdentities(ctx, host, config)
	return host, nil
}

func (m *Access) chooseIdentities(ctx context.Context, host *sshHost, config *sshConfig) {
	files := config.values["identityfile"]
	host.certificates = m.expandAll(host, config.values["certificatefile"])
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
	switch agent := config.get("IdentityAgent"); {
	case agent == "" || agent == "SSH_AUTH_SOCK":
		host.agent = m.SSHAgent
	case strings.EqualFold(agent, "none"):
	case strings.HasPrefix(agent, "$"):
		m.warn(ctx, "part of ~/.ssh/config is not heeded", "part", "IdentityAgent "+agent)
	default:
		host.agent = m.expandAll(host, []string{agent})[0]
	}
}

// expandAll does what ssh_config(5) lets paths contain.
func (m *Access) expandAll(host *sshHost, paths []string) []string {
	tokens := strings.NewReplacer("%d", m.Home, "%h", host.name, "%p", host.port, "%r", host.user, "%n", m.URL.Host, "%%", "%")
	expanded := make([]string, 0, len(paths))
	for _, path := range paths {
		expanded = append(expanded, tokens.Replace(expandHome(m.Home, path)))
	}
	return expanded
}

// address is the host as known_hosts names it. An alias has no port.
func (h *sshHost) address() string {
	switch {
	case h.alias != "":
		return h.alias
	case h.port == "22":
		return h.name
	}
	return "[" + h.name + "]:" + h.port
}

// dialled is the host and port that are connected to.
func (h *sshHost) dialled() string { return net.JoinHostPort(h.name, h.port) }

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
