package app

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/secret"
)

// Key tells where the App's private key is.
type Key struct {
	File    string      // read again when it changes and after a 401
	Literal secret.Text // the key itself; used when File is empty
}

func (k Key) String() string {
	if k.File != "" {
		return k.File
	}
	return "the key given in the environment"
}

// GoString keeps %#v from showing the key.
func (k Key) GoString() string { return fmt.Sprintf("app.Key(%q)", k.String()) }

// LogValue keeps the key out of logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

func (k Key) load() (*rsa.PrivateKey, error) {
	data := []byte(k.Literal.Reveal())
	if k.File != "" {
		var err error
		if data, err = files.ReadRegular(k.File, 1<<16); err != nil {
			return nil, fmt.Errorf("read the App's private key: %w", err)
		}
	}
	key, err := ParseKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k, err)
	}
	return key, nil
}

// exposed says that users who are neither the owner nor in the group may read the file. Windows has no such bits.
func (k Key) exposed() bool {
	if k.File == "" || runtime.GOOS == "windows" {
		return false
	}
	info, err := os.Stat(k.File)
	return err == nil && info.Mode().Perm()&0o004 != 0
}

// keyring holds the key as it was last read well: a file caught half-written does not stop the agent.
type keyring struct {
	where Key
	log   *slog.Logger

	mu        sync.Mutex
	key       *rsa.PrivateKey
	stamp     files.Stamp
	complaint string // the last one logged
}

func newKeyring(where Key, log *slog.Logger) (*keyring, error) {
	if where.File == "" && !where.Literal.Given() {
		return nil, errors.New("no private key for the GitHub App given")
	}
	k := &keyring{where: where, log: log, stamp: files.StampOf(where.File)}
	var err error
	if k.key, err = where.load(); err != nil {
		return nil, err
	}
	if where.exposed() {
		log.Warn("every user of this host can read the App's private key: chmod o-r", "file", where.File)
	}
	return k, nil
}

// changed says that the file is not the one that was read.
func (k *keyring) changed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !files.StampOf(k.where.File).Same(k.stamp)
}

// current is the key to sign with, read anew when its file has changed.
func (k *keyring) current() *rsa.PrivateKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := files.StampOf(k.where.File); !now.Same(k.stamp) {
		k.stamp = now
		k.read()
	}
	return k.key
}

// reload reads the file whether it seems changed or not, and says whether the key is another one.
func (k *keyring) reload() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.key
	if k.where.File != "" {
		k.stamp = files.StampOf(k.where.File)
		k.read()
	}
	return !k.key.Equal(before)
}

func (k *keyring) read() {
	key, err := k.where.load()
	switch {
	case err != nil && err.Error() == k.complaint:
	case err != nil:
		k.complaint = err.Error()
		k.log.Warn("the App's private key cannot be read again, using the one read before", "err", err)
	case !key.Equal(k.key):
		k.key, k.complaint = key, ""
		k.log.Info("read a new private key of the App", "file", k.where.File)
	}
}
