package remote

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// knownKeys checks the key of one host against known_hosts, always strictly:
// there is nobody to ask.
type knownKeys struct {
	host    *sshHost
	lines   []knownLine // that name the host
	others  []knownLine // that name it without its port
	refusal error       // why the last key was turned down; the handshake garbles it
}

func (h *sshHost) knownKeys() (*knownKeys, error) {
	k := &knownKeys{host: h}
	for _, file := range h.knownHosts {
		lines, err := readKnownHosts(file)
		if err != nil {
			return nil, fmt.Errorf("read known hosts: %w", err)
		}
		for _, line := range lines {
			switch {
			case line.names(h.address()):
				k.lines = append(k.lines, line)
			case h.alias == "" && line.names(h.name):
				k.others = append(k.others, line)
			}
		}
	}
	return k, nil
}

// algorithms keeps a server from showing a key of a kind that is not known
// when it has one that is.
func (k *knownKeys) algorithms() []string {
	var kinds []string
	for _, line := range slices.Concat(k.lines, k.others) {
		switch {
		case line.marker == markRevoked:
		case line.marker == markAuthority:
			kinds = append(kinds, ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
				ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01)
		case line.key.Type() == ssh.KeyAlgoRSA:
			kinds = append(kinds, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA)
		default:
			kinds = append(kinds, line.key.Type())
		}
	}
	var once []string
	for _, kind := range kinds {
		if !slices.Contains(once, kind) {
			once = append(once, kind)
		}
	}
	return once
}

// check is an ssh.HostKeyCallback.
func (k *knownKeys) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	checker := &ssh.CertChecker{
		IsHostAuthority: func(authority ssh.PublicKey, _ string) bool {
			return slices.ContainsFunc(slices.Concat(k.lines, k.others), func(l knownLine) bool {
				return l.marker == markAuthority && bytes.Equal(l.key.Marshal(), authority.Marshal())
			})
		},
		IsRevoked:       func(c *ssh.Certificate) bool { return k.revoked(c.Key) || k.revoked(c.SignatureKey) },
		HostKeyFallback: func(_ string, _ net.Addr, key ssh.PublicKey) error { return k.checkPlain(key) },
	}
	if certificate, ok := key.(*ssh.Certificate); ok && k.refusal == nil {
		name := k.host.name
		if k.host.alias != "" {
			name = k.host.alias
		}
		if err := checker.CheckHostKey(net.JoinHostPort(name, k.host.port), remote, certificate); err != nil {
			k.refusal = fmt.Errorf("host key of %s: %w", k.host.address(), err)
		}
		return k.refusal
	}
	k.refusal = k.checkPlain(key)
	return k.refusal
}

func (k *knownKeys) revoked(key ssh.PublicKey) bool {
	return slices.ContainsFunc(k.lines, func(l knownLine) bool {
		return l.marker == markRevoked && bytes.Equal(l.key.Marshal(), key.Marshal())
	})
}

func (k *knownKeys) checkPlain(key ssh.PublicKey) error {
	name, shown := k.host.address(), key.Type()+" "+ssh.FingerprintSHA256(key)
	if k.revoked(key) {
		return fmt.Errorf("host key of %s: %s is revoked", name, shown)
	}
	for _, line := range slices.Concat(k.lines, k.others) { // without a port it serves every port that shows that key
		if line.marker == "" && bytes.Equal(line.key.Marshal(), key.Marshal()) {
			return nil
		}
	}
	if i := slices.IndexFunc(k.lines, func(l knownLine) bool { return l.marker == "" }); i >= 0 {
		return fmt.Errorf("THE HOST KEY OF %s HAS CHANGED: it shows %s, but %s:%d says otherwise. "+
			"Somebody may be listening in. If the change is expected: ssh-keygen -f %[3]s -R '%[1]s', then add the new key",
			name, shown, k.lines[i].file, k.lines[i].number)
	}
	return fmt.Errorf("the host key of %s is not known (it shows %s). Compare that with what its operator publishes, then: %s",
		name, shown, k.scanCommand())
}

// noneInCommon says what to do when a server has no key of a kind that is known.
func (k *knownKeys) noneInCommon(err *ssh.AlgorithmNegotiationError) error {
	return fmt.Errorf("the host key of %s is known by kinds only that the server does not show (it has %s). "+
		"Compare with what its operator publishes, then: %s", k.host.address(), strings.Join(err.RequestedAlgorithms, ", "), k.scanCommand())
}

func (k *knownKeys) scanCommand() string {
	port := ""
	if k.host.port != "22" {
		port = "-p " + k.host.port + " "
	}
	command := "ssh-keyscan " + port + k.host.name
	if k.host.alias != "" {
		command += fmt.Sprintf(" | sed 's/^[^ ]*/%s/'", k.host.alias)
	}
	return command + " >> " + k.host.knownHosts[0]
}
