// Package service makes kitops a service of systemd, of launchd or of Windows.
//
// Install may be called again, also after one that was cut off: it takes over what is there, and never changes a task
// file, a key or a state. Uninstall removes the unit only, and says what stays.
package service

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/status"
)

//go:generate cp ../../../docs/kitops.service kitops.service

// The units: of the machine, which is docs/kitops.service, and of one user.
var (
	//go:embed kitops.service
	systemUnit string
	//go:embed kitops-user.service
	userUnit string
)

const (
	windowsOS, darwinOS = "windows", "darwin"

	name         = "kitops.service"
	startLimit   = 2 * time.Minute // systemd itself gives up after 90 s
	commandLimit = 30 * time.Second
	lastLines    = "10"
)

// Service is what the user asks for, and who that is.
type Service struct {
	User       bool   // of the caller, not of the machine
	NoStart    bool   // installed and enabled only
	ConfigFile string // "": the one that is found
	Program    string // absolute path of the program; "": of this one
	Environ    []string
	Out        io.Writer

	goos string // of tests: another system than this one
	root string // of tests: what is below / is there
}

// system is the one whose service manager is meant.
func (s *Service) system() string { return cmp.Or(s.goos, runtime.GOOS) }

func (s *Service) say(format string, args ...any) {
	fmt.Fprintln(s.Out, status.Printable(fmt.Sprintf(format, args...)))
}

// usable says why there can be no service here, and finds the program.
func (s *Service) usable(changes bool) error {
	if err := s.supported(); err != nil {
		return err
	}
	switch root := os.Geteuid() == 0 || s.root != ""; {
	case s.system() == windowsOS:
	case s.User && root && s.variable("SUDO_USER") != "":
		return settings.Mistake("--user makes a service of the one who calls: run it without sudo")
	case changes && !s.User && !root:
		return settings.Mistake("a service of this machine is root's to change: run it with sudo, or with --user for one of your own")
	}
	if s.Program != "" {
		return nil
	}
	program, err := os.Executable()
	if err == nil {
		s.Program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	return nil
}

// supported says what to do where there is no service manager that kitops knows.
func (s *Service) supported() error {
	const by = `have your service manager run "kitops --config-file FILE --state-file FILE --repo-dir DIR" and restart it unless it ends with 2 (docs/deploy.md)`
	switch s.system() {
	case darwinOS:
		return nil
	case windowsOS:
		if s.User {
			return settings.Mistake("Windows has no services of users: have Task Scheduler run kitops at logon, or leave --user out")
		}
		return nil
	case "linux":
		if _, err := os.Stat("/run/systemd/system"); err == nil {
			return nil
		}
		if _, err := exec.LookPath("rc-service"); err == nil {
			return errors.New("kitops service knows no OpenRC: docs/deploy.md has a script for /etc/init.d")
		}
		return errors.New("kitops service knows systemd, which does not run here: " + by)
	case "freebsd":
		return errors.New("kitops service knows no rc.d: docs/deploy.md has a script for /usr/local/etc/rc.d")
	}
	return errors.New("kitops service knows no service manager of " + s.system() + ": " + by)
}

// Install makes the service, and ends when it is ready. Errors of what was asked for are *settings.Error.
func (s *Service) Install(ctx context.Context) error {
	if err := s.usable(true); err != nil {
		return err
	}
	p, err := s.places()
	if err != nil {
		return err
	}
	f, err := s.find(p)
	if err != nil {
		return err
	}
	changed, err := s.put(ctx, &p, f)
	if err != nil {
		return err
	}
	switch s.system() {
	case darwinOS:
		return s.installLaunchd(ctx, p, changed)
	case windowsOS:
		return s.installWindows(ctx, p, changed)
	}
	return s.installSystemd(ctx, p, changed)
}

func (s *Service) beginning() string {
	if s.User {
		return "your session"
	}
	return "the machine"
}

func (s *Service) uninstaller(p places) string {
	if s.User {
		return p.Program + " service uninstall --user"
	}
	return "sudo " + p.Program + " service uninstall"
}

// tell prints the paths, as they are in the unit.
func (s *Service) tell(p places) {
	s.say("  unit       %s", p.Unit)
	for _, line := range [][2]string{{"program", p.Program}, {"task file", p.Config}, {"state", p.State}, {"clones", p.RepoDir}, {"log", p.Log}} {
		if line[1] != "" {
			s.say("  %-10s %s", line[0], line[1])
		}
	}
}

// ErrNotRunning says that there is no service, or that it does not run.
var ErrNotRunning = errors.New("the service does not run")

// Status prints how the service is, and returns ErrNotRunning unless it runs.
func (s *Service) Status(ctx context.Context) error {
	if err := s.usable(false); err != nil {
		return err
	}
	switch s.system() {
	case darwinOS:
		return s.statusLaunchd(ctx)
	case windowsOS:
		return s.statusWindows()
	}
	return s.statusSystemd(ctx)
}

// Uninstall stops the service and removes its unit.
func (s *Service) Uninstall(ctx context.Context) error {
	if err := s.usable(true); err != nil {
		return err
	}
	p, err := s.places()
	if err != nil {
		return err
	}
	switch s.system() {
	case darwinOS:
		err = s.uninstallLaunchd(ctx, &p)
	case windowsOS:
		err = s.uninstallWindows(ctx, &p)
	default:
		err = s.uninstallSystemd(ctx, &p)
	}
	if err != nil {
		return err
	}
	s.say("kitops is no service any more.")
	s.tellWhatStays(p)
	return nil
}

// tellWhatStays lists what uninstalling leaves, and why.
func (s *Service) tellWhatStays(used places) {
	stays := [][2]string{
		{used.Config, "your tasks"},
		{used.Secrets, "variables"},
		{used.App, "the App and its key"},
		{used.State, "what has run; without it all branches run once more"},
		{used.RepoDir, "clones, which may go"},
		{used.Unit + ".d", "what systemctl edit added"},
		{used.Log, "its log"},
		{used.Program, "this program"},
	}
	for _, stay := range stays {
		if _, err := os.Lstat(stay[0]); err == nil {
			s.say("  stays: %s (%s)", stay[0], stay[1])
		}
	}
	if used.ActionUser != "" && s.system() == "linux" {
		s.say("  stays: the user %s (files may be its)", used.ActionUser)
	}
}

// indented is the log below a sentence.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	return b.String()
}
