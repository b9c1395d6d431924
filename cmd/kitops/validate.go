package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName    = 100
	maxContext = 255 // of a commit status, as GitHub has it
	maxKey     = 1 << 16
)

var appID = regexp.MustCompile(`^([1-9][0-9]{0,18}|Iv[0-9][0-9A-Za-z.]{4,64})$`)

// check judges values that parse but make no sense.
func (all options) check(cfg config) []error {
	var mistakes []error
	judge := func(key string, err error) {
		if o := all.byKey(key); err != nil && o.origin != "" && !slices.Contains(o.values, "") {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", o.origin, err))
		}
	}
	if cfg.Poller.Interval <= 0 {
		judge("INTERVAL", errors.New("must be positive"))
	}
	if cfg.Poller.Timeout <= 0 {
		judge("TIMEOUT", errors.New("must be positive"))
	}
	if cfg.Poller.MaxParallel < 1 {
		judge("MAX_PARALLEL", errors.New("must be at least 1"))
	}
	judge("LOG_FORMAT", oneOf(cfg.Status.LogFormat, "text", "json"))
	judge("LOG_LEVEL", oneOf(cfg.Status.LogLevel, "debug", "info", "warn", "error"))
	judge("INSTANCE", checkName(cfg.Status.Instance))
	judge("SSH_KEY_FILE", checkKeyFile(cfg.Git.SSHKeyFile))
	judge("GITHUB_STATUS_CONTEXT", checkContext(cfg.Status.Context))
	judge("GITHUB_APP_ID", checkAppID(cfg.App.AppID))
	judge("GITHUB_PRIVATE_KEY_FILE", checkKeyFile(cfg.App.PrivateKeyFile))
	judge("GITHUB_PRIVATE_KEY", checkKey(cfg.App.PrivateKey))
	judge("GITHUB_API_URL", checkAPIURL(cfg.App.APIURL))
	if err := all.incomplete(); err != nil {
		mistakes = append(mistakes, err)
	}
	return mistakes
}

// incomplete says which half of the App's credentials is missing. A task file
// may hold the other half.
func (all options) incomplete() error {
	id, file, key := all.byKey("GITHUB_APP_ID").origin, all.byKey("GITHUB_PRIVATE_KEY_FILE").origin, all.byKey("GITHUB_PRIVATE_KEY").origin
	switch {
	case file != "" && key != "":
		return fmt.Errorf("%s and %s exclude each other", file, key)
	case all.byKey("CONFIG_FILE").origin != "":
		return nil
	case id != "" && file+key == "":
		return fmt.Errorf("%s without --github-private-key-file: a GitHub App needs both", id)
	case id == "" && file+key != "":
		return fmt.Errorf("%s without --github-app-id: a GitHub App needs both", file+key)
	}
	return nil
}

// unsupported refuses settings that this version reads but cannot serve.
func (all options) unsupported(tasks []taskSettings) []error {
	const github = "GitHub App settings are not supported yet by this version"
	var app, hooks []string
	for _, o := range all {
		switch {
		case o.origin == "":
		case strings.HasPrefix(o.key, "GITHUB_"):
			app = append(app, o.origin)
		case o.group == "Webhooks":
			hooks = append(hooks, o.origin)
		}
	}
	var mistakes []error
	if len(app) > 0 {
		mistakes = append(mistakes, fmt.Errorf("%s: %s", strings.Join(app, ", "), github))
	}
	if len(hooks) > 0 {
		mistakes = append(mistakes, fmt.Errorf("%s: webhooks and the HTTP server are not supported yet by this version", strings.Join(hooks, ", ")))
	}
	for _, t := range tasks {
		if t.GitHub != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %s", t.GitHub.place, github))
		}
	}
	return mistakes
}

func oneOf(value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%q is none of %s", value, strings.Join(known, ", "))
}

// checkName holds names to what is safe in logs, statuses and state files.
func checkName(name string) error {
	if strings.TrimSpace(name) == "" {
		return errors.New("leaves the name empty")
	}
	return printable(name, maxName)
}

func checkContext(text string) error { return printable(text, maxContext) }

func printable(text string, limit int) error {
	if utf8.RuneCountInString(text) > limit {
		return fmt.Errorf("longer than %d characters", limit)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		return fmt.Errorf("contains the unprintable character %U", r)
	}
	return nil
}

func checkVariable(name string) error {
	if name == "" || strings.ContainsAny(name, "=\x00") {
		return fmt.Errorf("%q cannot name a variable", name)
	}
	return nil
}

func checkAppID(id string) error {
	if !appID.MatchString(id) {
		return fmt.Errorf("%q is neither an App ID (a number) nor a client ID (Iv...)", id)
	}
	return nil
}

func checkKeyFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	data, err := readLimited(path, maxKey)
	if err != nil {
		return err
	}
	if !isKey(data) {
		return fmt.Errorf("%s holds no private key in PEM form", path)
	}
	return nil
}

// checkKey takes the PEM itself, with \n for newlines, or in base64.
func checkKey(text string) error {
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if isKey([]byte(text)) || err == nil && isKey(decoded) {
		return nil
	}
	return errors.New("holds no private key in PEM form")
}

func isKey(data []byte) bool {
	return bytes.Contains(data, []byte("-----BEGIN ")) && bytes.Contains(data, []byte("PRIVATE KEY-----"))
}

// checkAPIURL demands https: tokens travel there.
func checkAPIURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must look like https://HOST/api/v3")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return errors.New("must be https, since tokens are sent there")
	}
	return nil
}
