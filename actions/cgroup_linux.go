package actions

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The names of cgroups below the one that was delegated to the agent: its own,
// since processes and limits do not live in one place, and one for each run.
const (
	agentCgroup = "kitops"
	runCgroup   = "run-"
)

// cgroup is the directory of one in the cgroup v2 hierarchy; "" is none. See
// https://docs.kernel.org/admin-guide/cgroup-v2.html.
type cgroup string

// UseCgroup gives every run from here on a cgroup of its own, and moves the
// agent into one beside them. The error says why this host does not let it;
// runs then go without. Call it once, before the first action.
func (p *Processes) UseCgroup() error {
	dir, err := CgroupParent()
	if err != nil {
		return err
	}
	own := cgroup(filepath.Join(dir, agentCgroup))
	if err := own.make(); err != nil {
		return err
	}
	if err := own.enter(); err != nil {
		return fmt.Errorf("move kitops into its own cgroup: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cgroup = cgroup(dir)
	p.cgroup.sweep()
	return nil
}

// CgroupParent returns the directory below which cgroups of runs may be made.
// The error says why there is none. It changes nothing.
func CgroupParent() (string, error) {
	mount, own, err := findCgroup()
	if err != nil {
		return "", err
	}
	if dir := filepath.Dir(own); filepath.Base(own) == agentCgroup && delegated(mount, dir) == nil {
		return dir, nil // the agent has moved already, and was then executed anew
	}
	return own, delegated(mount, own)
}

// findCgroup returns where cgroup v2 is mounted, and the agent's own directory.
func findCgroup() (mount, own string, err error) {
	lines, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", "", err
	}
	path := ""
	for line := range strings.Lines(string(lines)) {
		if rest, ok := strings.CutPrefix(line, "0::"); ok {
			path = strings.TrimSuffix(rest, "\n")
		}
	}
	mount, root := cgroupMount()
	if path == "" || mount == "" {
		return "", "", errors.New("cgroup v2 is not mounted")
	}
	rel, err := filepath.Rel(root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", "", fmt.Errorf("the cgroup of kitops, %s, is not below the one that is mounted, %s", path, root)
	}
	return mount, filepath.Join(mount, rel), nil
}

// cgroupMount returns where cgroup v2 is mounted, and which part of it, see
// proc_pid_mountinfo(5).
func cgroupMount() (mount, root string) {
	lines, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", ""
	}
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(string(lines)) {
		where, what, _ := strings.Cut(line, " - ")
		fields := strings.Fields(where)
		if strings.HasPrefix(what, "cgroup2 ") && len(fields) > 4 {
			return unescape.Replace(fields[4]), unescape.Replace(fields[3])
		}
	}
	return "", ""
}

// delegated tells why a cgroup is not the agent's to divide. Root may write
// everywhere, but a cgroup of systemd has one master, who says by an attribute
// that he leaves it to others: https://systemd.io/CGROUP_DELEGATION/.
func delegated(mount, dir string) error {
	kind, err := os.ReadFile(filepath.Join(dir, "cgroup.type"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("kitops runs in the root cgroup")
	case err != nil:
		return err
	case strings.TrimSpace(string(kind)) != "domain":
		return fmt.Errorf("the cgroup %s is %s", dir, strings.TrimSpace(string(kind)))
	}
	if err := unix.Access(filepath.Join(dir, "cgroup.procs"), unix.W_OK); err != nil {
		return fmt.Errorf("kitops may not write to the cgroup %s: %w", dir, err)
	}
	if err := unix.Access(dir, unix.W_OK); err != nil {
		return fmt.Errorf("kitops may not write to the cgroup %s: %w", dir, err)
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil || os.Geteuid() != 0 {
		return nil //nolint:nilerr // no systemd, or permissions have said enough
	}
	for at := dir; strings.HasPrefix(at, mount); at = filepath.Dir(at) {
		for _, name := range []string{"user.delegate", "trusted.delegate"} {
			value := make([]byte, 1)
			if n, err := unix.Getxattr(at, name, value); err == nil && n == 1 && value[0] == '1' {
				return nil
			}
		}
	}
	return fmt.Errorf("the cgroup %s belongs to systemd: Delegate=yes in the unit leaves it to kitops", dir)
}

// enter moves the agent into the cgroup.
func (c cgroup) enter() error { return os.WriteFile(c.file("cgroup.procs"), []byte("0"), 0) }

func (c cgroup) of(runID string) cgroup { return cgroup(filepath.Join(string(c), runCgroup+runID)) }

func (c cgroup) file(name string) string { return filepath.Join(string(c), name) }

func (c cgroup) make() error {
	if err := os.Mkdir(string(c), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make a cgroup: %w", err)
	}
	return nil
}

// members lists the processes of the cgroup and of those below it. The kernel
// lists those that the agent could not look at, too, and no zombies.
func (c cgroup) members() (pids []int) {
	c.walk(func(dir cgroup) {
		list, err := os.ReadFile(dir.file("cgroup.procs"))
		if err != nil {
			return
		}
		for word := range bytes.FieldsSeq(list) {
			if pid, err := strconv.Atoi(string(word)); err == nil && pid > 0 { // 0: of another pid namespace
				pids = append(pids, pid)
			}
		}
	})
	return pids
}

// kill ends all members at once, however fast they fork (from Linux 5.14 on;
// before, they are signalled one by one). It does not end the agent, which is a
// member where an action of the run has started it.
func (c cgroup) kill() {
	if c == "" {
		return
	}
	self := os.Getpid()
	for _, pid := range c.members() {
		if pid == self {
			return
		}
	}
	os.WriteFile(c.file("cgroup.kill"), []byte("1"), 0) //nolint:errcheck // alive tells
}

// remove removes the cgroup if it is empty. One whose members have just ended
// may be busy for some milliseconds more.
func (c cgroup) remove() {
	for range 10 {
		c.walk(func(dir cgroup) {
			unix.Rmdir(string(dir)) //nolint:errcheck // not empty: swept later
		})
		if _, err := os.Stat(string(c)); err != nil || len(c.members()) > 0 {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// sweep removes the cgroups of runs that have become empty.
func (c cgroup) sweep() {
	if c == "" {
		return
	}
	entries, err := os.ReadDir(string(c))
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), runCgroup) {
			cgroup(c.file(entry.Name())).remove()
		}
	}
}

// walk visits a cgroup after all that are below it.
func (c cgroup) walk(visit func(cgroup)) {
	if c == "" {
		return
	}
	entries, err := os.ReadDir(string(c))
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.IsDir() {
			cgroup(c.file(entry.Name())).walk(visit)
		}
	}
	visit(c)
}

// saved is the cgroup's name within the hierarchy.
func (c cgroup) saved() string {
	mount, _ := cgroupMount()
	if c == "" || mount == "" {
		return ""
	}
	return strings.TrimPrefix(string(c), mount)
}

// savedCgroup returns the cgroup of a run by its saved name, "" if it is none.
func savedCgroup(name, runID string) cgroup {
	mount, _ := cgroupMount()
	if name == "" || runID == "" || mount == "" || !filepath.IsAbs(name) || filepath.Base(name) != runCgroup+runID {
		return ""
	}
	dir := cgroup(filepath.Join(mount, name))
	if _, err := os.Stat(dir.file("cgroup.procs")); err != nil {
		return ""
	}
	return dir
}
