package service

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/status/api"
)

//go:embed kitops.plist
var launchdPlist string

const (
	launchdLabel = "com.github.bittrance.kitops"
	rootHome     = "/var/root"
	again        = 100 * time.Millisecond // between two looks at what launchd does by and by
)

// placesLaunchd are those of a daemon of this Mac, or of an agent of one user. No path of the
// clones has a blank: actions may not expect one. Those of a daemon are not below its state, which
// lets nobody through: actions of another user must get to their workdirs.
func (s *Service) placesLaunchd() (places, error) {
	home := s.variable("HOME")
	if s.User {
		if !filepath.IsAbs(home) {
			return places{}, settings.Mistake("HOME does not say where your files are")
		}
		return places{
			Unit: filepath.Join(home, "Library/LaunchAgents", launchdLabel+".plist"), Program: s.Program, Log: filepath.Join(home, "Library/Logs/kitops.log"),
			State: filepath.Join(home, ".local/state/kitops/state.yaml"), RepoDir: filepath.Join(home, ".cache/kitops/repos"), App: settings.ConfigDir(s.Environ),
		}, nil
	}
	caller := s.variable("SUDO_USER")
	if caller == "" || caller == "root" {
		return places{}, settings.Mistake("actions of a service of this Mac run as the one who calls sudo: call it by sudo, as the user whom they are to run as")
	}
	return places{
		Unit: s.root + "/Library/LaunchDaemons/" + launchdLabel + ".plist", Program: s.root + "/usr/local/libexec/kitops", Log: s.root + "/var/log/kitops.log",
		Config: s.root + "/etc/kitops/tasks.yaml", State: s.root + "/private/var/db/kitops/state.yaml", RepoDir: s.root + "/private/var/db/kitops-repos",
		App: s.root + settings.ConfigDir([]string{"HOME=" + rootHome}), ActionUser: caller,
	}, nil
}

// plist is the text of launchd.plist(5).
func (s *Service) plist(p places) (string, error) {
	t, err := template.New("").Funcs(template.FuncMap{"xml": func(text string) (string, error) {
		var b strings.Builder
		err := xml.EscapeText(&b, []byte(text))
		return b.String(), err
	}}).Parse(launchdPlist)
	if err != nil {
		return "", err
	}
	home := rootHome
	if s.User {
		home = s.variable("HOME")
	}
	variables := [][2]string{{"HOME", home}, {"PATH", s.variable("PATH")}}
	for _, more := range [][2]string{{"KITOPS_ACTION_USER", p.ActionUser}, {"KITOPS_GITHUB_API_URL", p.API}} {
		if more[1] != "" {
			variables = append(variables, more)
		}
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"Label": launchdLabel, "Log": p.Log, "Variables": variables,
		"Command": []string{p.Program, "--config-file", p.Config, "--state-file", p.State, "--repo-dir", p.RepoDir},
	})
	return b.String(), err
}

// commandOf are the words that a plist has launchd execute.
func commandOf(plist []byte) (words []string) {
	d := xml.NewDecoder(bytes.NewReader(plist))
	key, text := "", ""
	for {
		token, err := d.Token()
		if err != nil {
			return words
		}
		switch token := token.(type) {
		case xml.StartElement:
			text = ""
		case xml.CharData:
			text += string(token)
		case xml.EndElement:
			switch {
			case token.Name.Local == "key":
				key = text
			case token.Name.Local == "string" && key == "ProgramArguments":
				words = append(words, text)
			}
		}
	}
}

// launchctl calls it for this service.
func (s *Service) launchctl(ctx context.Context, verb string, more ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	return run(ctx, "launchctl", append([]string{verb}, more...)...)
}

// domain is where launchd has the service: a user's is in the graphical session, or without one.
func (s *Service) domain(ctx context.Context) string {
	if !s.User {
		return "system"
	}
	own := strconv.Itoa(os.Getuid())
	if _, err := s.launchctl(ctx, "print", "gui/"+own); err != nil {
		return "user/" + own
	}
	return "gui/" + own
}

// job is what launchd says of the service; loaded tells whether it knows it.
func (s *Service) job(ctx context.Context, domain string) (state, pid, exit string, loaded bool) {
	said, err := s.launchctl(ctx, "print", domain+"/"+launchdLabel)
	value := func(key string) string {
		found := regexp.MustCompile(`(?m)^\s*` + key + ` = (.*)$`).FindStringSubmatch(said)
		if found == nil {
			return ""
		}
		return found[1]
	}
	return value("state"), value("pid"), value("last exit code"), err == nil
}

