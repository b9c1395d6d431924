//go:build unix

package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git/gittest"
)

// patience bounds every wait; it is only ever used up by a failing test.
const patience = time.Minute

// nobody is whom the scripts mean by unprivileged where they run as root.
const nobody = 65534

func TestMain(m *testing.M) {
	if hub := os.Getenv("TEST_RUNNER"); hub != "" {
		os.Exit(beRunner(hub))
	}
	gittest.InMemory()
	haveBug()
	// Scripts and scenes wait more than they work: a grace period here, a pause there.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	syscall.Umask(0o022) // other users read what tests write
	flag.Parse()
	if flag.Lookup("test.list").Value.String() == "" {
		os.Exit(withProgram(m.Run))
	}
	os.Exit(m.Run())
}

// withProgram builds kitops once, as it is built for users but with the race
// detector if the tests have it, and puts it first in PATH. Its pauses for a
// remote that may be late are shorter, as is every lag of the tests.
func withProgram(run func() int) int {
	dir, err := os.MkdirTemp("", "kitops-test-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = os.Chmod(dir, 0o755) // other users run it
	}
	if err == nil {
		err = os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	if err != nil {
		panic(err)
	}
	args := []string{"build", "-buildvcs=false", "-ldflags=-w -X main.second=" + hasty + " -X main.machine=/nowhere -X main.version=" + testVersion + " -X main.keys=" + testKeys(), "-o", filepath.Join(dir, "kitops")}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	return run()
}

// TestScript runs testdata/script: what the contract promises, and what hurt
// the users of others, through the built program.
//
// HOME is the script's directory, which actions see as well. Beside what
// testscript has there are these commands:
//
//	exits CODE PROGRAM [ARG...]    runs a program that must end with this code
//	start NAME [ARG...]            runs kitops in the background, its output goes to NAME.log
//	signal NAME SIGNAL             sends it TERM, INT, HUP, USR1 or KILL
//	ends NAME CODE                 waits until it has ended, with this code
//	unprivileged                   exits and start are nobody from here on, if they would be root
//	await FILE REGEXP [N]          waits until the file has N (1) lines that match
//	cleared DIR                    waits until the directory is empty
//	[!] alive FILE                 waits until the processes whose ids are in the file all live, or none does
//	mkrepo NAME                    makes NAME.git and NAME, a work tree of it with a first commit on main
//	commit NAME [PATH=TEXT...]     commits files to the current branch and pushes it by force; sets SHA
//	served NAME [TASK]             waits until the agent NAME has looked once more, and run what there was
//	serve-http [USER PASSWORD]     serves the script's directory; sets HTTP
//	serve-ssh                      the same; sets SSH, SSHADDR and HOME to one with a key and known_hosts
//	serve-redirect URL             redirects to URL, notes credentials it is shown in redirect.log; sets REDIRECT
//	serve-store                    serves a bucket where kitops shares its state; sets KITOPS_STATE and the keys to it
//	serve-nothing                  accepts connections and says nothing; sets HANGING
//	tmpfs DIR                      mounts one of 1 MB
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup:              setUp,
		Condition:          condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":          exits,
			"start":          start,
			"signal":         sendSignal,
			"ends":           ends,
			"unprivileged":   unprivileged,
			"await":          await,
			"alive":          alive,
			"cleared":        cleared,
			"mkrepo":         makeRepo,
			"commit":         commit,
			"served":         served,
			"serve-http":     serveHTTP,
			"serve-ssh":      serveSSH,
			"serve-redirect": serveRedirect,
			"serve-store":    serveStore,
			"serve-nothing":  serveNothing,
			"tmpfs":          mountTmpfs,
		},
	})
}

func setUp(env *testscript.Env) error {
	env.Vars = append(env.Vars, gittest.Environ()...)
	env.Setenv("PATH", os.Getenv("PATH"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("KITOPS_LOG_FORMAT", "text")
	env.Setenv("GORACE", "atexit_sleep_ms=10 halt_on_error=1")
	env.Values[worldKey{}] = &world{agents: map[string]*agent{}, repos: map[string]*gittest.Repo{}}
	// Other users must get through to the script's directory.
	return os.Chmod(filepath.Dir(env.WorkDir), 0o755)
}

func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "systemd":
		_, err := os.Stat("/run/systemd/system")
		return err == nil, nil
	case "tmpfs": // may be mounted
		return exec.Command("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt").Run() == nil, nil
	case "limits": // can be set
		return actions.Supports(actions.Limits{Memory: 1 << 30}) == nil, nil
	case "pidns": // a new process may be PID 1
		return exec.Command("unshare", "--map-root-user", "--pid", "--fork", "--mount-proc", "true").Run() == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}
