//go:build !windows

package actions

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// LookupUser finds a user by name or numeric id in the system's user database.
// It is an error if there is none, or if the agent may not become that user: it
// must be root, or be that user already.
func LookupUser(name string) (*User, error) {
	found, err := user.Lookup(name)
	if err != nil {
		if _, numeric := strconv.Atoi(name); numeric != nil {
			return nil, fmt.Errorf("look up user %s: %w", name, err)
		}
		if found, err = user.LookupId(name); err != nil {
			return nil, fmt.Errorf("look up user %s: %w", name, err)
		}
	}
	u := &User{Name: found.Username, Home: found.HomeDir}
	if u.UID, err = strconv.Atoi(found.Uid); err != nil {
		return nil, fmt.Errorf("look up user %s: %w", name, err)
	}
	if u.GID, err = strconv.Atoi(found.Gid); err != nil {
		return nil, fmt.Errorf("look up user %s: %w", name, err)
	}
	ids, err := found.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("look up the groups of user %s: %w", name, err)
	}
	for _, id := range ids {
		gid, err := strconv.Atoi(id)
		if err != nil {
			return nil, fmt.Errorf("look up the groups of user %s: %w", name, err)
		}
		u.Groups = append(u.Groups, gid)
	}
	if euid := os.Geteuid(); euid != 0 && euid != u.UID {
		return nil, fmt.Errorf("run actions as user %s: the agent must be root for that, but its user id is %d", u.Name, euid)
	}
	return u, nil
}

func (u *User) credential() *syscall.Credential {
	c := &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID)}
	for _, gid := range u.Groups {
		c.Groups = append(c.Groups, uint32(gid))
	}
	return c
}
