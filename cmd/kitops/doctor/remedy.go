package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/git"
)

// remedy is what mends a repository that cannot be read: one for each cause.
func remedy(err error, t settings.Task) string {
	var unknown *net.DNSError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var expired x509.CertificateInvalidError
	switch {
	case t.URL.Local() && errors.Is(err, fs.ErrPermission):
		return "let kitops' user read it"
	case t.URL.Local():
		return "correct the path: it must be a Git repository on this host"
	case errors.As(err, &unknown):
		return "correct the host's name, or the name servers of this host"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: correct host and port, or start the server"
	case errors.As(err, &authority):
		return "let this host trust the authority that signed the server's certificate"
	case errors.As(err, &name), errors.As(err, &expired):
		return "fix the server's certificate, or use the name that it is for"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the host does not answer: check network, firewall and proxy"
	case errors.Is(err, git.ErrCredentials) && t.URL.SSH():
		return "give the server the public key, or name the key with ssh_key_file"
	case errors.Is(err, git.ErrCredentials):
		return "correct the user and password in the address"
	case errors.Is(err, git.ErrHidden):
		return "correct the address; a private repository needs credentials, too"
	case errors.Is(err, git.ErrDenied):
		return "the account may not read this repository: have it allowed"
	case t.URL.SSH() && strings.Contains(err.Error(), "chmod 600"):
		return "have nobody but its owner read the key"
	case t.URL.SSH() && strings.Contains(err.Error(), "known_hosts"):
		return "verify the host's key and add it to known_hosts"
	}
	return "try the same with git ls-remote"
}
