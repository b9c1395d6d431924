package service

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/caarlos0/env/v10"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// places are the absolute paths of a service, as its unit has them.
type places struct {
	Unit, Program, Config, State, RepoDir string
	Secrets                               string // EnvironmentFile
	App                                   string // folder of the App
	ActionUser                            string // "": the service's own
	API                                   string // where the App is registered, for a unit that has variables; "": github.com
	Log                                   string // "": the service manager's
}

func (s *Service) variable(name string) string { return env.ToMap(s.Environ)[name] }

// directive is the first one of that name in a unit.
func directive(unit, key string) string {
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(key) + `=-?(.*)$`).FindStringSubmatch(unit)
	if found == nil {
		return ""
	}
	return found[1]
}

// fill takes what a command line says.
func (p *places) fill(command []string) {
	for i, word := range command {
		switch {
		case i == 0:
			p.Program = word
		case command[i-1] == "--config-file":
			p.Config = word
		case command[i-1] == "--state-file":
			p.State = word
		case command[i-1] == "--repo-dir":
			p.RepoDir = word
		}
	}
}

// places are where a new service has its files.
func (s *Service) places() (places, error) {
	switch s.system() {
	case darwinOS:
		return s.placesLaunchd()
	case windowsOS:
		return s.placesWindows()
	}
	if !s.User {
		p := places{
			Unit: "/etc/systemd/system/" + name, Secrets: directive(systemUnit, "EnvironmentFile"),
			ActionUser: directive(systemUnit, "Environment=KITOPS_ACTION_USER"),
			App:        settings.ConfigDir([]string{"HOME=" + directive(systemUnit, "Environment=HOME")}),
		}
		p.fill(strings.Fields(directive(systemUnit, "ExecStart")))
		if strings.HasPrefix(s.Program, "/usr/") { // where a package put it
			p.Program = s.Program
		}
		return p, nil
	}
	home, config := s.variable("HOME"), settings.ConfigDir(s.Environ)
	if !filepath.IsAbs(home) || config == "" {
		return places{}, settings.Mistake("HOME does not say where your files are")
	}
	return places{
		Unit: filepath.Join(filepath.Dir(config), "systemd/user", name), Program: s.Program,
		State: filepath.Join(home, ".local/state/kitops/state.yaml"), RepoDir: filepath.Join(home, ".cache/kitops/repos"),
		Secrets: filepath.Join(home, ".config/kitops/kitops.env"), App: config,
	}, nil
}

// unit is the text of the unit for these places.
func (s *Service) unit(p places) (string, error) {
	if s.system() == darwinOS {
		return s.plist(p)
	}
	text := userUnit
	if !s.User {
		text = systemUnit
	}
	words := []string{p.Program, "--config-file", p.Config, "--state-file", p.State, "--repo-dir", p.RepoDir}
	for _, word := range words {
		if strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`"'\%$;`, r) }) {
			return "", settings.Mistake("%q cannot stand in a unit: choose a path without blanks and any of \"'\\%%$;", word)
		}
	}
	line := "ExecStart=" + strings.Join(words, " ")
	if dir := s.variable("XDG_CONFIG_HOME"); s.User && dir != "" {
		line = fmt.Sprintf("Environment=\"XDG_CONFIG_HOME=%s\"\n%s", strings.ReplaceAll(dir, "%", "%%"), line)
	}
	return strings.Replace(text, "ExecStart="+directive(text, "ExecStart"), line, 1), nil
}

// variables are what the service will have in its environment.
func (s *Service) variables(p places) []string {
	environ := []string{"HOME=" + s.variable("HOME"), "XDG_CONFIG_HOME=" + s.variable("XDG_CONFIG_HOME")}
	switch {
	case s.system() == windowsOS:
		return []string{"APPDATA=" + filepath.Dir(p.App)}
	case s.system() == darwinOS && !s.User:
		return []string{"HOME=" + rootHome, "KITOPS_ACTION_USER=" + p.ActionUser}
	case !s.User:
		environ = []string{"HOME=" + directive(systemUnit, "Environment=HOME"), "KITOPS_ACTION_USER=" + p.ActionUser}
	}
	data, err := os.ReadFile(p.Secrets)
	if err != nil {
		return environ
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if key, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			environ = append(environ, key+"="+strings.Trim(value, `"'`))
		}
	}
	return environ
}
