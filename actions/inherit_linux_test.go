package actions_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/actions"
)

// inherited prints everything that a command gets from whoever starts it.
const inherited = `
for f in /proc/$$/fd/*; do [ -h "$f" ] && echo "fd ${f##*/}"; done
grep -E '^(Sig(Pnd|Blk|Ign)|ShdPnd|Cap(Inh|Prm|Eff|Amb)|Uid|Gid|Groups|NoNewPrivs):' /proc/$$/status | tr -s '\t ' ' ' | sed 's/ $//'
read -r pid name state parent group session tty rest < /proc/$$/stat
[ "$group" = $$ ] && [ "$session" = $$ ] && echo "leader, terminal $tty"
(: < /dev/tty) 2>&1 | sed 's/.*: /tty: /'
echo "umask $(umask)"
grep -E '^Max (open files|core file size)' /proc/$$/limits | sed 's/  */ /g; s/ $//'
cat "$SECRET" 2>&1 | sed 's/.*: /secret: /'
env | grep -E '^(HOME|USER|LOGNAME|SHELL|MAIL|XDG_|LISTEN_|SSH_|SUDO_|GIT_DIR|GIT_CEIL|TMPDIR)' | LC_ALL=C sort
`

// helpInherit is an agent that is started in some way and runs an action.
func helpInherit() error {
	if err := actions.Isolate(); err != nil {
		return err
	}
	o := actions.Options{Dir: "/", Environ: os.Environ(), Out: os.Stdout, Vars: []string{"SECRET=" + os.Getenv("SECRET")}}
	if name := os.Getenv("ACTIONS_TEST_USER"); name != "" {
		u, err := actions.LookupUser(name)
		if err != nil {
			return err
		}
		o.User = u
	}
	a := sh(inherited)
	a.InheritEnvironment = true
	return a.Run(context.Background(), o)
}

// helpShut blocks and ignores every signal that it may, and becomes the agent.
func helpShut() error {
	runtime.LockOSThread()
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	for number := syscall.Signal(1); number <= 31; number++ {
		signal.Ignore(number)
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil); err != nil {
		return err
	}
	return become("inherit")
}

// helpDrop leaves root no more than a service of systemd has.
func helpDrop() error {
	runtime.LockOSThread()
	keep := []uintptr{unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_KILL, unix.CAP_SETGID, unix.CAP_SETUID, unix.CAP_SYS_PTRACE, unix.CAP_LEASE}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if slices.Contains(keep, c) {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	return become("inherit")
}

func become(name string, args ...string) error {
	environ := slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, helperKey+"=") })
	return syscall.Exec("/proc/self/exe", append([]string{"agent"}, args...), append(environ, helperKey+"="+name)) //nolint:gosec // ourselves
}

