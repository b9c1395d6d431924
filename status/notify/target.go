package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"text/template"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/hosts"
	"github.com/bittrance/kitops/poller/secret"
)

// Target is who is notified. Which fields it needs depends on its Kind, see Check.
type Target struct {
	Kind       string   // one of Kinds
	URLFile    string   // slack, teams, discord, webhook: the file with the address, which is a secret
	SecretFile string   // webhook: the file with what bodies are signed with; may be empty
	URL        string   // ntfy, gotify: the address, which is none
	TokenFile  string   // ntfy (may be empty), gotify, telegram, matrix
	Chat       string   // telegram
	Server     string   // matrix
	Room       string   // matrix
	SMTP       string   // mail: HOST:PORT, or USER@HOST:PORT where the user is not From
	Password   string   // mail: the file with the password; may be empty
	From       string   // mail
	Recipients []string // mail
	Template   string   // of the text; "" for the usual one
}

// maxSecret is the size of a file with a secret, in bytes.
const maxSecret = 64 << 10

// Kinds are the services.
func Kinds() []string {
	return []string{"slack", "teams", "discord", "webhook", "ntfy", "gotify", "telegram", "matrix", "mail"}
}

// needs are the keys of a target that its kind demands and takes, as a task file calls them.
func needs(kind string) (demands, takes []string) {
	switch kind {
	case "slack", "teams", "discord":
		return []string{"url_file"}, nil
	case "webhook":
		return []string{"url_file"}, []string{"secret_file"}
	case "ntfy":
		return []string{"url"}, []string{"token_file"}
	case "gotify":
		return []string{"url", "token_file"}, nil
	case "telegram":
		return []string{"chat", "token_file"}, nil
	case "matrix":
		return []string{"server", "room", "token_file"}, nil
	}
	return []string{"smtp", "from", "recipients"}, []string{"password_file"}
}

func (t Target) given() map[string]bool {
	all := map[string]bool{}
	for key, value := range map[string]string{
		"url_file": t.URLFile, "secret_file": t.SecretFile, "url": t.URL, "token_file": t.TokenFile, "chat": t.Chat, "server": t.Server,
		"room": t.Room, "smtp": t.SMTP, "password_file": t.Password, "from": t.From, "recipients": strings.Join(t.Recipients, ","),
	} {
		if value != "" {
			all[key] = true
		}
	}
	return all
}

// Check tells what is wrong with a target. It reads its files, and tries its template.
func (t Target) Check() error {
	if !slices.Contains(Kinds(), t.Kind) {
		return fmt.Errorf("%q is none of %s", t.Kind, strings.Join(Kinds(), ", "))
	}
	demands, takes := needs(t.Kind)
	given := t.given()
	var errs []error
	for _, key := range demands {
		if !given[key] {
			errs = append(errs, fmt.Errorf("%s needs %s", t.Kind, key))
		}
		delete(given, key)
	}
	for _, key := range takes {
		delete(given, key)
	}
	for key := range given {
		errs = append(errs, fmt.Errorf("%s does not go with %s", key, t.Kind))
	}
	if len(errs) > 0 {
		slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return errors.Join(errs...)
	}
	return errors.Join(t.checkAddresses(), t.checkTemplate())
}

func (t Target) checkAddresses() error {
	for _, file := range []string{t.URLFile, t.SecretFile, t.TokenFile, t.Password} {
		if file != "" {
			if _, err := read(file); err != nil {
				return err
			}
		}
	}
	if t.Kind == "mail" {
		for _, address := range append([]string{t.From}, t.Recipients...) {
			if _, err := mail.ParseAddress(address); err != nil {
				return fmt.Errorf("%q is no mail address", address)
			}
		}
		return nil
	}
	_, err := t.address()
	return err
}

// Plain tells whether messages and their secrets travel unencrypted beyond this host.
func (t Target) Plain() bool {
	u, err := t.address()
	return err == nil && t.Kind != "mail" && u.Scheme == "http" && !hosts.Loopback(u.Hostname())
}

// address is where messages go, without a token that may have to be added. An error does not hold it.
func (t Target) address() (*url.URL, error) {
	text, from := t.URL, "url"
	switch t.Kind {
	case "telegram":
		return &url.URL{Scheme: "https", Host: "api.telegram.org", Path: "/"}, nil
	case "matrix":
		text, from = t.Server, "server"
	case "slack", "teams", "discord", "webhook":
		value, err := read(t.URLFile)
		if err != nil {
			return nil, err
		}
		text, from = value.Reveal(), t.URLFile
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%s does not hold an address that begins with https://", from)
	}
	return u, nil
}

// read returns the secret in a file, without the white space around it.
func read(file string) (secret.Text, error) {
	data, err := files.ReadRegular(file, maxSecret)
	if err != nil {
		return secret.Text{}, err
	}
	text := strings.TrimSpace(string(data))
	if text == "" || strings.ContainsAny(text, "\n\r\x00") {
		return secret.Text{}, fmt.Errorf("%s must hold one line", file)
	}
	return secret.New(text), nil
}

// To is the name of the target in the state: a digest, the same as long as it is the same target.
func (t Target) To() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []any{t.Kind, t.URLFile, t.URL, t.Chat, t.Server, t.Room, t.SMTP, t.Recipients}))
	return poller.NoticeTo(hex.EncodeToString(sum[:6]))
}

// String names the target for people: its kind and, where that is no secret, its host.
func (t Target) String() string {
	switch u, err := t.address(); {
	case t.Kind == "mail":
		return "mail to " + strings.Join(t.Recipients, ", ")
	case t.Kind == "telegram", err != nil:
		return t.Kind
	default:
		return t.Kind + " at " + u.Host
	}
}

func (t Target) parse() (*template.Template, error) {
	return template.New("template").Option("missingkey=error").Parse(t.Template)
}

// checkTemplate tries the template on an example.
func (t Target) checkTemplate() error {
	if t.Template == "" {
		return nil
	}
	parsed, err := t.parse()
	if err == nil {
		err = parsed.Execute(io.Discard, example())
	}
	if err != nil {
		return fmt.Errorf("template: %w", err)
	}
	return nil
}
