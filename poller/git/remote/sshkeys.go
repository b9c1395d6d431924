package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/bittrance/kitops/poller/files"
)

// sshKeys are the keys to offer to a server, and why others are not.
type sshKeys struct {
	signers []ssh.Signer
	offered []string
	skipped []error
	agent   net.Conn // signs for as long as it is open
	stop    func() bool
}

func (m *Access) sshKeys(ctx context.Context, host *sshHost) (*sshKeys, error) {
	keys := &sshKeys{stop: func() bool { return true }}
	var open *openKeyError
	for _, file := range host.identities {
		err := keys.addFile(file)
		switch {
		case err == nil:
		case m.SSHKeyFile != "":
			return nil, err
		case errors.As(err, &open):
			m.warn(ctx, "an ssh key is not used, as by ssh: others may read it", "key", file, "remedy", "chmod 600 "+file)
			keys.skipped = append(keys.skipped, err)
		case host.chosen || !errors.Is(err, fs.ErrNotExist):
			keys.skipped = append(keys.skipped, err)
		}
	}
	if host.agent != "" && m.SSHKeyFile == "" {
		if err := keys.addAgent(ctx, host.agent, host); err != nil {
			keys.skipped = append(keys.skipped, fmt.Errorf("ssh agent: %w", CtxErr(ctx, err)))
		}
	}
	for _, file := range host.certificates {
		if err := keys.certify(file); err != nil {
			keys.skipped = append(keys.skipped, err)
		}
	}
	return keys, nil
}

// openKeyError says that others may read a private key, which OpenSSH does not use then.
type openKeyError struct {
	file string
	mode fs.FileMode
}

func (e *openKeyError) Error() string {
	return fmt.Sprintf("ssh key %s has mode %04o, and is not used where others may read it: chmod 600 %s", e.file, e.mode, e.file)
}

// certify offers a certificate before the keys, if one of them is certified.
func (k *sshKeys) certify(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("ssh certificate: %w", err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(content)
	certificate, ok := key.(*ssh.Certificate)
	if err != nil || !ok {
		return fmt.Errorf("%s is no ssh certificate", file)
	}
	for _, signer := range k.signers {
		if !bytes.Equal(signer.PublicKey().Marshal(), certificate.Key.Marshal()) {
			continue
		}
		certified, err := ssh.NewCertSigner(certificate, signer)
		if err != nil {
			return fmt.Errorf("ssh certificate %s: %w", file, err)
		}
		k.signers = append([]ssh.Signer{certified}, k.signers...)
		k.offered = append([]string{file}, k.offered...)
		return nil
	}
	return fmt.Errorf("ssh certificate %s is for none of the keys", file)
}

func (k *sshKeys) addFile(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("ssh key: %w", err)
	}
	if files.OpenToOthers(info) {
		return &openKeyError{file, info.Mode().Perm()}
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("ssh key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(pem)
	var encrypted *ssh.PassphraseMissingError
	if errors.As(err, &encrypted) {
		return fmt.Errorf("ssh key %s has a passphrase: load it into ssh-agent, or make a key without one for kitops", file)
	}
	if err != nil {
		return fmt.Errorf("ssh key %s is no private key that kitops can read: %w", file, err)
	}
	k.signers = append(k.signers, signer)
	k.offered = append(k.offered, file)
	certificate := file + "-cert.pub" // as OpenSSH looks for it
	if _, err := os.Stat(certificate); err != nil {
		return nil //nolint:nilerr // there is none
	}
	if err := k.certify(certificate); err != nil {
		k.skipped = append(k.skipped, err)
	}
	return nil
}

func (k *sshKeys) addAgent(ctx context.Context, socket string, host *sshHost) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	k.agent, k.stop = conn, context.AfterFunc(ctx, func() { _ = conn.Close() })
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, file := range host.identities {
		if public, err := os.ReadFile(file + ".pub"); err == nil {
			if key, _, _, _, err := ssh.ParseAuthorizedKey(public); err == nil {
				wanted[string(key.Marshal())] = true
			}
		}
	}
	for _, signer := range signers {
		if !host.identitiesOnly || wanted[string(signer.PublicKey().Marshal())] {
			k.signers = append(k.signers, signer)
			k.offered = append(k.offered, "agent key "+ssh.FingerprintSHA256(signer.PublicKey()))
		}
	}
	return nil
}

func (k *sshKeys) close() {
	k.stop()
	if k.agent != nil {
		_ = k.agent.Close()
	}
}

// explain says which keys a server turned down. Other errors pass.
func (k *sshKeys) explain(host *sshHost, err error) error {
	if !strings.Contains(err.Error(), "unable to authenticate") {
		return fmt.Errorf("connect to %s: %w", net.JoinHostPort(host.name, host.port), err)
	}
	reason := "no ssh key to offer"
	if len(k.offered) > 0 {
		reason = "none of these keys was accepted: " + strings.Join(k.offered, ", ")
	}
	for _, skipped := range k.skipped {
		reason += "; " + skipped.Error()
	}
	return fmt.Errorf("authentication refused for %s@%s: %s", host.user, host.name, reason)
}