// pty returns both ends of a new terminal.
func pty(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

// What an action gets is a list, however the agent was started.
func TestInherit(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "hunter2\n", 0o600)
	held, err := os.Open(secret)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	session := []string{
		"SECRET=" + secret, "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/zsh", "MAIL=/var/mail/root",
		"XDG_RUNTIME_DIR=/run/user/0", "SSH_AUTH_SOCK=/run/agent", "SUDO_USER=me", "GIT_DIR=/elsewhere", "TMPDIR=" + filepath.Dir(secret),
	}
	for name, way := range map[string]func(t *testing.T) (cmd *exec.Cmd, user string){
		"by hand": func(*testing.T) (*exec.Cmd, string) { return helper("inherit"), "" },
		"in a terminal": func(t *testing.T) (*exec.Cmd, string) {
			t.Helper()
			_, slave := pty(t)
			cmd := helper("inherit")
			cmd.Stdin, cmd.SysProcAttr = slave, &syscall.SysProcAttr{Setsid: true, Setctty: true}
			return cmd, ""
		},
		"signals ignored and blocked": func(*testing.T) (*exec.Cmd, string) { return helper("shut"), "" },
		"descriptors open": func(*testing.T) (*exec.Cmd, string) {
			cmd := helper("inherit")
			cmd.ExtraFiles = []*os.File{held, held, nil, held} // 3, 4 and 6
			cmd.Env = append(cmd.Env, "LISTEN_FDS=2", "LISTEN_FDNAMES=a:b")
			return cmd, ""
		},
		"as another user": func(t *testing.T) (*exec.Cmd, string) {
			t.Helper()
			if os.Geteuid() != 0 { // nobody to become, so be ourselves
				return helper("inherit"), strconv.Itoa(os.Geteuid())
			}
			cmd := helper("drop")
			cmd.SysProcAttr = &syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_SETUID, unix.CAP_KILL}}
			return cmd, "nobody"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, user := way(t)
			program, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			// Limits and umask are the starter's, on purpose.
			script := `ulimit -Sn 200; ulimit -Sc 0; umask 027; exec "$@"`
			cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", script, "sh", program}
			cmd.Env = append(slices.Concat(cmd.Env, session), "ACTIONS_TEST_USER="+user)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got := strings.Split(strings.TrimSpace(string(out)), "\n")
			if want := inheritance(t, user, filepath.Dir(secret)); !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// inheritance is the list.
func inheritance(t *testing.T, user, tmp string) []string {
	t.Helper()
	u := &actions.User{UID: os.Geteuid(), GID: os.Getegid()}
	u.Groups, _ = os.Getgroups()
	if user != "" {
		var err error
		if u, err = actions.LookupUser(user); err != nil {
			t.Fatal(err)
		}
	}
	four := func(id int) string { return strings.TrimSpace(strings.Repeat(strconv.Itoa(id)+" ", 4)) }
	groups := slices.Sorted(slices.Values(u.Groups))
	none, capable, word := "0000000000000000", "0000000000000000", "secret: Permission denied"
	if u.UID == 0 {
		capable = statusLine(t, "CapBnd")
	}
	if u.UID == os.Geteuid() {
		word = "hunter2"
	}
	var limits syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limits); err != nil { // the hard one is never changed
		t.Fatal(err)
	}
	list := []string{
		"fd 0", "fd 1", "fd 2", "Uid: " + four(u.UID), "Gid: " + four(u.GID), strings.TrimSpace("Groups: " + strings.Trim(fmt.Sprint(groups), "[]")),
		"SigPnd: " + none, "ShdPnd: " + none, "SigBlk: " + none, "SigIgn: " + none,
		"CapInh: " + none, "CapPrm: " + capable, "CapEff: " + capable, "CapAmb: " + none, "NoNewPrivs: " + statusLine(t, "NoNewPrivs"),
		"leader, terminal 0", "tty: No such device or address", "umask 0027",
		"Max core file size 0 " + hardLimit(t, "Max core file size"), "Max open files 200 " + hardLimit(t, "Max open files"),
		word, "GIT_CEILING_DIRECTORIES=/",
	}
	if u.UID != os.Geteuid() { // none of root's session, and no directory that is root's alone
		return append(list, "HOME="+u.Home, "LOGNAME="+u.Name, "SHELL="+u.Shell, "USER="+u.Name)
	}
	home, name := "/root", "root"
	if user != "" {
		home, name = u.Home, u.Name
	}
	return append(list, "HOME="+home, "LOGNAME=root", "MAIL=/var/mail/root", "SHELL=/bin/zsh",
		"SSH_AUTH_SOCK=/run/agent", "SUDO_USER=me", "TMPDIR="+tmp, "USER="+name, "XDG_RUNTIME_DIR=/run/user/0")
}

// statusLine and hardLimit are what the test itself has.
func statusLine(t *testing.T, key string) string {
	t.Helper()
	return field(t, "/proc/self/status", key+":", 1)
}

func hardLimit(t *testing.T, key string) string {
	t.Helper()
	return field(t, "/proc/self/limits", key, 2) + " " + field(t, "/proc/self/limits", key, 3)
}

func field(t *testing.T, file, key string, n int) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			return strings.Fields(rest)[n-1]
		}
	}
	t.Fatalf("%s has no %s", file, key)
	return ""
}
