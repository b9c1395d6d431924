//go:build !windows

package actions

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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
	u := &User{Name: found.Username, Home: found.HomeDir, Shell: shellOf(found.Username)}
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

// Stranger finds the user of untrusted runs, who needs no entry in the user database: a number will do.
func Stranger(name string) (*User, error) {
	id, err := strconv.Atoi(name)
	if err != nil {
		return LookupUser(name)
	}
	if id <= 0 || id > math.MaxInt32 {
		return nil, fmt.Errorf("%s is no user id, or kitops' own", name)
	}
	if _, unknown := user.LookupId(name); unknown == nil {
		return LookupUser(name)
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("run actions as user %s: the agent must be root for that, but its user id is %d", name, os.Geteuid())
	}
	return &User{Name: name, Home: "/", Shell: "/bin/sh", UID: id, GID: id, Groups: []int{id}}, nil
}

// IsIn tells whether the user is in a group.
func (u *User) IsIn(gid int) bool { return u.GID == gid || slices.Contains(u.Groups, gid) }

// shellOf reads the login shell, which os/user does not tell. Users from
// elsewhere than /etc/passwd get the one that every system has.
func shellOf(name string) string {
	passwd, err := os.ReadFile("/etc/passwd")
	if err == nil {
		for line := range strings.Lines(string(passwd)) {
			fields := strings.Split(strings.TrimSpace(line), ":")
			if len(fields) == 7 && fields[0] == name && fields[6] != "" {
				return fields[6]
			}
		}
	}
	return "/bin/sh"
}

// IsAnother tells whether the user is not the agent's own. No user is the agent's.
func (u *User) IsAnother() bool { return u != nil && u.UID != os.Geteuid() }

// mayWrite tells whether the user may make files in a directory, by the
// permission bits of it and of all above it.
func (u *User) mayWrite(dir string) bool {
	if !filepath.IsAbs(dir) {
		return false
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil || !u.allowed(dir, 3) {
		return false
	}
	for dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		if !u.allowed(dir, 1) {
			return false
		}
	}
	return true
}

// allowed tells whether a directory has some of the bits rwx for the user.
func (u *User) allowed(dir string, bits fs.FileMode) bool {
	info, err := os.Stat(dir)
	return err == nil && info.IsDir() && u.permitted(dir, bits)
}

func (u *User) credential() *syscall.Credential {
	c := &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID)}
	for _, gid := range u.Groups {
		c.Groups = append(c.Groups, uint32(gid))
	}
	return c
}

// IsRoot tells whether actions are root, who may do all.
func (u *User) IsRoot() bool {
	if u == nil {
		return os.Geteuid() == 0
	}
	return u.UID == 0
}
