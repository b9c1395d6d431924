package git

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// strike is what an attacker does when the next checkout has been made.
type strike func(t *testing.T)

// TestNothingOfAnActionComesAlong has an action, or what it left behind, try to get something into the next workdir. Each
// time the same is tried on a checkout that moves nothing, which must not fare better.
func TestNothingOfAnActionComesAlong(t *testing.T) {
	write := func(f *os.File) strike {
		return func(*testing.T) { _, _ = f.WriteAt([]byte("EVIL"), 0); _ = f.Close() }
	}
	attacks := map[string]func(t *testing.T, dir string) strike{
		"nothing": func(*testing.T, string) strike { return nil },
		"an open file": func(t *testing.T, dir string) strike {
			t.Helper()
			f, err := os.OpenFile(filepath.Join(dir, "victim"), os.O_RDWR, 0)
			must(t, err)
			return write(f)
		},
		"a file open to read, opened again": func(t *testing.T, dir string) strike {
			t.Helper()
			f, err := os.Open(filepath.Join(dir, "victim"))
			must(t, err)
			return func(*testing.T) {
				defer f.Close()
				if again, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), os.O_RDWR, 0); err == nil {
					_, _ = again.WriteAt([]byte("EVIL"), 0)
					_ = again.Close()
				}
			}
		},
		"a mapping": func(t *testing.T, dir string) strike {
			t.Helper()
			f, err := os.OpenFile(filepath.Join(dir, "victim"), os.O_RDWR, 0)
			must(t, err)
			mapped, err := unix.Mmap(int(f.Fd()), 0, 4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			must(t, err)
			must(t, f.Close())
			return func(t *testing.T) { t.Helper(); copy(mapped, "EVIL"); must(t, unix.Munmap(mapped)) }
		},
		"a mapping of another namespace": func(t *testing.T, dir string) strike { t.Helper(); return holdElsewhere(t, dir, false) },
		"a mapping through a mount, as of a container with -v": func(t *testing.T, dir string) strike {
			t.Helper()
			return holdElsewhere(t, dir, true)
		},
		"a descriptor in flight": func(t *testing.T, dir string) strike {
			t.Helper()
			ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			must(t, err)
			f, err := os.OpenFile(filepath.Join(dir, "victim"), os.O_RDWR, 0)
			must(t, err)
			must(t, unix.Sendmsg(ends[0], []byte{0}, unix.UnixRights(int(f.Fd())), nil, 0))
			must(t, f.Close())
			return func(t *testing.T) {
				t.Helper()
				data, rights := make([]byte, 1), make([]byte, 64)
				_, n, _, _, err := unix.Recvmsg(ends[1], data, rights, 0)
				must(t, err)
				messages, err := unix.ParseSocketControlMessage(rights[:n])
				must(t, err)
				fds, err := unix.ParseUnixRights(&messages[0])
				must(t, err)
				write(os.NewFile(uintptr(fds[0]), "victim"))(t)
				must(t, unix.Close(ends[0]))
				must(t, unix.Close(ends[1]))
			}
		},
		"a hard link": func(t *testing.T, dir string) strike {
			t.Helper()
			link := filepath.Join(filepath.Dir(dir), "link")
			must(t, os.Link(filepath.Join(dir, "victim"), link))
			return func(*testing.T) { _ = os.WriteFile(link, []byte("EVIL"), 0o600) }
		},
		"a hard link made and removed": func(t *testing.T, dir string) strike {
			t.Helper()
			link := filepath.Join(filepath.Dir(dir), "link")
			must(t, os.Link(filepath.Join(dir, "victim"), link))
			must(t, os.Remove(link))
			return nil
		},
		"a change that hides": func(t *testing.T, dir string) strike {
			t.Helper()
			path := filepath.Join(dir, "victim")
			info, err := os.Stat(path)
			must(t, err)
			must(t, os.WriteFile(path, []byte("EVIL"), 0o600))
			must(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
			return nil
		},
		"another file in its place": func(t *testing.T, dir string) strike {
			t.Helper()
			must(t, os.WriteFile(dir+".evil", []byte("EVIL"), 0o644))
			must(t, os.Rename(dir+".evil", filepath.Join(dir, "victim")))
			return nil
		},
		"an extended attribute": func(t *testing.T, dir string) strike {
			t.Helper()
			if err := unix.Setxattr(filepath.Join(dir, "victim"), "user.evil", []byte("1"), 0); err != nil {
				t.Skipf("no such attributes here: %v", err)
			}
			return nil
		},
		"a mode": func(t *testing.T, dir string) strike {
			t.Helper()
			must(t, unix.Chmod(filepath.Join(dir, "victim"), 0o6777))
			return nil
		},
		"bits of a directory": func(t *testing.T, dir string) strike {
			t.Helper()
			must(t, unix.Chmod(filepath.Join(dir, "d"), 0o3777))
			must(t, unix.Chmod(dir, 0o3777))
			return nil
		},
		"a default ACL": func(t *testing.T, dir string) strike {
			t.Helper()
			// acl(5): version 2, then tag, permissions and id of each entry; user 12345 may do all.
			entries := []byte{2, 0, 0, 0}
			for _, e := range [][2]uint16{{1, 7}, {2, 7}, {4, 5}, {0x10, 7}, {0x20, 5}} {
				id := uint32(0xffffffff)
				if e[0] == 2 {
					id = 12345
				}
				entries = append(entries, byte(e[0]), byte(e[0]>>8), byte(e[1]), byte(e[1]>>8), byte(id), byte(id>>8), byte(id>>16), byte(id>>24))
			}
			for _, name := range []string{dir, filepath.Join(dir, "d")} {
				must(t, unix.Setxattr(name, "system.posix_acl_default", entries, 0))
			}
			return nil
		},
		"a link in a directory's place": func(t *testing.T, dir string) strike {
			t.Helper()
			must(t, os.Rename(filepath.Join(dir, "d"), dir+".moved"))
			must(t, os.Symlink(dir+".moved", filepath.Join(dir, "d")))
			return nil
		},
		"a hook": func(t *testing.T, dir string) strike {
			t.Helper()
			must(t, os.WriteFile(filepath.Join(dir, ".git", "hooks-evil"), nil, 0o755))
			must(t, os.WriteFile(filepath.Join(dir, ".git", "config"), []byte("[core]\n\tfsmonitor = /evil\n"), 0o644))
			return nil
		},
		"files of its own": func(t *testing.T, dir string) strike {
			t.Helper()
			must(t, os.WriteFile(filepath.Join(dir, "evil"), nil, 0o755))
			must(t, os.Symlink("/etc", filepath.Join(dir, "d", "evil")))
			return nil
		},
	}
	spares := map[string]bool{ // the file itself
		"nothing": true, "bits of a directory": true, "a default ACL": true, "a link in a directory's place": true, "a hook": true, "files of its own": true,
	}
	for name, attack := range attacks {
		for _, way := range []string{"moved", "prepared", "written"} {
			t.Run(name+", "+way, func(t *testing.T) {
				park := way != "written"
				r := gittest.New(t)
				first := r.Commit(map[string]string{"victim": "good", "other": "other", "d/e": "e", "d/f": "f"})
				p := &parking{Mirror: mirrorOf(t, r.Dir), o: Options{Park: park, DotGit: name == "a hook"}, above: t.TempDir(), prepare: way == "prepared", hurry: make(chan struct{})}
				dir := p.next(t, first)
				if park {
					age(t, dir)
				}
				other, victim := inode(t, filepath.Join(dir, "other")), inode(t, filepath.Join(dir, "victim"))
				then := attack(t, dir)
				second := r.Commit(map[string]string{"new": "new"})
				next := p.next(t, second)
				if then != nil {
					then(t)
				}
				found := exactly(t, next)
				for inside := range found {
					if rel, err := filepath.Rel(".git", inside); err == nil && filepath.IsLocal(rel) {
						if strings.Contains(inside+found[inside], "evil") {
							t.Errorf("%s came along", inside)
						}
						delete(found, inside)
					}
				}
				gittest.MustHave(t, second, found, exportedExactly(t, r, second))
				for inside := range found {
					if n, err := unix.Listxattr(filepath.Join(next, inside), make([]byte, 1<<10)); err == nil && n > 0 {
						t.Errorf("%s has attributes", inside)
					}
				}
				if moved := inode(t, filepath.Join(next, "other")) == other; moved != park {
					t.Errorf("what was not attacked was moved: %t", moved)
				}
				if moved := inode(t, filepath.Join(next, "victim")) == victim; moved && !spares[name] {
					t.Error("what was attacked was moved")
				}
			})
		}
	}
}

// holdElsewhere maps the file in a process of pid and mount namespaces of its own, through a mount if that is asked for.
func holdElsewhere(t *testing.T, dir string, mount bool) strike {
	t.Helper()
	path := filepath.Join(dir, "victim")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHoldsAMapping$")
	cmd.Env = append(os.Environ(), "KITOPS_TEST_HOLD="+path, "KITOPS_TEST_MOUNT="+strconv.FormatBool(mount))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "held\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return func(t *testing.T) {
		t.Helper()
		must(t, in.Close())
		must(t, cmd.Wait())
	}
}

// TestHoldsAMapping is the process that another test starts.
func TestHoldsAMapping(t *testing.T) {
	path := os.Getenv("KITOPS_TEST_HOLD")
	if path == "" {
		return
	}
	if os.Getenv("KITOPS_TEST_MOUNT") == "true" {
		at := t.TempDir()
		must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		must(t, unix.Mount(filepath.Dir(path), at, "", unix.MS_BIND, ""))
		path = filepath.Join(at, filepath.Base(path))
		t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	mapped, err := unix.Mmap(int(f.Fd()), 0, 4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	must(t, err)
	must(t, f.Close())
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	copy(mapped, "EVIL")
	must(t, unix.Munmap(mapped))
}
