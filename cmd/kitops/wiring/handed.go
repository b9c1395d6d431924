package wiring

import (
	"net"
	"os"

	"github.com/bittrance/kitops/poller/store/file"
)

// The names of what an agent keeps when it executes another program in its place.
const (
	handedState  = "state"
	handedRepos  = "repos"
	handedListen = "listen"
)

// Handed is what the program before this one kept open, by name.
type Handed map[string]*os.File

// lock takes a lock over, or anew.
func (h Handed) lock(name, path string) (*file.Lock, error) {
	if kept := h.take(name); kept != nil {
		if lock, err := file.AdoptLock(kept, path); err == nil {
			return lock, nil
		}
	}
	return file.AcquireLock(path)
}

func (h Handed) take(name string) *os.File {
	file := h[name]
	delete(h, name)
	return file
}

// listener is the socket that listens on an address already, nil for none. Its
// own address tells the port only where the configured one does.
func (h Handed) listener(address string) net.Listener {
	file := h.take(handedListen)
	if file == nil {
		return nil
	}
	defer file.Close()
	listener, err := net.FileListener(file)
	if err != nil {
		return nil
	}
	_, wanted, err := net.SplitHostPort(address)
	_, port, err2 := net.SplitHostPort(listener.Addr().String())
	if err != nil || err2 != nil || wanted != port && wanted != "0" {
		_ = listener.Close()
		return nil
	}
	return listener
}

// Close closes what nobody has taken.
func (h Handed) Close() {
	for name, file := range h {
		_ = file.Close()
		delete(h, name)
	}
}
