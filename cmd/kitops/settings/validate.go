package settings

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/hosts"
	"github.com/bittrance/kitops/webhook"
)

const (
	maxName    = 100
	maxRepo    = 256 // of a pattern for repositories
	maxContext = 255 // of a commit status, as GitHub has it
	maxKey     = 1 << 16
)

var (
	appID       = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([1-9][0-9]{0,18}|Iv[0-9][0-9A-Za-z.]{4,64})$`) })
	placeholder = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{[^{}]*\}`) })
)

// check judges values that parse but make no sense.
func (all Options) check(cfg Config) []error {
	var mistakes []error
	judge := func(key string, err error) {
		if o := all.ByKey(key); err != nil && o.origin != "" && !o.has("") {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", o.origin, err))
		}
	}
	if cfg.Poller.Interval <= 0 {
		judge("INTERVAL", errors.New("must be positive"))
	}
	if cfg.Poller.Timeout <= 0 {
		judge("TIMEOUT", errors.New("must be positive"))
	}
	_, err := cfg.Poller.LeaseTerms(actions.Grace)
	judge("LEASE_TTL", err)
	_, err = ParseLabels(cfg.Poller.Labels)
	judge("LABELS", err)
	if state, file := all.ByKey("STATE").origin, all.ByKey("STATE_FILE").origin; state != "" && file != "" {
		judge("STATE", fmt.Errorf("excludes %s", file))
	}
	if cfg.Poller.Again && !cfg.Poller.PollOnce {
		judge("AGAIN", errors.New("needs --poll-once; kitops again asks a running agent"))
	}
	if cfg.Poller.MaxParallel < 1 {
		judge("MAX_PARALLEL", errors.New("must be at least 1"))
	}
	judge("LOG_FORMAT", oneOf(cfg.Status.LogFormat, "console", "text", "journal", "json"))
	judge("LOG_LEVEL", oneOf(cfg.Status.LogLevel, "debug", "info", "warn", "error"))
	judge("GITHUB_REPORT", oneOf(cfg.Status.Report, reportStatus, ReportCheck, reportOff))
	judge("INSTANCE", cmp.Or(checkName(cfg.Status.Instance), poller.CheckInstance(cfg.Status.Instance)))
	judge("SSH_KEY_FILE", checkSSHKeyFile(cfg.Git.SSHKeyFile))
	judge("GITHUB_STATUS_CONTEXT", checkStatusContext(cfg.Status.Context))
	if cfg.App.AppID != appOff && cfg.App.AppID != "" {
		judge("GITHUB_APP_ID", checkAppID(cfg.App.AppID))
	}
	judge("STATUS_URL", checkStatusURL(cfg.Status.TargetURL))
	judge("GITHUB_PRIVATE_KEY_FILE", checkKeyFile(cfg.App.PrivateKeyFile))
	judge("GITHUB_PRIVATE_KEY", checkKey([]byte(cfg.App.PrivateKey.Reveal())))
	judge("GITHUB_API_URL", checkAPIURL(cfg.App.APIURL))
	_, err = cfg.Control.GID()
	judge("CONTROL_GROUP", err)
	judge("METRICS", checkListen(cfg.Metrics.Address))
	checkPage(cfg.Page, cfg.App.ClientSecretFile, judge)
	return mistakes
}

// incomplete says which half of the App's credentials is missing. In a task
// file every task may have its own.
func (all Options) incomplete(tasks []Task) error {
	id, file, key := all.ByKey("GITHUB_APP_ID").origin, all.ByKey("GITHUB_PRIVATE_KEY_FILE").origin, all.ByKey("GITHUB_PRIVATE_KEY").origin
	switch {
	case file != "" && key != "":
		return fmt.Errorf("%s and %s exclude each other", file, key)
	case all.ByKey("GITHUB_APP_ID").has(appOff):
		return nil
	case all.ByKey("CONFIG_FILE").origin != "" && !slices.ContainsFunc(tasks, func(t Task) bool { return t.GitHub != nil && !t.GitHub.Own }):
		return nil
	case id != "" && file+key == "":
		return fmt.Errorf("%s without --github-private-key-file: a GitHub App needs both", id)
	case id == "" && file+key != "":
		return fmt.Errorf("%s without --github-app-id: a GitHub App needs both", file+key)
	}
	return nil
}

