package service

import (
	"context"
	"errors"
	"fmt"
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
