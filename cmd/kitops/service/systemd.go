package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// run returns what a program prints, or its complaint as an error.
func run(ctx context.Context, program string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, program, args...).Output()
	if err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && len(failed.Stderr) > 0 {
		err = errors.New(strings.TrimSpace(string(failed.Stderr)))
	}
	return "", fmt.Errorf("%s %s: %w", program, strings.Join(args, " "), err)
}

func (s *Service) systemctl(ctx context.Context, args ...string) (string, error) {
	if s.User {
		args = append([]string{"--user"}, args...)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, commandLimit)
		defer cancel()
	}
	return run(ctx, "systemctl", args...)
}

// property is one of the unit's, "" when systemd does not say.
func (s *Service) property(ctx context.Context, property string) string {
	text, _ := s.systemctl(ctx, "show", name, "--property", property, "--value")
	return text
}

// command is how a user calls one of systemd's programs.
func (s *Service) command(program string) string {
	if s.User {
		return program + " --user"
	}
	return program
}

// log is the end of what the service has said.
func (s *Service) log(ctx context.Context) string {
	args := []string{"--no-pager", "--quiet", "--output", "cat", "--lines", lastLines, "--unit", name}
	if s.User {
		args = append([]string{"--user"}, args...)
	}
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	_, _ = run(ctx, "journalctl", "--sync")
	text, err := run(ctx, "journalctl", args...)
	if err != nil {
		text = err.Error()
	}
	return indented(text)
}

// argv are the words of ExecStart as systemctl show prints it.
func argv(shown string) []string {
	_, rest, _ := strings.Cut(shown, "argv[]=")
	words, _, _ := strings.Cut(rest, " ; ")
	return strings.Fields(words)
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

func (s *Service) installSystemd(ctx context.Context, p places, changed bool) error {
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

func (s *Service) statusSystemd(ctx context.Context) error {
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

// uninstallSystemd does that; p becomes what the service used.
func (s *Service) uninstallSystemd(ctx context.Context, p *places) error {
	used := *p
	used.fill(argv(s.property(ctx, "ExecStart")))
	switch at := s.property(ctx, "FragmentPath"); {
	case at != "" && at != p.Unit:
		return fmt.Errorf("the service is another's: its unit is %s, and this command makes and removes %s", at, p.Unit)
	case at != "":
		if _, err := s.systemctl(ctx, "disable", "--now", name); err != nil {
			return err
		}
	}
	if err := os.Remove(p.Unit); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the unit: %w", err)
	}
	if _, err := s.systemctl(ctx, "daemon-reload"); err != nil {
		return err
	}
	_, _ = s.systemctl(ctx, "reset-failed", name)
	*p = used
	return nil
}