// checkHooks judges the settings of webhooks together.
func (all Options) checkHooks(c webhook.Config) []error {
	var mistakes []error
	note := func(key string, err error) {
		if o := all.ByKey(key); err != nil && !o.has("") {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", cmp.Or(o.origin, "--"+o.Flag()), err))
		}
	}
	if c.SecretFile != "" && c.Secret.Given() {
		note("WEBHOOK_SECRET_FILE", errors.New("excludes KITOPS_WEBHOOK_SECRET"))
	}
	if c.SecretFile != "" {
		_, err := webhook.ReadSecrets(c.SecretFile, slog.New(slog.DiscardHandler))
		note("WEBHOOK_SECRET_FILE", err)
	}
	if all.ByKey("WEBHOOK_SECRET").origin != "" {
		_, err := webhook.LiteralSecrets(c.Secret, slog.New(slog.DiscardHandler))
		note("WEBHOOK_SECRET", err)
	}
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		note("TLS_CERT_FILE", errors.New("certificate and key go together: --tls-cert-file, --tls-key-file"))
	}
	if c.TLSCertFile != "" && c.TLSKeyFile != "" {
		_, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
		note("TLS_CERT_FILE", err)
	}
	if c.Listen != "" {
		note("LISTEN", checkListen(c.Listen))
	}
	if c.TLSCertFile != "" && c.Listen == "" {
		note("TLS_CERT_FILE", errors.New("there is nothing to serve without --listen"))
	}
	_, err := webhook.ParseProxies(c.TrustedProxy)
	note("TRUSTED_PROXY", err)
	if c.DeliveriesInterval < 0 {
		note("DELIVERIES_INTERVAL", errors.New("must be positive, or 0 for never"))
	}
	if c.Relay.Given() {
		note("WEBHOOK_RELAY", webhook.CheckRelayURL(c.Relay.Reveal()))
		if c.SecretFile == "" && !c.Secret.Given() && !c.RelayUnverified {
			note("WEBHOOK_RELAY", errors.New("needs the webhook secret, with which each message is checked: see --webhook-secret-file, or say --webhook-relay-unverified"))
		}
	}
	return mistakes
}

// checkListen judges what binding would find out only later.
func checkListen(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%w (write for instance :8080)", err)
	}
	if number, err := strconv.Atoi(port); err == nil && (number < 0 || number > math.MaxUint16) {
		return fmt.Errorf("port %s is not one of 0 to %d", port, math.MaxUint16)
	}
	return nil
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

// printable holds what becomes part of a commit status to what GitHub can keep.
func printable(text string, limit int) error {
	if utf8.RuneCountInString(text) > limit {
		return fmt.Errorf("longer than %d characters", limit)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		return fmt.Errorf("contains the unprintable character %U", r)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return !app.Postable(r) }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		return fmt.Errorf("contains %c (%U), which GitHub refuses in a commit status: take characters up to U+FFFF", r, r)
	}
	return nil
}

// isVariable takes what shells and service managers do, and the dots and dashes
// that some programs read.
func isVariable(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r != '.' && r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return name != ""
}

// checkVariable judges the name of a variable for actions.
func checkVariable(name string) error {
	switch {
	case !isVariable(name):
		return fmt.Errorf("%q cannot name a variable", name)
	case isGiven(name):
		return fmt.Errorf("%s is what kitops itself tells every action", name)
	}
	return nil
}

func checkAppID(id string) error {
	if !appID().MatchString(id) {
		return fmt.Errorf("%q is neither an App ID (a number) nor a client ID (Iv...)", id)
	}
	return nil
}

// checkSSHKeyFile leaves it to ssh to read what is locked by a passphrase.
func checkSSHKeyFile(path string) error {
	data, err := readKeyFile(path)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && files.OpenToOthers(info) {
		return fmt.Errorf("%s has mode %04o, and ssh uses no key that others may read: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	if !bytes.Contains(data, []byte("-----BEGIN ")) || !bytes.Contains(data, []byte("PRIVATE KEY-----")) {
		return fmt.Errorf("%s holds no private key in PEM form", path)
	}
	return nil
}

// checkKeyFile and checkKey say what an App's key is instead of one.
func checkKeyFile(path string) error {
	data, err := readKeyFile(path)
	if err != nil {
		return err
	}
	if err := checkKey(data); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func checkKey(data []byte) error {
	_, err := app.ParseKey(data)
	return err
}

func readKeyFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	return readLimited(path, maxKey)
}

// checkStatusURL refuses what GitHub would refuse with every status.
func checkStatusURL(text string) error {
	filled := strings.NewReplacer("{task}", "x", "{sha}", "x", "{run}", "x").Replace(text)
	if unknown := placeholder().FindString(filled); unknown != "" {
		return fmt.Errorf("%s is none of {task}, {sha}, {run}", unknown)
	}
	u, err := url.Parse(filled)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("must look like https://HOST/runs/{run}")
	}
	return nil
}

// checkAPIURL demands https: tokens travel there.
func checkAPIURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must look like https://HOST/api/v3")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !hosts.Loopback(u.Hostname())) {
		return errors.New("must be https, since tokens are sent there")
	}
	return nil
}
