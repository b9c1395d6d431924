package main

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/spf13/pflag"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/build"
	"github.com/bittrance/kitops/cmd/kitops/client"
	"github.com/bittrance/kitops/cmd/kitops/handover"
	"github.com/bittrance/kitops/cmd/kitops/service"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/systemd"
	"github.com/bittrance/kitops/cmd/kitops/upgrade"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/file"
	"github.com/bittrance/kitops/poller/store/members"
	"github.com/bittrance/kitops/status"
)

// The exit codes, as docs/configuration.md lists them.
const (
	exitFailure = 1  // a poll or a run failed, could not start, or was stopped the hard way
	exitUsage   = 2  // usage, configuration, unreadable state file
	exitLocked  = 3  // another kitops holds the state file or the directory for clones
	exitNothing = 4  // there is neither an agent nor a state
	exitNewer   = 10 // upgrade --check: there is a newer release; paths: there is nothing to run
)

// lastWords is how long the errors that a command ends with wait for their reader.
const lastWords = time.Second

// Set by the linker.
var (
	version = ""
	second  = ""  //nolint:gochecknoglobals // for tests: what pauses that wait for a remote are counted in
	machine = "/" //nolint:gochecknoglobals // for tests: where a container leaves its marks
)

func main() {
	if len(os.Args) > 0 && os.Args[0] == actions.GuardName {
		guard()
	}
	exposed := actions.Isolate()
	crashBySignal(exposed == nil && runtime.GOOS == "linux")
	environ, handed := handover.Received(os.Environ())
	about := build.Running(version, environ, os.DirFS(machine))
	p := program{build: about, environ: environ, handed: handed, stdout: os.Stdout, stderr: os.Stderr, exposed: exposed, systemd: systemd.Socket(os.Getenv("NOTIFY_SOCKET"))}
	code, hosted := service.Host(os.Args[1:], func(args []string, log *os.File, stops <-chan os.Signal) int {
		p.stdout, p.stderr, p.stops = log, log, stops
		return p.main(args)
	})
	if !hosted {
		code = p.main(os.Args[1:])
	}
	os.Exit(code)
}

// program is the process with what it got from outside.
type program struct {
	build          build.Build // what this program is
	environ        []string
	stdout, stderr io.Writer
	handed         wiring.Handed
	exposed        error // why others of the same user can read this process's memory
	systemd        systemd.Socket
	stops          <-chan os.Signal // where there is another way to stop than signals; else nil

	args    []string
	options settings.Options // set by command
	flags   *pflag.FlagSet   // of the options: several commands have them
}

func (p program) main(args []string) int {
	p.args = args
	root := p.command()
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	err := root.ExecuteContext(context.Background())
	code := exitCode(err)
	if code != exitNewer { // which the command has said
		p.complain(err)
	}
	return code
}

// complain writes an error for people, or for the journal.
func (p program) complain(err error) { status.LastWords(p.stderr, err, lastWords) }

func exitCode(err error) int {
	var (
		damaged *client.DamagedError
		mistake *settings.Error
		format  *store.FormatError
		locked  *file.LockedError
		newer   *upgrade.NewerError
		managed *upgrade.ManagedError
		taken   *members.NameTakenError
		nothing *client.NothingError
	)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &locked), errors.As(err, &taken):
		return exitLocked
	case errors.As(err, &newer), errors.Is(err, wiring.ErrNothing):
		return exitNewer
	case errors.As(err, &nothing):
		return exitNothing
	case errors.As(err, &mistake), errors.As(err, &managed), errors.As(err, &format), errors.As(err, &damaged):
		return exitUsage
	}
	return exitFailure
}

// process is what the agent tells the rest of the program about itself.
func (p program) process() wiring.Process {
	executable, _ := os.Executable()
	home, _ := os.UserHomeDir()
	second, _ := time.ParseDuration(second) // none: as usual
	return wiring.Process{
		Environ: p.environ, Executable: executable, Home: home, SSHAgent: os.Getenv("SSH_AUTH_SOCK"),
		Agent: "kitops/" + p.build.Version(), Second: second, Handed: p.handed,
	}
}
