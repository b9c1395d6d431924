package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/secret"
)

const (
	password = `p@ss/w"rd<1>+x`
	pem      = "-----BEGIN KEY-----\r\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\r\nshort\r\n-----END KEY-----\r\n"
)

// masked is what passes of texts that are written one after the other.
func masked(t *testing.T, m *secret.Mask, writes ...string) string {
	t.Helper()
	var out bytes.Buffer
	w := m.Writer(&out)
	for _, text := range writes {
		if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func inJSON(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

func TestMask(t *testing.T) {
	t.Parallel()
	token := "ghs_" + strings.Repeat("a1.-_", 100)
	for text, want := range map[string]string{
		"it is " + password + "!\n":                           "it is ***!\n",
		password + password:                                   "******",
		"?p=" + url.QueryEscape(password) + "&q":              "?p=***&q",
		"/" + url.PathEscape(password) + "/":                  "/***/",
		inJSON("a " + password):                               `"a ***"`,
		base64.StdEncoding.EncodeToString([]byte(password)):   "***g=",
		hex.EncodeToString([]byte(password)):                  "***",
		strings.ToUpper(hex.EncodeToString([]byte(password))): "***",
		"::error::it is 100%25 of a%3Ab%25c%2Cde\n":           "::error::it is 100%25 of ***\n",
		"::error::a:b%25c,de\n":                               "::error::***\n",
		"almost: p@ss/w\"rd<1>+y\n":                           "almost: p@ss/w\"rd<1>+y\n",
		"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nshort":             "***\nshort",
		"token " + token + "\n":                               "token ***\n",
		"a ghs_short and xghs_" + token[4:] + "\n":            "a ghs_short and x" + token + "\n",
		"https://me:pass@host/x git@host ssh://git@host:1":    "https://***@host/x git@host ssh://git@host:1",
		"see https://host/a@b":                                "see https://host/a@b",
		"::add-mask::later%0Aon it\nlater\non it\n":           "***\n***\n",
		"x ::add-mask::abcdefghi\nabcdefghi\n":                "x ::add-mask::abcdefghi\nabcdefghi\n",
		"::add-mask::\n::add-mask":                            "***\n::add-mask",
		"p@ss":                                                "p@ss",
	} {
		known := func() *secret.Mask {
			m := &secret.Mask{}
			if short := m.Add(secret.New(password), secret.New(pem), secret.New("a:b%c,de"), secret.New("main"), secret.New("")); short != 1 {
				t.Errorf("%d are too short", short)
			}
			return m
		}
		if got := masked(t, known(), text); got != want {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
		if got := masked(t, known(), strings.Split(text, "")...); got != want {
			t.Errorf("%q byte by byte:\n got %q\nwant %q", text, got, want)
		}
	}
}

// TestOverlappingSecrets: no end of the longer or later one remains.
func TestOverlappingSecrets(t *testing.T) {
	t.Parallel()
	m := &secret.Mask{}
	m.Add(secret.New("abcdefgh"), secret.New("efghijkl"), secret.New("abcdefghi-and-more"))
	for text, want := range map[string]string{"<abcdefghijkl>": "<***>", "abcdefghi-and-more!": "***!", "abcdefghi-and-less": "***i-and-less"} {
		for n := range len(text) {
			if got := masked(t, m, text[:n], text[n:]); got != want {
				t.Errorf("%q cut at %d: %q, want %q", text, n, got, want)
			}
		}
	}
}

// TestEncodedAmongOthers: base64 of a text that has the secret somewhere in it.
func TestEncodedAmongOthers(t *testing.T) {
	t.Parallel()
	m := &secret.Mask{}
	m.Add(secret.New(password), secret.New(pem))
	for _, text := range []string{"", "a", "ab", "abc", "user:"} {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
			encoded := encoding.EncodeToString([]byte(text + password + "!"))
			got := masked(t, m, encoded)
			if plain := strings.ReplaceAll(got, "***", ""); !strings.Contains(got, "***") || len(plain) > 12 {
				t.Errorf("%q: %s", text, got)
			}
		}
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(pem))
	for _, wrapped := range []string{encoded, encoded[:76] + "\n" + encoded[76:]} {
		if got := masked(t, m, wrapped); strings.Trim(got, "*\n") != "" {
			t.Errorf("%q", got)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("hunter2hunter2", "say hunter2hunter2 and hunter2hunter", 7)
	f.Add("aaaaaaaab", "aaaaaaaaaaaaaaaab://aaaa@ghs_aaaaaa", 3)
	f.Add("line one\nline two", "::add-mask::ghp_\nline two", 1)
	f.Fuzz(func(t *testing.T, value, text string, size int) {
		known := func() *secret.Mask {
			m := &secret.Mask{}
			m.Add(secret.New(value))
			return m
		}
		whole := masked(t, known(), text)
		var parts []string
		for rest, n := text, max(1, size%50); rest != ""; {
			n = min(n, len(rest))
			parts = append(parts, rest[:n])
			rest = rest[n:]
		}
		if got := masked(t, known(), parts...); got != whole {
			t.Errorf("in parts %q, as a whole %q", got, whole)
		}
		if len(value) >= secret.Shortest && !strings.Contains(value, "*") && strings.Contains(whole, value) {
			t.Errorf("%q shows %q", whole, value)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	m := &secret.Mask{}
	for range 20 {
		m.Add(secret.New(password), secret.New(pem))
	}
	line := []byte("2026-11-28 12:00:00 compiling github.com/acme/shop/cart: generated 12 files, https://host/x\n")
	w := m.Writer(&bytes.Buffer{})
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		_, _ = w.Write(line)
	}
}
