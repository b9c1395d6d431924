// Package secret is text that is never shown.
//
// Whatever prints a Text, or a value that holds one, prints *** instead: fmt
// with any verb, slog, JSON and YAML. Only Reveal returns what it is, at the
// boundary where the secret is used. It imports nothing of kitops, and
// everything of kitops may import it.
package secret

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unique"
)

// shown stands for every secret, of whatever length.
const shown = "***"

// Text is a secret, or none. Equal ones compare equal. A field of another type
// may be unexported, where fmt cannot ask how to print it, and still not show it.
type Text struct{ handle unique.Handle[string] }

// New makes a secret of a text.
func New(text string) Text {
	if text == "" {
		return Text{}
	}
	return Text{unique.Make(text)}
}

// Given tells whether there is a secret.
func (t Text) Given() bool { return t != Text{} }

// Reveal returns the secret itself.
func (t Text) Reveal() string {
	if !t.Given() {
		return ""
	}
	return t.handle.Value()
}

// String is empty for none.
func (t Text) String() string {
	if !t.Given() {
		return ""
	}
	return shown
}

// GoString implements fmt.GoStringer.
func (t Text) GoString() string { return fmt.Sprintf("secret.Text(%q)", t.String()) }

// Format implements fmt.Formatter: no verb shows more than String.
func (t Text) Format(s fmt.State, verb rune) {
	if verb == 'v' && s.Flag('#') {
		_, _ = io.WriteString(s, t.GoString())
		return
	}
	_, _ = io.WriteString(s, t.String())
}

// LogValue implements slog.LogValuer.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText implements encoding.TextMarshaler, for JSON as well.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler, for answers that hold a secret.
func (t *Text) UnmarshalText(text []byte) error {
	*t = New(string(text))
	return nil
}

// MarshalJSON implements json.Marshaler.
func (t Text) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// MarshalYAML implements the marshaler of YAML libraries.
func (t Text) MarshalYAML() (any, error) { return t.String(), nil }

// Named tells whether a variable of this name counts as a secret: one of its words says so.
func Named(name string) bool {
	for word := range strings.FieldsFuncSeq(strings.ToUpper(name), func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
		switch word {
		case "TOKEN", "SECRET", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL", "CREDENTIALS":
			return true
		}
	}
	return false
}
