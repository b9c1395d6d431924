// Package service makes kitops a service of systemd.
//
// Install may be called again, also after one that was cut off: it takes over what is there, and never changes a task
// file, a key or a state. Uninstall removes the unit only, and says what stays.
package service

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
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
	Program    string // absolute path of this program
	Environ    []string
	Out        io.Writer
}

func mistake(format string, args ...any) error {
	return &settings.Error{Mistakes: []error{fmt.Errorf(format, args...)}}
}

func (s *Service) say(format string, args ...any) {
	fmt.Fprintln(s.Out, status.Printable(fmt.Sprintf(format, args...)))
}

// usable says why there can be no service here.
func (s *Service) usable(changes bool) error {
	if _, err := os.Stat("/run/systemd/system"); err != nil || runtime.GOOS != "linux" {
		return errors.New(`kitops service knows systemd only, which does not run here: have your service manager run "kitops --config-file FILE --state-file FILE --repo-dir DIR" and restart it unless it ends with 2 (docs/deploy.md)`)
	}
	switch root := os.Geteuid() == 0; {
	case s.User && root && s.variable("SUDO_USER") != "":
		return mistake("--user makes a service of the one who calls: run it without sudo")
	case changes && !s.User && !root:
		return mistake("a service of this machine is root's to change: run it with sudo, or with --user for one of your own")
	}
	return nil
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
	if _, err := s.systemctl(ctx, "daemon-reload"); err != nil {
		return err
	}
	if _, err := s.systemctl(ctx, "enable", name); err != nil {
		return err
	}
	running := s.property(ctx, "ActiveState") == "active"
	switch {
	case s.NoStart:
		s.say("kitops is installed, and starts with %s. To start it now: %s start kitops", s.beginning(), s.command("systemctl"))
		return nil
	case running && !changed:
		s.say("kitops runs already, as it is installed.")
	default:
		if err := s.start(ctx); err != nil {
			return err
		}
		s.say("kitops is ready, and starts with %s.", s.beginning())
	}
	s.tell(p)
	s.linger(ctx)
	s.say("")
	s.say("Its log:        %s --unit kitops --follow", s.command("journalctl"))
	s.say("Take new tasks: %s reload kitops", s.command("systemctl"))
	s.say("Stop for good:  %s", s.uninstaller(p))
	return nil
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

// start waits for READY=1. If it does not come, the log says why.
func (s *Service) start(ctx context.Context) error {
	_, _ = s.systemctl(ctx, "reset-failed", name) // there may be nothing to reset
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	_, err := s.systemctl(ctx, "restart", name)
	if err == nil && s.property(ctx, "ActiveState") == "active" {
		return nil
	}
	return fmt.Errorf("kitops is installed and does not start (%w); its last log lines:\n%s", errors.Join(err, ctx.Err()), s.log(context.WithoutCancel(ctx)))
}

// tell prints the paths, as they are in the unit.
func (s *Service) tell(p places) {
	s.say("  unit       %s", p.Unit)
	for _, line := range [][2]string{{"program", p.Program}, {"task file", p.Config}, {"state", p.State}, {"clones", p.RepoDir}} {
		s.say("  %-10s %s", line[0], line[1])
	}
}

// linger has a user's service outlive the session.
func (s *Service) linger(ctx context.Context) {
	if !s.User {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	if _, err := run(ctx, "loginctl", "enable-linger"); err != nil {
		s.say("It ends when you log out, unless root says: loginctl enable-linger %s", s.variable("USER"))
	}
}

// ErrNotRunning says that there is no service, or that it does not run.
var ErrNotRunning = errors.New("the service does not run")

// Status prints how the service is, and returns ErrNotRunning unless it runs.
func (s *Service) Status(ctx context.Context) error {
	if err := s.usable(false); err != nil {
		return err
	}
	p := places{Unit: s.property(ctx, "FragmentPath")}
	if p.Unit == "" {
		return fmt.Errorf("%w: there is no %s; kitops service install makes it", ErrNotRunning, name)
	}
	p.fill(argv(s.property(ctx, "ExecStart")))
	state := s.property(ctx, "ActiveState")
	s.say("kitops is %s (%s), process %s, since %s; %s", state, s.property(ctx, "SubState"), s.property(ctx, "MainPID"), s.property(ctx, "StateChangeTimestamp"), s.property(ctx, "UnitFileState"))
	s.tell(p)
	if drops := s.property(ctx, "DropInPaths"); drops != "" {
		s.say("  changed by %s", drops)
	}
	if state != "active" && state != "reloading" {
		return fmt.Errorf("%w; its last log lines:\n%s", ErrNotRunning, s.log(ctx))
	}
	return nil
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
	used := p
	used.fill(argv(s.property(ctx, "ExecStart")))
	switch at := s.property(ctx, "FragmentPath"); {
	case at != "" && at != p.Unit:
		return fmt.Errorf("the service is another's: its unit is %s, and this command makes and removes %s", at, p.Unit)
	case at != "":
		if _, err := s.systemctl(ctx, "disable", "--now", name); err != nil {
			return err
		}
	}
	err = os.Remove(p.Unit)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the unit: %w", err)
	}
	if _, err := s.systemctl(ctx, "daemon-reload"); err != nil {
		return err
	}
	_, _ = s.systemctl(ctx, "reset-failed", name)
	s.say("kitops is no service any more.")
	stays := [][2]string{
		{used.Config, "your tasks"},
		{used.Secrets, "variables"},
		{used.App, "the App and its key"},
		{used.State, "what has run; without it all branches run once more"},
		{used.RepoDir, "clones, which may go"},
		{used.Unit + ".d", "what systemctl edit added"},
		{used.Program, "this program"},
	}
	for _, stay := range stays {
		if _, err := os.Lstat(stay[0]); err == nil {
			s.say("  stays: %s (%s)", stay[0], stay[1])
		}
	}
	if used.ActionUser != "" {
		s.say("  stays: the user %s (files may be its)", used.ActionUser)
	}
	return nil
}

// indented is the log below a sentence.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	return b.String()
}
