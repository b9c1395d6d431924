package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/secret"
)

type holder struct {
	Key    secret.Text
	hidden secret.Text
	Many   []secret.Text
	Named  map[string]*secret.Text
}

func TestNothingShowsIt(t *testing.T) {
	const text = "hunter2"
	s := secret.New(text)
	h := holder{s, s, []secret.Text{s}, map[string]*secret.Text{"a": &s}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%08.3f"} {
		for _, value := range []any{s, &s, h, &h, []any{h}, map[string]any{"h": h}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("told", "key", s, "holder", h, "pointer", &s)
	}
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal, func(v any) ([]byte, error) { return xml.Marshal(v.(holder).Key) }} {
		data, err := marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
	}
	out.WriteString(fmt.Errorf("use %v: %w", s, fmt.Errorf("%s", h.hidden)).Error())
	for _, form := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%s is shown:\n%s", form, out.String())
		}
	}
	if !strings.Contains(out.String(), "***") || s.Reveal() != text {
		t.Error(out.String())
	}
}

func TestNone(t *testing.T) {
	var none secret.Text
	same := secret.New("a")
	if none.Given() || none.Reveal() != "" || fmt.Sprint(none) != "" || none != secret.New("") || secret.New("a") != same || secret.New("b") == same {
		t.Error("no secret is not told from one")
	}
}
