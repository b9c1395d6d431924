package api

import (
	"errors"
	"fmt"
	"os/user"
	"path/filepath"
	"strconv"
)

// Config is what flags and variables say about the control socket.
type Config struct {
	Path  string `env:"CONTROL" usage:"socket at which kitops status, runs, logs and poll find the agent, or off for none" value:"PATH" default:"STATE_FILE.sock"`
	Group string `env:"CONTROL_GROUP" usage:"group whose members are answered and obeyed at the socket, too" value:"GROUP"`
}

// NoGroup is the GID of no group.
const NoGroup = -1

// GID is the number of the group, which may be given by that, too.
func (c Config) GID() (int, error) {
	if c.Group == "" {
		return NoGroup, nil
	}
	group, err := user.LookupGroup(c.Group)
	if err != nil {
		if group, err = user.LookupGroupId(c.Group); err != nil {
			return NoGroup, fmt.Errorf("there is no group %q", c.Group)
		}
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		return NoGroup, errors.New("the control socket is not for groups on this system")
	}
	return gid, nil
}

// off is the Path of no socket.
const off = "off"

// Of is where the socket is of an agent with this state file, "" for nowhere.
func (c Config) Of(state string) string {
	switch c.Path {
	case off:
		return ""
	case "":
		return state + ".sock"
	}
	return c.Path
}

// Shared is where the socket is of an agent that shares its state, by the
// environment of either end: in $RUNTIME_DIRECTORY, else beside a path (if that
// is not ""), else in $XDG_RUNTIME_DIR; "" for nowhere.
func Shared(getenv func(name string) string, beside string) string {
	if dir := getenv("RUNTIME_DIRECTORY"); dir != "" {
		return filepath.Join(dir, "kitops.sock")
	}
	if beside != "" {
		return beside + ".sock"
	}
	if dir := getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "kitops.sock")
	}
	return ""
}
