package files

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// MountBelow returns a mount point in or at dir, or "". The kernel's list has
// bind mounts too, which share the device of what is around them.
func MountBelow(dir string) (string, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if os.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	found := ""
	err = eachMount("self", func(m mount) bool {
		if within(m.point, dir) {
			found = m.point
		}
		return found == ""
	})
	return found, err
}

// BoundElsewhere tells whether dir or what is in it is mounted at another place,
// in the mount namespace of any process that can be seen, as a file is that a
// container was given.
func BoundElsewhere(dir string) (bool, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false, err
	}
	var home mount // where dir is: of several mounts at one point the last counts
	err = eachMount("self", func(m mount) bool {
		if within(dir, m.point) && len(m.point) >= len(home.point) {
			home = m
		}
		return true
	})
	if err != nil {
		return false, err
	}
	home.root = filepath.Join(home.root, strings.TrimPrefix(dir, home.point))
	proc, err := os.Open("/proc")
	if err != nil {
		return false, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return false, err
	}
	found, seen := false, map[string]bool{}
	for _, pid := range names {
		if _, err := strconv.Atoi(pid); err != nil {
			continue
		}
		if space, err := os.Readlink(filepath.Join("/proc", pid, "ns/mnt")); err == nil { // else it is another user's
			if seen[space] {
				continue
			}
			seen[space] = true
		}
		_ = eachMount(pid, func(m mount) bool { // it may have ended
			found = found || m.device == home.device && within(m.root, home.root)
			return !found
		})
		if found {
			break
		}
	}
	return found, nil
}

// mount is a line of proc_pid_mountinfo(5).
type mount struct{ device, root, point string }

// eachMount calls visit for each mount that a process sees, until it returns false.
func eachMount(pid string, visit func(mount) bool) error {
	file, err := os.Open(filepath.Join("/proc", pid, "mountinfo"))
	if err != nil {
		return fmt.Errorf("read the list of mounts: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		root, bad := unescape(fields[3])
		point, err := unescape(fields[4])
		if bad == nil && err == nil && !visit(mount{fields[2], root, point}) {
			return nil
		}
	}
	return lines.Err()
}

// unescape reads a path with \040 for a space.
func unescape(path string) (string, error) {
	if !strings.Contains(path, `\`) {
		return path, nil
	}
	return strconv.Unquote(`"` + strings.ReplaceAll(path, `"`, `\"`) + `"`)
}

// within tells whether a path is a directory or something in it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