func (s *Service) installLaunchd(ctx context.Context, p places, changed bool) error {
	reader := "tail -f "
	if !s.User {
		reader = "sudo tail -f "
		if err := ownLog(p.Log); err != nil {
			return fmt.Errorf("make the log: %w", err)
		}
	}
	domain := s.domain(ctx)
	state, _, _, loaded := s.job(ctx, domain)
	switch {
	case s.NoStart:
		s.say("kitops is installed, and starts with %s. To start it now: launchctl bootstrap %s %s", s.beginning(), domain, p.Unit)
		return nil
	case loaded && state == "running" && !changed:
		s.say("kitops runs already, as it is installed.")
	default:
		if err := s.startLaunchd(ctx, p, domain, loaded); err != nil {
			return err
		}
		s.say("kitops is ready, and starts with %s.", s.beginning())
	}
	s.tell(p)
	s.say("")
	s.say("Its log:        %s%s", reader, p.Log)
	s.say("Take new tasks: launchctl kill HUP %s/%s", domain, launchdLabel)
	s.say("Stop for good:  %s", s.uninstaller(p))
	return nil
}

// startLaunchd has the plist read anew, and returns when the agent answers on its socket.
func (s *Service) startLaunchd(ctx context.Context, p places, domain string, loaded bool) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if loaded {
		if err := s.unload(ctx, domain); err != nil {
			return err
		}
	}
	before := sizeOf(p.Log)
	if _, err := s.launchctl(ctx, "enable", domain+"/"+launchdLabel); err != nil {
		return err
	}
	if _, err := s.launchctl(ctx, "bootstrap", domain, p.Unit); err != nil {
		return err
	}
	control := (api.Config{}).Of(p.State)
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", control)
		if err == nil {
			return conn.Close()
		}
		if _, _, exit, _ := s.job(ctx, domain); exit != "" && exit != "0" && exit != "(never exited)" {
			return fmt.Errorf("kitops is installed and does not start (exit code %s); its last log lines:\n%s", exit, tail(p.Log, before))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("kitops is installed and does not start (%w); its last log lines:\n%s", errors.Join(err, ctx.Err()), tail(p.Log, before))
		case <-time.After(again):
		}
	}
}

// unload ends the service, and returns when launchd has forgotten it: it refuses to take it anew before.
func (s *Service) unload(ctx context.Context, domain string) error {
	_, err := s.launchctl(ctx, "bootout", domain+"/"+launchdLabel)
	for {
		if _, _, _, loaded := s.job(ctx, domain); !loaded {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(again):
		}
	}
}

func (s *Service) statusLaunchd(ctx context.Context) error {
	p, err := s.placesLaunchd()
	if err != nil && !s.User { // whoever asks is not who has installed it
		p = places{Unit: s.root + "/Library/LaunchDaemons/" + launchdLabel + ".plist", Log: s.root + "/var/log/kitops.log"}
	} else if err != nil {
		return err
	}
	text, err := os.ReadFile(p.Unit)
	if err != nil {
		return fmt.Errorf("%w: there is no %s; kitops service install makes it", ErrNotRunning, p.Unit)
	}
	p.fill(commandOf(text))
	state, pid, exit, loaded := s.job(ctx, s.domain(ctx))
	if !loaded {
		state = "not loaded"
	}
	if pid != "" {
		s.say("kitops is %s, process %s", state, pid)
	} else {
		s.say("kitops is %s; its last exit code: %s", state, exit)
	}
	s.tell(p)
	if state != "running" {
		return fmt.Errorf("%w; its last log lines:\n%s", ErrNotRunning, tail(p.Log, 0))
	}
	return nil
}

func (s *Service) uninstallLaunchd(ctx context.Context, p *places) error {
	if text, err := os.ReadFile(p.Unit); err == nil {
		p.fill(commandOf(text))
	}
	domain := s.domain(ctx)
	if _, _, _, loaded := s.job(ctx, domain); loaded {
		ctx, cancel := context.WithTimeout(ctx, startLimit)
		defer cancel()
		if err := s.unload(ctx, domain); err != nil {
			return err
		}
	}
	if err := os.Remove(p.Unit); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the plist: %w", err)
	}
	return nil
}
