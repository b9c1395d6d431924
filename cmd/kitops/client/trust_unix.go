//go:build unix

package client

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// trust refuses a socket of a stranger, who would answer what he likes: it must
// be this user's, root's, or of whom the state file is, unless it was named.
func (c *Client) trust(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errNoAgent
	}
	if err != nil {
		return err
	}
	socket, ok := info.Sys().(*syscall.Stat_t)
	if !ok || c.Named || socket.Uid == 0 || int(socket.Uid) == os.Geteuid() {
		return nil
	}
	if info, err := os.Stat(c.State); err == nil {
		if state, ok := info.Sys().(*syscall.Stat_t); ok && state.Uid == socket.Uid {
			return nil
		}
	}
	return fmt.Errorf("%s belongs to user %d, who is neither you nor root nor the owner of %s: name it with --control if it is your agent", path, socket.Uid, c.State)
}

// mine refuses to change a file of somebody else, who could not read what takes its place.
func mine(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if file, ok := info.Sys().(*syscall.Stat_t); ok && int(file.Uid) != os.Geteuid() {
		return fmt.Errorf("no agent runs, and %s belongs to user %d: order this as that user, or start the agent", path, file.Uid)
	}
	return nil
}
