package remote

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// knownKeys checks the key of one host against known_hosts, always strictly:
// there is nobody to ask.
type knownKeys struct {
	db      *knownhosts.HostKeyDB
	host    *sshHost
	address string
	refusal error // why the last key was turned down; the handshake garbles it
}

func (h *sshHost) knownKeys() (*knownKeys, error) {
	var files []string
	for _, file := range h.knownHosts {
		if _, err := os.Stat(file); err == nil {
			files = append(files, file)
		}
	}
	db, err := knownhosts.NewDB(files...)
	if err != nil {
		return nil, fmt.Errorf("read known hosts: %w", err)
	}
	return &knownKeys{db: db, host: h, address: h.address()}, nil
}

// algorithms keeps a server from showing a key of a kind that is not known
// when it has one that is.
func (k *knownKeys) algorithms() []string { return k.db.HostKeyAlgorithms(k.address) }

func (k *knownKeys) check(address string, remote net.Addr, key ssh.PublicKey) error {
	err := k.db.HostKeyCallback()(address, remote, key)
	if err == nil {
		return nil
	}
	name, shown := knownhosts.Normalize(address), key.Type()+" "+ssh.FingerprintSHA256(key)
	var conflict *xknownhosts.KeyError
	switch {
	case knownhosts.IsHostKeyChanged(err) && errors.As(err, &conflict):
		k.refusal = fmt.Errorf("THE HOST KEY OF %s HAS CHANGED: it shows %s, but %s:%d says otherwise. "+
			"Somebody may be listening in. If the change is expected: ssh-keygen -f %[3]s -R '%[1]s', then add the new key",
			name, shown, conflict.Want[0].Filename, conflict.Want[0].Line)
	case knownhosts.IsHostUnknown(err):
		k.refusal = fmt.Errorf("the host key of %s is not known (it shows %s). Compare that with what its operator publishes, then: %s",
			name, shown, k.scanCommand())
	default:
		k.refusal = fmt.Errorf("host key of %s: %w", name, err)
	}
	return k.refusal
}

func (k *knownKeys) scanCommand() string {
	port := ""
	if k.host.port != "22" {
		port = "-p " + k.host.port + " "
	}
	command := "ssh-keyscan " + port + k.host.name
	if k.host.alias != "" {
		command += fmt.Sprintf(" | sed 's/^[^ ]*/%s/'", knownhosts.Normalize(k.address))
	}
	return command + " >> " + k.host.knownHosts[0]
}
